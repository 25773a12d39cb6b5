"""A foreign file as fields: where each stands, and what it holds. Nothing here knows a tool."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pilotage.errors import Place, Problem
from pilotage.manifest.compose import Unreadable, compose_foreign
from pilotage.manifest.load import check_characters
from pilotage.manifest.nodes import Entries, Items, Node, Scalar, Span, Spot
from pilotage.manifest.plain import read_plain
from pilotage.manifest.secrets import mark_secrets, name_is_secret
from pilotage.manifest.source import Finding, Source

Path = tuple[str | int, ...]
Leaf = tuple[str, Path]
"""A value that holds no others, by its document and where it stands in it."""

HIDDEN = "•••"
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Field:
    """One place in a document: the key it stands under (None in a list and at the root) and its value.

    ``root`` is the part of the path that leads to the object itself, in a list of objects.
    """

    source: Source
    document: str
    path: Path
    key: Scalar | None
    value: Node
    root: int = 0

    @property
    def leaf(self) -> Leaf:
        return self.document, self.path

    @property
    def name(self) -> str:
        """``spec.steps[0].setWeight``, from the object on."""
        text = ""
        for step in self.path[self.root :]:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text or "(the whole)"

    @property
    def span(self) -> Span:
        return Spot(self.key, self.value).span

    @property
    def place(self) -> Place:
        return self.source.place(self.span)

    @property
    def secret(self) -> bool:
        return isinstance(self.value, Scalar) and self.value.secret

    @property
    def text(self) -> str | None:
        """What is written; None of nothing, and of what is no scalar."""
        scalar = self.value
        if not isinstance(scalar, Scalar) or (not scalar.quoted and read_plain(scalar.text) is None):
            return None
        return scalar.text

    @property
    def shown(self) -> str:
        """For a report: one line, not too long, and never a secret."""
        match self.value:
            case Entries():
                return "{}"
            case Items():
                return "[]"
            case Scalar(secret=True):
                return HIDDEN
            case Scalar(text=text):
                line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
                return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"

    def get(self, *keys: str) -> Field | None:
        """The field below, key by key; upper and lower case are the same, as some tools take them."""
        field = self
        for key in keys:
            below = next((one for one in field.entries() if str(one.path[-1]).lower() == key.lower()), None)
            if below is None:
                return None
            field = below
        return field

    def said(self, *keys: str) -> str | None:
        """The text of the field below."""
        field = self.get(*keys)
        return field.text if field else None

    def entries(self) -> list[Field]:
        """The values of a mapping; what a merge key brings, unless it is written here too."""
        if not isinstance(self.value, Entries):
            return []
        found: dict[str, Field] = {}
        for key, value in [*self.value.entries, *self.value.merged]:
            if key.text not in found:
                found[key.text] = self._below(key.text, key, value)
        return list(found.values())

    def items(self) -> list[Field]:
        """The values of a list."""
        nodes = self.value.items if isinstance(self.value, Items) else []
        return [self._below(number, None, node) for number, node in enumerate(nodes)]

    def leaves(self) -> Iterator[Field]:
        """Every value below that holds no others, itself if it is one."""
        below = self.entries() or self.items()
        if not below:
            yield self
        for one in below:
            yield from one.leaves()

    def problem(self, code: str, what: str, mend: str | None = None, why: str | None = None) -> Problem:
        return Problem(code=f"import.{code}", what=what, mend=mend, why=why, where=self.place)

    def _below(self, step: str | int, key: Scalar | None, value: Node) -> Field:
        return Field(self.source, self.document, (*self.path, step), key, value, self.root)


def documents(text: str, file: str) -> tuple[list[Field], list[Problem]]:
    """The objects in a file, one a document or an item of a ``List``; and what is wrong with its notation."""
    source = Source(text.removeprefix("\ufeff"), file)
    try:
        check_characters(source)
        roots, findings = compose_foreign(source)
    except Unreadable as error:
        return [], [_foreign(source.problem(error.finding))]
    for root in roots:
        mark_secrets(root)
        _mark_pairs(root)
        source.cover_secrets(root)
    found = [
        one
        for number, root in enumerate(roots)
        for one in _objects(Field(source, f"{file}#{number}", (), None, root))
    ]
    return found, [*map(_foreign, source.problems(findings + list(_twice(roots))))]


def _objects(document: Field) -> list[Field]:
    """``kubectl get -o yaml`` puts several objects into a List."""
    items = document.get("items")
    if document.said("kind") != "List" or items is None:
        return [document]
    around = [one for one in document.entries() if one.path != items.path]
    return around + [
        Field(one.source, one.document, one.path, None, one.value, root=len(one.path)) for one in items.items()
    ]


def _mark_pairs(root: Node) -> None:
    """``{name: DB_PASSWORD, value: …}``: the name stands beside the secret, not above it."""
    match root:
        case Entries(entries=entries):
            texts = {key.text.lower(): value for key, value in entries if isinstance(value, Scalar)}
            named = texts.get("name") or texts.get("key")
            held = texts.get("value")
            if named is not None and held is not None and name_is_secret(named.text):
                held.secret = bool(held.text)
            for _, value in entries:
                _mark_pairs(value)
        case Items(items=items):
            for item in items:
                _mark_pairs(item)
        case Scalar():
            pass


def _twice(roots: list[Node]) -> Iterator[Finding]:
    for root in roots:
        yield from _twice_in(root)


def _twice_in(node: Node) -> Iterator[Finding]:
    children = node.items if isinstance(node, Items) else []
    if isinstance(node, Entries):
        first: dict[str, Scalar] = {}
        for key, _ in node.entries:
            before = first.setdefault(key.text, key)
            if before is not key:
                what = "this key is given twice" if key.secret else f"`{key.text[:40]}` is given twice"
                where = f"the first is in line {before.span.line + 1}, column {before.span.column + 1}"
                yield Finding(key.span, "manifest.duplicate-key", what, "keep one of the two", where)
        children = [value for _, value in node.entries]
    for child in children:
        yield from _twice_in(child)


def _foreign(problem: Problem) -> Problem:
    """The reader's own words, under the codes of an import."""
    mend = {"manifest.nesting": "is it a file of this tool?"}.get(problem.code, problem.mend)
    return problem.model_copy(update={"code": problem.code.replace("manifest.", "import.", 1), "mend": mend})

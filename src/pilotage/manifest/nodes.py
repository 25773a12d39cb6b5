"""The file as a tree: what was written, and where. Nothing here knows what a manifest means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Location = tuple[str | int, ...]
"""Keys and indexes from the root, as pydantic gives them: ``("environments", "local", "checks", 0)``."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From here to there; lines and columns count from 0 in characters, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(slots=True, eq=False)
class Scalar:
    text: str
    quoted: bool
    span: Span
    secret: bool = False
    """Looks like a secret: never shown."""


@dataclass(slots=True, eq=False)
class Items:
    """A YAML sequence."""

    span: Span
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Entries:
    """A YAML mapping. Keys that are no scalars, and merge keys, have been reported and left out."""

    span: Span
    entries: list[tuple[Scalar, Node]] = field(default_factory=list)
    merged: list[tuple[Scalar, Node]] = field(default_factory=list)
    """From merge keys, in files of other tools only."""
    _index: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)

    def add(self, key: Scalar, value: Node) -> None:
        self.entries.append((key, value))
        self._index.setdefault(key.text, (key, value))

    def merge(self, value: Node) -> None:
        """What a merge key brings, one mapping or several: a key that is written here comes before it."""
        for mapping in value.items if isinstance(value, Items) else [value]:
            if isinstance(mapping, Entries):
                self.merged += [*mapping.entries, *mapping.merged]

    def get(self, key: str) -> tuple[Scalar, Node] | None:
        """The first entry of that key: a second one is reported by whoever reads the data."""
        return self._index.get(key)


Node = Scalar | Items | Entries


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a location leads: the value, and the key it stands under (None in a sequence and at the root)."""

    key: Scalar | None
    value: Node

    @property
    def span(self) -> Span:
        """What a caret stands under: a scalar itself, else the key of what is too long for a caret."""
        if isinstance(self.value, Scalar) and (self.value.text or self.value.quoted):
            return self.value.span
        return self.key.span if self.key else first_span(self.value)


def first_span(node: Node) -> Span:
    """The first scalar in a collection: where the eye finds it."""
    if isinstance(node, Entries) and node.entries:
        return node.entries[0][0].span
    if isinstance(node, Items) and node.items:
        return first_span(node.items[0])
    return node.span


def locate(root: Node, location: Sequence[str | int]) -> Spot:
    """Walk a location as far as the tree goes.

    It may not go all the way: a short form (``health: /ready``) has no deeper nodes, and what is missing has
    none at all. Then the last spot that exists is the answer.
    """
    spot = Spot(None, root)
    for step in location:
        match spot.value:
            case Entries() if isinstance(step, int):
                continue  # a mapping that stands for a list of one
            case Entries() as entries:
                found = entries.get(str(step))
                if found is None:
                    return spot
                spot = Spot(*found)
            case Items(items=items) if isinstance(step, int) and step < len(items):
                spot = Spot(None, items[step])
            case _:
                return spot
    return spot


def scalars(node: Node, *, keys: bool = False) -> Iterator[Scalar]:
    """Every value below, depth first; and every key, if asked for."""
    match node:
        case Scalar():
            yield node
        case Items(items=items):
            for item in items:
                yield from scalars(item, keys=keys)
        case Entries(entries=entries):
            for key, value in entries:
                yield from [key] if keys else []
                yield from scalars(value, keys=keys)


def at(root: Node, *pattern: str) -> Iterator[tuple[tuple[str, ...], Spot]]:
    """Every spot whose location fits; ``*`` fits every key or index. With what the stars stood for."""
    yield from _at(Spot(None, root), pattern, ())


def _at(spot: Spot, pattern: tuple[str, ...], stars: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Spot]]:
    if not pattern:
        yield stars, spot
        return
    step, *rest = pattern
    match spot.value:
        case Entries(entries=entries) as mapping:
            for key, value in entries if step == "*" else [entry for entry in [mapping.get(step)] if entry]:
                more = (*stars, key.text) if step == "*" else stars
                yield from _at(Spot(key, value), tuple(rest), more)
        case Items(items=items) if step == "*":
            for number, item in enumerate(items):
                yield from _at(Spot(None, item), tuple(rest), (*stars, str(number)))

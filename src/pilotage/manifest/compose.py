"""Text → tree. Built from the parser's events and not from its own tree, for four reasons:

tags, quotes and anchors stay visible; nothing recurses, so that no nesting can crash; aliases can be counted
before they multiply; every duplicate key is reported, not only the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from pilotage.manifest.nodes import Entries, Items, Node, Scalar, Span
from pilotage.manifest.secrets import name_is_secret
from pilotage.manifest.source import Finding, Source
from pilotage.manifest.syntax import explain_syntax

MOST_NESTING = 100
MOST_ALIASED = 10_000
"""Nodes that aliases may add in all. A billion laughs stops at ten thousand."""

_Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class Unreadable(Exception):
    """No tree can be made of this text."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    node: Items | Entries
    anchor: str | None
    key: Node | None = None
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class _Composer:
    source: Source
    foreign: bool = False
    """A file of another tool: it may hold several documents and merge keys."""
    findings: list[Finding] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    root: Node | None = None
    roots: list[Node] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int, int] | None] = field(default_factory=dict)
    """Node, its size in nodes and its height; None while it is not complete."""
    aliased: int = 0
    documents: int = 0

    def run(self) -> Node | None:
        for event in yaml.parse(self.source.text, Loader=_Loader):
            self._take(event)
        return self.root

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                scalar = Scalar(event.value, bool(event.style), _span(event))
                self._properties(event, scalar)
                self._add(scalar, event.anchor, 1, 0)
            case yaml.MappingStartEvent():
                self._open(Entries(_span(event)), event)
            case yaml.SequenceStartEvent():
                self._open(Items(_span(event)), event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._document(event)

    def _document(self, event: yaml.Event) -> None:
        self.documents += 1
        self.anchors.clear()
        if self.documents > 1 and not self.foreign:
            raise Unreadable(
                Finding(
                    _span(event),
                    "manifest.several-documents",
                    "a second document begins here; a manifest is one",
                    "remove this line, or put the rest into a file of its own",
                )
            )

    def _open(self, node: Items | Entries, event: yaml.CollectionStartEvent) -> None:
        if len(self.stack) >= MOST_NESTING:
            raise Unreadable(_too_deep(_span(event)))
        self._properties(event, node)
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(node, event.anchor))

    def _close(self) -> None:
        done = self.stack.pop()
        self._add(done.node, done.anchor, done.size, done.height)

    def _add(self, node: Node, anchor: str | None, size: int, height: int) -> None:
        if anchor:
            self.anchors[anchor] = (node, size, height)
        if not self.stack:
            self.root = node
            self.roots.append(node)
            return
        parent = self.stack[-1]
        parent.size += size
        parent.height = max(parent.height, height + 1)
        if isinstance(parent.node, Items):
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            key, parent.key = parent.key, None
            self._entry(parent.node, key, node)

    def _entry(self, mapping: Entries, key: Node, value: Node) -> None:
        if not isinstance(key, Scalar):
            self._find(
                key.span,
                "not-text",
                "a key is a text, not a list or a mapping",
                "put it in quotes if a text is meant",
            )
        elif key.text == "<<" and not key.quoted and self.foreign:
            mapping.merge(value)
        elif key.text == "<<" and not key.quoted:
            self._find(
                key.span,
                "merge-key",
                "merge keys (`<<`) are not part of YAML 1.2",
                "write the keys out, or give the whole value with an alias (`key: *name`)",
            )
        else:
            mapping.add(key, value)

    def _alias(self, event: yaml.AliasEvent) -> None:
        span, name = _span(event), event.anchor
        shown = f"`*{name}`" if self.source.shows(span) else "this alias"
        if name not in self.anchors:
            what = f"{shown} refers to an anchor that does not stand above it"
            raise Unreadable(
                Finding(span, "manifest.alias", what, "put the value in quotes if a text is meant")
            )
        target = self.anchors[name]
        if target is None:
            raise Unreadable(Finding(span, "manifest.alias", f"{shown} would contain itself"))
        node, size, height = target
        self.aliased += size
        if self.aliased > MOST_ALIASED:
            what = f"aliases add more than {MOST_ALIASED} values to this file"
            raise Unreadable(Finding(span, "manifest.alias", what, "write the values out"))
        if len(self.stack) + height > MOST_NESTING:
            raise Unreadable(_too_deep(span))
        self._add(node, None, size, height)

    def _properties(self, event: yaml.NodeEvent, node: Node) -> None:
        tag = getattr(event, "tag", None)
        if isinstance(node, Scalar):  # `&PASSWORD: …` makes an anchor of what was meant as a key
            node.secret = name_is_secret(tag or "") or name_is_secret(event.anchor or "")
        if tag is not None:
            name = tag.removeprefix("tag:yaml.org,2002:")[:40]
            shown = f"the tag `{name}`" if self.source.shows(node.span) else "this tag"
            self._find(node.span, "tag", f"{shown} is not allowed", "remove it; write texts in quotes")
        if event.anchor and isinstance(node, Scalar) and node.span.line == node.span.end_line:
            # The mark begins at the anchor; the caret belongs under what is written after it.
            span, width = node.span, len(node.text) + (2 if node.quoted else 0)
            start = max(span.end_column - width, span.column)
            node.span = Span(span.line, start, span.end_line, span.end_column)

    def _find(self, span: Span, code: str, what: str, mend: str) -> None:
        self.findings.append(Finding(span, f"manifest.{code}", what, mend))


def compose(source: Source) -> tuple[Node, list[Finding]]:
    """The tree and what is wrong with its notation. Unreadable when there can be no tree."""
    composer = _Composer(source)
    try:
        root = composer.run()
    except yaml.MarkedYAMLError as error:
        raise Unreadable(explain_syntax(error, source)) from error
    if root is None or _empty(root):
        what, mend = "the manifest is empty", "`pilotage init` writes one to start from"
        raise Unreadable(Finding(None, "manifest.empty", what, mend))
    return root, composer.findings


def compose_foreign(source: Source) -> tuple[list[Node], list[Finding]]:
    """The trees of a file of another tool, one a document, without the empty ones; merge keys are followed."""
    composer = _Composer(source, foreign=True)
    try:
        composer.run()
    except yaml.MarkedYAMLError as error:
        raise Unreadable(explain_syntax(error, source)) from error
    return [root for root in composer.roots if not _empty(root)], composer.findings


def _empty(root: Node) -> bool:
    return isinstance(root, Scalar) and not root.text and not root.quoted


def _span(event: yaml.Event) -> Span:
    start, end = event.start_mark, event.end_mark
    assert start is not None
    assert end is not None
    return Span(start.line, start.column, end.line, end.column)


def _too_deep(span: Span) -> Finding:
    what = f"this is nested more than {MOST_NESTING} deep"
    return Finding(span, "manifest.nesting", what, "a manifest needs about five levels")

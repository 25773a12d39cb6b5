"""Rules about feature flags: what an environment must have so that the method feature-flag can work there."""

from __future__ import annotations

from collections.abc import Iterator

from pilotage.core.plan import ROUTER
from pilotage.manifest.data import shown
from pilotage.manifest.nodes import Entries, Items, Node, Scalar, Spot, scalars
from pilotage.manifest.source import Finding

METHOD = "feature-flag"
_VARIANT = ("variant}", ":variant", "version_column")
"""What tells users with the feature from those without it, in the settings of a source."""
_Broken = Iterator[tuple[Node, Finding]]


def broken_flag_rules(root: Node) -> _Broken:
    taken: dict[tuple[str, str], Scalar] = {}
    for name, environment in _environments(root):
        strategy = _get(environment, "strategy") or _get(root, "strategy")
        if strategy is None or not isinstance(environment, Entries) or _text(strategy, "method") != METHOD:
            continue
        yield from _flags(name, environment)
        yield from _telemetry(name, environment)
        yield from _shared(environment, _text(strategy, "flag"), taken)


def _flags(name: Scalar, environment: Entries) -> _Broken:
    if environment.get("flags") is None:
        what, mend = f"{shown(name)} has no `flags`, and {METHOD} needs them", "add `flags: {path: flags.json}`"
        yield name, Finding(name.span, "manifest.no-flags", what, mend)


def _telemetry(name: Scalar, environment: Entries) -> _Broken:
    entry = environment.get("telemetry")
    spot = Spot(*entry) if entry else Spot(None, name)
    why = "the router counts by version, and all have the same one"
    sources = spot.value.items if isinstance(spot.value, Items) else [spot.value] if entry else []
    declared = [one for one in sources if _text(one, "kind") not in (None, ROUTER)]
    if not declared:
        what = "no source of telemetry tells users with the feature from those without it"
        mend = "add one (http, prometheus, otlp, sql or command) that counts by {variant}"
        yield spot.value, Finding(spot.span, "manifest.no-variant", what, mend, why)
    for one in declared:
        written = [scalar.text for scalar in scalars(one)]
        kind = _text(one, "kind")
        if kind != "command" and not any(mark in text for mark in _VARIANT for text in written):
            what = f"`{kind}` does not tell users with the feature from those without it"
            mend = "use {variant} (in SQL :variant): `on` for those who have it, `off` for all others"
            yield one, Finding(one.span, "manifest.no-variant", what, mend)


def _shared(environment: Entries, flag: str | None, taken: dict[tuple[str, str], Scalar]) -> _Broken:
    flags = _get(environment, "flags")
    entry = flags.get("path") if isinstance(flags, Entries) else None
    if flag is None or entry is None or not isinstance(entry[1], Scalar):
        return
    first = taken.setdefault((entry[1].text, flag), entry[1])
    if first is not entry[1]:
        what = f"another environment changes the flag `{flag}` in {shown(entry[1])} too"
        why, mend = f"it is in line {first.span.line + 1}", "give each environment a file of its own"
        yield entry[1], Finding(entry[1].span, "manifest.flag-shared", what, mend, why)


def _environments(root: Node) -> Iterator[tuple[Scalar, Node]]:
    found = _get(root, "environments")
    if isinstance(found, Entries):
        yield from found.entries


def _get(node: Node, key: str) -> Node | None:
    entry = node.get(key) if isinstance(node, Entries) else None
    return entry[1] if entry else None


def _text(node: Node, key: str) -> str | None:
    """Of a mapping; of its short form the whole."""
    found = node if isinstance(node, Scalar) else _get(node, key)
    return found.text if isinstance(found, Scalar) else None

"""Rules over several places of the judge's settings: measures, their budget and where their figures come from.

Like rules.py they look at the tree as it was written: the service's ``judge`` and what an environment's puts
over it, key by key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from pilotage.core.judging import Role, Slo
from pilotage.core.notation import parse_duration, parse_fraction
from pilotage.core.plan import ROUTER
from pilotage.core.values import EVERYBODY, percent
from pilotage.manifest.data import shown
from pilotage.manifest.document import Document
from pilotage.manifest.judge_blocks import JudgeBlock
from pilotage.manifest.nodes import Entries, Items, Node, Scalar, Spot, locate
from pilotage.manifest.source import Finding
from pilotage.manifest.suggest import did_you_mean
from pilotage.strategies.canary import Canary

Broken = Iterator[tuple[Node, Finding]]
GROUPS = ("errors", "latency", "traffic", "disaster", "limit")
"""The built-in measures; each has a part of the budget of its own."""
OF_ROUTER = ("requests", "errors", "latency_bucket")
"""All that the router's own counters know."""
_Measure = Mapping[str, Spot]
"""Its keys as they hold in an environment, and where each was written."""


def broken_judge_rules(root: Node) -> Broken:
    """Rules of rules.py, about ``judge``."""
    for _, judge in _judges(root):
        yield from _measures(judge)
        yield from _weights(root, judge)
        yield from _windows(judge)
    yield from _margins(root)
    yield from _unsourced(root)


def _judges(root: Node) -> Iterator[tuple[str, Spot]]:
    """The blocks as written: the service's, under no name, and those of the environments."""
    yield from (("", spot) for spot in _child(Spot(None, root), "judge"))
    for environments in _child(Spot(None, root), "environments"):
        for key, value in _entries(environments):
            yield from ((key.text, spot) for spot in _child(Spot(key, value), "judge"))


def _child(spot: Spot, key: str) -> Iterator[Spot]:
    entry = spot.value.get(key) if isinstance(spot.value, Entries) else None
    if entry is not None:
        yield Spot(*entry)


def _entries(spot: Spot) -> list[tuple[Scalar, Node]]:
    return spot.value.entries if isinstance(spot.value, Entries) else []


def _measures(judge: Spot) -> Broken:
    for measures in _child(judge, "measures"):
        for key, _ in _entries(measures):
            if key.text in GROUPS:
                what = f"{shown(key)} is a measure that the judge has itself"
                mend = "give yours another name; `of` says which figure it is of"
                yield key, Finding(key.span, "manifest.measure-name", what, mend)


def _merged(root: Node, environment: str) -> dict[str, tuple[Scalar, _Measure]]:
    """The measures that hold in an environment ("": in general), and the key of the last place of each."""
    found: dict[str, tuple[Scalar, _Measure]] = {}
    for name, judge in _judges(root):
        if name not in ("", environment):
            continue
        for measures in _child(judge, "measures"):
            for key, value in _entries(measures):
                above = {inner.text: Spot(inner, one) for inner, one in _entries(Spot(key, value))}
                below = found[key.text][1] if key.text in found else {}
                found[key.text] = (key, {**below, **above})
    return found


def _environments(root: Node) -> list[str]:
    return [key.text for spot in _child(Spot(None, root), "environments") for key, _ in _entries(spot)]


def _margins(root: Node) -> Broken:
    for environment in _environments(root) or [""]:
        for key, measure in _merged(root, environment).values():
            if "kind" not in measure:
                what = f"`kind` is missing in {shown(key)}"
                mend = "add `kind: count`, `rate`, `gauge` or `mean`"
                yield key, Finding(key.span, "manifest.missing-key", what, mend)
            for base, passing in (("ratio", "pass_ratio"), ("excess", "pass_excess")):
                yield from _crossed(measure, base, passing)


def _crossed(measure: _Measure, base: str, passing: str) -> Broken:
    lower, upper = (_number(measure[name].value) if name in measure else None for name in (base, passing))
    if lower is not None and upper is not None and upper < lower:
        spot = measure[passing]
        what = f"`{passing}` ({upper:g}) is smaller than `{base}` ({lower:g})"
        why = "what may go on would at the same time have to be taken back"
        yield spot.value, Finding(spot.span, "manifest.margins", what, f"make `{passing}` the larger one", why)


def _weights(root: Node, judge: Spot) -> Broken:
    """A weight for a group that has no measure in some environment is harmless, a misspelt one is not."""
    measures = [spot for _, one in _judges(root) for spot in _child(one, "measures")]
    own = [_text(value, "group") for spot in measures for _, value in _entries(spot)]
    for weights in _child(judge, "weights"):
        for key, _ in _entries(weights):
            known = (*GROUPS, "measures", *filter(None, own))
            if key.text not in known:
                what = f"{shown(key)} is no group of measures"
                mend = did_you_mean(key.text, known) or f"the groups are {', '.join(dict.fromkeys(known))}"
                yield key, Finding(key.span, "manifest.unknown-group", what, mend)


def _windows(judge: Spot) -> Broken:
    for slos in _child(judge, "slos"):
        for item in slos.value.items if isinstance(slos.value, Items) else ():
            short, long = (next(_child(Spot(None, item), name), None) for name in ("short", "long"))
            spot = short or long
            shorter, longer = _window(short, "short"), _window(long, "long")
            if spot is not None and shorter is not None and longer is not None and shorter >= longer:
                what = "the short window is not shorter than the long one"
                mend = "make `short` about a twelfth of `long`: 5m of 1h"
                yield spot.value, Finding(spot.span, "manifest.slo-windows", what, mend)


def _window(given: Spot | None, name: str) -> timedelta | None:
    default: timedelta = Slo.model_fields[name].default
    return default if given is None else _time(given.value)


def _unsourced(root: Node) -> Broken:
    """Measures of an environment whose figures nobody there counts: the judge would wait for ever."""
    for environment in _environments(root):
        known = _figures_of(root, environment)
        if known is None:
            continue
        for name, (key, measure) in _merged(root, environment).items():
            role = _value(measure, "role") or Role.GUARD.value
            kind = _value(measure, "kind")
            needed = [_value(measure, "of") or name]
            needed += [_value(measure, "per") or "requests"] if kind in ("count", "mean") else []
            lacking = [one for one in needed if one not in known]
            if lacking and role != Role.WATCH.value:
                what = f"nobody counts `{lacking[0]}` for {shown(key)} in the environment `{environment}`"
                why = f"its telemetry knows {', '.join(known)}"
                mend = "add a source to its `telemetry`, or make the measure `role: watch` there"
                yield key, Finding(key.span, "manifest.no-source", what, mend, why)


def _figures_of(root: Node, environment: str) -> tuple[str, ...] | None:
    """The figures that an environment's sources can deliver; None: any, as far as can be seen here."""
    spot = locate(root, ("environments", environment, "telemetry"))
    if spot.key is None or spot.key.text != "telemetry":
        return OF_ROUTER
    found: list[str] = []
    for source in spot.value.items if isinstance(spot.value, Items) else [spot.value]:
        kind = source.text if isinstance(source, Scalar) else _text(source, "kind")
        figures = next(_child(Spot(None, source), "figures"), None)
        if kind == ROUTER:
            found += OF_ROUTER
        elif figures is not None and kind == "http":
            found += [key.text for key, _ in _entries(figures)]
        else:
            return None
    return tuple(dict.fromkeys(found))


def doubtful_judge(root: Node, document: Document) -> Iterator[Finding]:
    """A last word that can never be said: the canary ends below the share it needs."""
    for name, block in document.environments.items():
        method = block.strategy or document.strategy or Canary()
        share = _promote_share(block.judge, document.judge)
        if not isinstance(method, Canary) or share is None or method.steps[-1].share / EVERYBODY >= share:
            continue
        own = "promote_share" in block.judge.model_fields_set
        place = (*(("environments", name) if own else ()), "judge", "promote_share")
        what = f"the last step of `{name}` ({percent(method.steps[-1].share)}) is below `promote_share`"
        mend = "add a step, or lower `promote_share`: only there a pass can be the last word"
        yield Finding(locate(root, place).span, "manifest.promote-share", what, mend)


def _promote_share(*blocks: JudgeBlock) -> float | None:
    """As it was written; None: it is the default."""
    written = [block.promote_share for block in blocks if "promote_share" in block.model_fields_set]
    return written[0] if written else None


def _text(node: Node, key: str) -> str:
    entry = node.get(key) if isinstance(node, Entries) else None
    return entry[1].text if entry is not None and isinstance(entry[1], Scalar) else ""


def _value(measure: _Measure, key: str) -> str:
    spot = measure.get(key)
    return spot.value.text if spot is not None and isinstance(spot.value, Scalar) else ""


def _number(node: Node) -> float | None:
    text = node.text if isinstance(node, Scalar) else ""
    try:
        return parse_fraction(text) if text.rstrip().endswith("%") else float(text)
    except ValueError:
        return None


def _time(node: Node) -> timedelta | None:
    try:
        time = parse_duration(node.text) if isinstance(node, Scalar) else None
    except (ValueError, OverflowError):
        return None
    return time if isinstance(time, timedelta) else None

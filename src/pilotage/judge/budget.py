"""The budget for false rollbacks, and who has which part of it (F8).

A weighted average of e-values is one, so the parts only say where patience is scarce. Errors have most of it:
they are rare, and every nat of evidence costs minutes. Slow answers, black holes and outages bring nats by the
dozen and can do with little.
"""

from __future__ import annotations

from pilotage.core.judging import JudgeSettings, MeasureSettings, Role

WEIGHTS = {"errors": 10.0, "latency": 1.5, "traffic": 0.5, "disaster": 0.5, "limit": 0.5}
DECLARED = 1.5
"""Of a group of declared measures."""


def parts(settings: JudgeSettings) -> dict[str, float]:
    """Each group's part; they sum to 1. Groups that are switched off, or only watched, have none."""
    weights = dict(WEIGHTS)
    if not settings.latency:
        del weights["latency"]
    if not settings.traffic:
        del weights["traffic"]
    for one in settings.measures.values():
        if one.role is not Role.WATCH:
            weights.setdefault(one.group, DECLARED)
    weights |= {name: weight for name, weight in settings.weights.items() if name in weights}
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def part(settings: JudgeSettings, measure: MeasureSettings) -> float:
    """A declared measure's part of the whole budget; one that is only watched: what it would have."""
    group = [one for one in settings.measures.values() if one.group == measure.group]
    counting = [one.weight for one in group if one.role is not Role.WATCH or one is measure]
    known = parts(settings)
    own = known.get(measure.group, DECLARED / (DECLARED + sum(WEIGHTS.values())))
    return own * measure.weight / sum(counting)

"""The lines that a measure is held to: beyond which it is worse, and within which it may go on."""

from __future__ import annotations

from pilotage.core.judging import JudgeSettings, Kind, Measure, MeasureSettings, Role, Worse
from pilotage.core.values import Frozen
from pilotage.judge.evidence import DISASTER
from pilotage.judge.measures import LEVEL_RATIOS, RATIOS


class Lines(Frozen):
    """Worse is beyond ``ratio`` × old + ``excess``; fine is within ``pass_ratio`` × old + ``pass_excess``.

    ``less``: less is worse, and beyond is below; the ratios are then at most 1. None: no such line.
    """

    ratio: float | None = None
    excess: float = 0.0
    pass_ratio: float | None = None
    pass_excess: float = 0.0
    less: bool = False

    def worse(self, old: float | None) -> float | None:
        """As a multiple of the old version's figure; None: there is none, or no line yet."""
        return _multiple(self.ratio, self.excess, old)

    def fine(self, old: float | None) -> float | None:
        return _multiple(self.pass_ratio, self.pass_excess, old)


def _multiple(ratio: float | None, excess: float, old: float | None) -> float | None:
    if ratio is None:
        return None
    if not excess:
        return ratio
    return ratio + excess / old if old else None


def lines_of(settings: JudgeSettings | None, one: Measure) -> Lines:
    """What the settings say of a measure; the measure's own limit goes before them."""
    declared = settings.measures.get(one.name) if settings else None
    if declared is not None:
        return _declared(declared, one)
    less = one.limit is not None and one.limit < 1
    if one.name == "disaster":
        return Lines(ratio=one.limit or DISASTER.ratio, excess=DISASTER.excess)
    if settings is not None and one.name == "errors":
        return Lines(
            ratio=one.limit or settings.error_ratio,
            excess=settings.error_excess,
            pass_ratio=settings.error_pass_ratio,
            pass_excess=settings.error_pass_excess,
        )
    if settings is not None and one.name.startswith(("latency p", "slower than p")):
        return Lines(
            ratio=one.limit or settings.latency_ratio,
            excess=settings.latency_excess,
            pass_ratio=settings.latency_pass_ratio
            * (one.limit or settings.latency_ratio)
            / settings.latency_ratio,
            pass_excess=settings.latency_pass_excess,
        )
    return Lines(ratio=one.limit, less=less)


def _declared(declared: MeasureSettings, one: Measure) -> Lines:
    """An excess is only for what more of is worse."""
    less = declared.worse is Worse.LESS
    level = declared.kind in (Kind.GAUGE, Kind.MEAN)
    worse, fine = LEVEL_RATIOS if level else RATIOS[declared.worse]
    pass_excess = declared.excess if declared.pass_excess is None else declared.pass_excess
    return Lines(
        ratio=_towards(one.limit or declared.ratio or worse, less=less),
        excess=0.0 if less else declared.excess,
        pass_ratio=_towards(declared.pass_ratio or fine, less=less) if declared.role is Role.MUST else None,
        pass_excess=0.0 if less else pass_excess,
        less=less,
    )


def _towards(ratio: float | None, *, less: bool) -> float | None:
    """Written as at least 1 in either direction."""
    return 1 / ratio if ratio and less and ratio > 1 else ratio

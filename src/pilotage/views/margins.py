"""The lines that a measure is held to: beyond which it is worse, and within which it may go on."""

from __future__ import annotations

from pilotage.core.judging import JudgeSettings, Measure, MeasureSettings, Worse
from pilotage.core.values import Frozen
from pilotage.judge.evidence import DISASTER


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
        return _multiple(self.ratio, -self.excess if self.less else self.excess, old)

    def fine(self, old: float | None) -> float | None:
        return _multiple(self.pass_ratio, -self.pass_excess if self.less else self.pass_excess, old)


def _multiple(ratio: float | None, excess: float, old: float | None) -> float | None:
    if ratio is None:
        return None
    if not excess:
        return ratio
    return max(ratio + excess / old, 0.0) if old else None


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
            pass_ratio=settings.latency_pass_ratio,
            pass_excess=settings.latency_pass_excess,
        )
    return Lines(ratio=one.limit, less=less)


def _declared(declared: MeasureSettings, one: Measure) -> Lines:
    less = declared.worse is Worse.LESS
    return Lines(
        ratio=_towards(one.limit or declared.ratio, less=less),
        excess=declared.excess,
        pass_ratio=_towards(declared.pass_ratio, less=less),
        pass_excess=declared.pass_excess or 0.0,
        less=less,
    )


def _towards(ratio: float | None, *, less: bool) -> float | None:
    """Written as at least 1 in either direction."""
    return 1 / ratio if ratio and less and ratio > 1 else ratio

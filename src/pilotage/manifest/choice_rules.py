"""What an A/B test chooses by: a measure that the judge of its environment has, and that can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pilotage.core.judging import JudgeSettings, Kind
from pilotage.manifest.suggest import did_you_mean
from pilotage.strategies.ab import AB
from pilotage.strategies.method import Method

CODE = "manifest.no-measure"


class Unfit(NamedTuple):
    """A measure that can not choose; ``key``: where it is named."""

    key: tuple[str, ...]
    what: str
    mend: str
    why: str | None = None


def unfit(method: Method, settings: JudgeSettings, key: tuple[str, ...] = ("strategy",)) -> Iterator[Unfit]:
    """Of this method, and of the one that follows it."""
    then = getattr(method, "then", None)
    if isinstance(then, Method):
        yield from unfit(then, settings, (*key, "then"))
    for place, wave in enumerate(getattr(method, "waves", ())):
        if wave.how is not None:
            yield from unfit(wave.how, settings, (*key, "waves", str(place), "how"))
    if isinstance(method, AB):
        yield from _of(method.decide, settings, (*key, "decide"))


def _of(name: str, settings: JudgeSettings, key: tuple[str, ...]) -> Iterator[Unfit]:
    measure, known = settings.measures.get(name), tuple(settings.measures)
    if measure is None:
        what = f"no measure `{name}` is declared, and it is to choose"
        listed = f"the measures are {', '.join(known)}" if known else "declare it under `judge.measures`"
        yield Unfit(key, what, did_you_mean(name, known) or listed)
    elif measure.kind is Kind.GAUGE:
        what = f"`{name}` is a gauge, which can not choose"
        mend = "choose by a count, a rate or a mean"
        yield Unfit(key, what, mend, "a level belongs to an instance, not to users")

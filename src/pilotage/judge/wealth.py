"""Wealth: bets that are made block after block, and what they have grown to.

A wealth that starts at 1 and is multiplied by e-variables is a test martingale: the chance that it *ever*
reaches 1/alpha under the hypothesis is at most alpha (Ville 1939; Ramdas et al., Game-theoretic statistics
and safe anytime-valid inference). So one may look at it every second and stop when one likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, log, log1p
from typing import Any, Self

EVERY = 15.0
"""Seconds between the starts: money is kept back for trouble that begins late (F4)."""
SPREAD = 30.0
"""Starts over which the stakes stay of one size, roughly: seven minutes; then they fall as 1/(j ln² j)."""
LONG_SPREAD = 240.0
"""An hour: for what comes suddenly, at any time, and must be found in seconds."""
MISSED = 100
"""Starts that are made up for after a gap."""
TOP = 60.0
"""No component is worth more than e^60: far beyond every threshold, far from overflow."""
MOST = exp(TOP)


@dataclass(slots=True)
class Wealth:
    """A mixture over alternatives k and starting times j: cash + Σ_k parts[k].

    ``prior`` (sums to 1) splits every start over the alternatives; ``first`` is staked at once, the rest in
    parts s(j) - s(j + 1), s(j) = 1/(1 + ln(1 + j/``spread``)): they fall so slowly that trouble after an
    hour still finds a stake, and never run out. What exceeds e^``top`` in all is given away: old evidence must
    not outvote what is new.
    """

    prior: tuple[float, ...]
    first: float = 0.55
    spread: float = SPREAD
    top: float = TOP
    parts: list[float] = field(default_factory=list)
    cash: float = 1.0
    starts: int = 0
    began: float = 0.0
    value: float | None = field(default=None, compare=False, repr=False)
    """What ``worth`` found, until the next bet; it is asked several times a look."""

    def bet(self, gains: Sequence[float], t: float, *, divisor: float = 1.0, cap: float) -> None:
        """Stake what is due at ``t`` (s), then multiply by e^(gain / ``divisor``) (>= 1: Jensen), ``cap`` nats
        at most.

        Cutting from above only loses wealth, so it is always allowed; losses are never cut.
        """
        if not self.starts or t - self.began >= self.starts * EVERY:
            self._begin(t)
        scale, most = 1.0 / divisor, min(cap, TOP)
        self.value = None
        self.parts = grown = [
            part * exp(gain * scale if gain * scale < most else most)
            for part, gain in zip(self.parts, gains, strict=True)
        ]
        if self.top < TOP:
            self.shrink(self.top)
        elif max(grown) > MOST:
            self.parts = [min(part, MOST) for part in grown]

    def log_value(self) -> float:
        """ln of everything there is."""
        return log(self.worth())

    def worth(self) -> float:
        """Everything there is; at most a few e^``TOP``."""
        if self.value is None:
            self.value = self.cash + sum(self.parts)
        return self.value

    def shrink(self, top: float) -> None:
        """Keep at most e^``top`` in all: the rest is given away."""
        most, worth = exp(top), self.worth()
        if worth > most:
            keep = most / worth
            self.parts = [part * keep for part in self.parts]
            self.value = None

    def dump(self) -> dict[str, Any]:
        return {"parts": list(self.parts), "cash": self.cash, "starts": self.starts, "began": self.began}

    def restore(self, data: dict[str, Any]) -> Self:
        self.parts, self.cash = list(data["parts"]), data["cash"]
        self.starts, self.began, self.value = data["starts"], data["began"], None
        return self

    def later(self, j: int) -> float:
        """What is staked at the start ``j`` = 0, 1, … after the first."""
        here, next_one = (1.0 / (1.0 + log1p(i / self.spread)) for i in (j, j + 1))
        return (1.0 - self.first) * (here - next_one)

    def _begin(self, t: float) -> None:
        if not self.starts:
            self.began, self.parts = t, [0.0] * len(self.prior)
        due = int((t - self.began) / EVERY) + 1
        self.starts = max(self.starts, due - MISSED)  # after a huge gap: stakes not made are merely kept
        while self.starts < due:
            self.starts += 1
            self._stake(self.first if self.starts == 1 else self.later(self.starts - 2))

    def _stake(self, amount: float) -> None:
        amount = min(amount, self.cash)
        self.cash -= amount
        self.parts = [value + amount * part for value, part in zip(self.parts, self.prior, strict=True)]


def log_of(value: float) -> float:
    """ln, of nothing too."""
    return log(value) if value > 0.0 else -1e6


def evenly(parts: int) -> tuple[float, ...]:
    return (1.0 / parts,) * parts

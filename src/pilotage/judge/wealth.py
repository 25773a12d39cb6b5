"""Wealth: bets that are made block after block, and what they have grown to.

A wealth that starts at 1 and is multiplied by e-variables is a test martingale: the chance that it *ever*
reaches 1/alpha under the hypothesis is at most alpha (Ville 1939; Ramdas et al., Game-theoretic statistics
and safe anytime-valid inference). So one may look at it every second and stop when one likes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import exp, log, log1p
from typing import Any, Self

EVERY = 15.0
"""Seconds between the starts: money is kept back for trouble that begins late (F4)."""
MISSED = 100
"""Starts that are made up for after a gap."""
TOP = 60.0
"""No component is worth more than e^60: far beyond every threshold, far from overflow."""
NOTHING = -1e6
"""ln of a component that has not begun: 0 for all purposes, and still JSON."""


@dataclass(slots=True)
class Wealth:
    """A mixture over alternatives k and starting times j: cash + Σ_k exp(logs[k]).

    ``prior`` (sums to 1) splits every start over the alternatives; ``first`` is staked at once, the rest in
    parts proportional to 1/(1 + ln j) - 1/(1 + ln(j + 1)), j = 2, 3, …; it falls so slowly that trouble after
    an hour still finds a stake, and never runs out. What exceeds e^``top`` in all is given
    away: old evidence must not outvote what is new.
    """

    prior: tuple[float, ...]
    first: float = 1.0 - 1.0 / (1.0 + log(2.0))
    top: float = TOP
    logs: list[float] = field(default_factory=list)
    cash: float = 1.0
    starts: int = 0
    began: float = 0.0
    value: float | None = field(default=None, compare=False, repr=False)
    """What ``log_value`` found, until the next bet; it is asked several times a look."""

    def bet(self, gains: list[float], t: float, *, divisor: float = 1.0, cap: float) -> None:
        """Stake what is due at ``t`` (s), then add gain / ``divisor`` (>= 1: Jensen), ``cap`` nats at most.

        Cutting from above only loses wealth, so it is always allowed; losses are never cut.
        """
        self._begin(t)
        self.value, logs = None, self.logs
        for k, gain in enumerate(gains):
            logs[k] = max(NOTHING, min(logs[k] + min(gain / divisor, cap), TOP))
        if self.top < TOP:
            self.shrink(self.top)

    def log_value(self) -> float:
        """ln of everything there is."""
        if self.value is None:
            self.value = log(self.cash + sum([exp(one) for one in self.logs]))
        return self.value

    def shrink(self, top: float) -> None:
        """Keep at most e^``top`` in all: the rest is given away."""
        surplus = self.log_value() - top
        if surplus > 0.0:
            self.logs = [max(NOTHING, one - surplus) for one in self.logs]
            self.value = None

    def dump(self) -> dict[str, Any]:
        data = asdict(self)
        for name in ("prior", "first", "top", "value"):
            del data[name]
        return data

    def restore(self, data: dict[str, Any]) -> Self:
        self.logs, self.cash = list(data["logs"]), data["cash"]
        self.starts, self.began, self.value = data["starts"], data["began"], None
        return self

    def _begin(self, t: float) -> None:
        if not self.starts:
            self.began, self.logs = t, [NOTHING] * len(self.prior)
        due = int((t - self.began) / EVERY) + 1
        self.starts = max(self.starts, due - MISSED)  # after a huge gap: stakes not made are merely kept
        while self.starts < due:
            self.starts += 1
            self._stake(self.first if self.starts == 1 else self._later(self.starts))

    def _later(self, j: int) -> float:
        part = 1.0 / (1.0 + log(j)) - 1.0 / (1.0 + log(j + 1))
        return (1.0 - self.first) * part * (1.0 + log(2.0))

    def _stake(self, amount: float) -> None:
        self.cash = max(self.cash - amount, 0.0)
        self.logs = [
            add_logs(value, log(amount * part)) for value, part in zip(self.logs, self.prior, strict=True)
        ]


def add_logs(a: float, b: float) -> float:
    """ln(e^a + e^b)."""
    high, low = (a, b) if a > b else (b, a)
    return high + log1p(exp(low - high))


def evenly(parts: int) -> tuple[float, ...]:
    return (1.0 / parts,) * parts

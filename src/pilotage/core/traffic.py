"""What traffic a service is expected to have: figures for planning, never for judging."""

from __future__ import annotations

from pydantic import Field

from pilotage.core.values import Frozen


class Traffic(Frozen):
    """Both versions together, and what the old one does. Rates are fractions of requests."""

    requests: float = Field(gt=0)
    """A second, in all."""
    errors: float = Field(ge=0, le=1)
    slow: tuple[float, ...] = ()
    """The fraction of answers slower than each of ``bounds``; empty: not known."""
    bounds: tuple[float, ...] = ()
    """Upper bounds of latency buckets in seconds, without +Inf."""
    measures: dict[str, float] = Field(default_factory=dict)
    """How often declared counts happen, out of all requests, by the measure's name; only what is known."""
    bursts: float = Field(default=1.0, ge=1)
    """How much more the old version's errors vary than independent ones would."""
    source: str = ""
    """Where the figures come from, in words."""

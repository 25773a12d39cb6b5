"""What may be forgotten, and what never is: pure rules.

Never: events, plans, verdicts and the digests of what they were made of, ticks, environments. Forgotten are the
recordings of rollouts that ended long ago, and what can be made again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import Field

from pilotage.core.environment import Environment
from pilotage.core.release import Release
from pilotage.core.state import State
from pilotage.core.values import Duration, Frozen, Instant


class Retention(Frozen):
    """How long what is kept."""

    recordings: Duration = timedelta(days=180)
    """What the judge saw in a rollout, and its orders, after it has ended."""
    releases: int = Field(default=10, ge=2)
    """So many of the last promoted releases of each environment keep everything, however old; two at least: the
    live one and the one that a rollback goes to."""
    artifacts: Duration = timedelta(days=30)
    """Prepared artifacts that nothing needs, and what stopped instances have left, after so long."""


class Pruned(Frozen):
    """Stands for a recording that is gone."""

    at: Instant
    snapshots: int


def kept_whole(environments: Iterable[Environment], retention: Retention) -> frozenset[str]:
    """Rollouts of which nothing is forgotten: they promoted what may be wanted again, or are at work."""
    return frozenset(
        id
        for known in environments
        for id in (known.holder, *(good.rollout for good in known.lineage[-retention.releases :]))
        if id is not None
    )


def forgettable(state: State, now: datetime, whole: frozenset[str], retention: Retention) -> bool:
    """Whether its recording may go."""
    ended = state.status.final and state.finished is not None
    return ended and state.id not in whole and now - (state.finished or now) > retention.recordings


def needed(
    environments: Iterable[Environment], unfinished: Iterable[State], retention: Retention
) -> dict[str, Release]:
    """Releases, by id, whose artifacts must stay: live, warm, in flight, among the last of an environment."""
    found: list[Release | None] = []
    for known in environments:
        found += [good.release for good in known.lineage[-retention.releases :]]
        found += [known.warm.release if known.warm else None]
    for state in unfinished:
        found += [state.plan.new, state.plan.basis.live, state.plan.basis.warm]
    return {release.id: release for release in found if release is not None}

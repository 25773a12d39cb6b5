"""Forget what nobody needs any more: recordings of long ago, artifacts that no release needs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from pilotage.core.environment import Environment
from pilotage.core.release import Artifact, Release
from pilotage.core.retention import Retention, forgettable, kept_whole, needed
from pilotage.ports import Store, Target

ALL = 1_000_000


class Depot(Protocol):
    """Where prepared artifacts are kept on this machine."""

    def unneeded(self, keep: Collection[Artifact], older_than: timedelta) -> dict[str, int]:
        """What may go, and its size in bytes."""
        ...

    def set_aside(self, names: Collection[str]) -> None:
        """Nobody finds these any more."""
        ...

    def let_go(self, keep: Collection[Artifact]) -> None:
        """What was set aside is removed, or put back when it is needed after all."""
        ...


@runtime_checkable
class Forgets(Protocol):
    """A target that keeps something of stopped instances."""

    async def remove(self, keep: Collection[str], older_than: timedelta) -> tuple[str, ...]:
        """What those have left that stopped so long ago and are of none of these releases; their ids."""
        ...


TargetOf = Callable[[Environment], Target | None]
"""None: it is not reached from here."""


@dataclass(frozen=True)
class Pruning:
    """What has gone, or would go."""

    rollouts: tuple[str, ...]
    """Whose recordings."""
    records: dict[str, int]
    """How many of which kind."""
    artifacts: dict[str, int]
    """Bytes, by name."""
    instances: tuple[str, ...] = ()
    """What was left of them; a dry run does not look."""


async def prune(
    store: Store, depot: Depot, target_of: TargetOf, retention: Retention, now: datetime, *, dry_run: bool
) -> Pruning:
    """Events, plans and verdicts are never touched."""
    rollouts, records = await _recordings(store, retention, now, dry_run=dry_run)
    instances = () if dry_run else await _instances(store, target_of, retention)
    artifacts = await _artifacts(store, depot, retention, dry_run=dry_run)
    return Pruning(rollouts, records, artifacts, instances)


async def _instances(store: Store, target_of: TargetOf, retention: Retention) -> tuple[str, ...]:
    gone: list[str] = []
    for known in await store.environments():
        target = target_of(known)
        if isinstance(target, Forgets):
            gone += await target.remove(list(await _releases(store, retention)), retention.artifacts)
    return tuple(gone)


async def _recordings(
    store: Store, retention: Retention, now: datetime, *, dry_run: bool
) -> tuple[tuple[str, ...], dict[str, int]]:
    whole = kept_whole(await store.environments(), retention)
    gone: list[str] = []
    records: Counter[str] = Counter()
    for id in await store.remembered():
        if id in whole or not forgettable(await store.rollout(id), now, whole, retention):
            continue
        records.update(await store.weight(id))
        gone.append(id)
        if not dry_run:
            await store.forget(id, now)
        await asyncio.sleep(0)  # a worker has other things to do meanwhile
    return tuple(gone), dict(+records)


async def _artifacts(store: Store, depot: Depot, retention: Retention, *, dry_run: bool) -> dict[str, int]:
    """First aside, then looked again at what is needed: a release may have begun in this very moment."""
    found = await asyncio.to_thread(depot.unneeded, await _needed(store, retention), retention.artifacts)
    if not dry_run:
        depot.set_aside(found)
        await asyncio.to_thread(depot.let_go, await _needed(store, retention))
    return found


async def _needed(store: Store, retention: Retention) -> list[Artifact]:
    return [release.artifact for release in (await _releases(store, retention)).values()]


async def _releases(store: Store, retention: Retention) -> dict[str, Release]:
    unfinished = await store.rollouts(unfinished=True, limit=ALL)
    return needed(await store.environments(), unfinished, retention)

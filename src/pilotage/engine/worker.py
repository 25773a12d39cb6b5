"""Drives all rollouts that are due, each under a lease; stops by itself when nothing is left to do."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Collection
from datetime import datetime, timedelta

from pilotage.core.backoff import backoff
from pilotage.core.state import State
from pilotage.engine.reconcile import Reconciler
from pilotage.engine.resting import Resting
from pilotage.engine.waking import POLL, Polling
from pilotage.errors import PilotageError, Problem
from pilotage.ports import Bell, Clock, Conflict, Held, LeaseLost, ReachOf, Store, StoreError

LEASE = timedelta(seconds=10)
RENEW_EVERY = 2.5
NET = 5.0
"""Seconds between two looks of a worker that is woken by a bell: for what was not rung."""
KEEP = timedelta(seconds=5)
"""A rollout that sleeps longer gives its lease back."""
AT_ONCE = 500
IDLE_FOR = 2.0
"""Seconds without any unfinished rollout before an on-demand worker ends."""

log = logging.getLogger("pilotage.worker")


def new_name() -> str:
    """No other worker has it, on this machine or another."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


class Worker:
    """One process's share of the work. ``run`` returns when it is idle or told to stop.

    ``bell``: what wakes it, where looking often would cost too much. ``environments``: those it serves, by name
    or as ``service/name``; None: all. ``resting``: watches them when nothing is under way; None: nobody does.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        reach_of: ReachOf,
        *,
        name: str | None = None,
        bell: Bell | None = None,
        environments: Collection[str] | None = None,
        resting: Resting | None = None,
    ) -> None:
        self.name = name or new_name()
        self._environments = environments
        self._store = store
        self._clock = clock
        self._bell = bell or Polling(clock)
        self._look_every = POLL if bell is None else NET
        self._reconciler = Reconciler(store, clock, reach_of)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """By rollout, under its newest lease."""
        self._all: set[asyncio.Task[None]] = set()
        """Also those whose lease ran out: they find that out by themselves, and are waited for."""
        self._stopping = asyncio.Event()
        self._refusals = 0
        """Of the store, in a row."""
        self._resting = resting

    def stop(self) -> None:
        """Ends soon: passes that have begun are finished, leases are given back."""
        self._stopping.set()
        self._bell.ring()

    async def run(self, *, until_idle: bool = False) -> None:
        """Claims and drives. With ``until_idle`` it ends when no rollout is unfinished for a moment."""
        keeper = asyncio.create_task(self._renew())
        watch = None
        if self._resting is not None and not until_idle:
            watch = asyncio.create_task(self._resting.watch(self.name, self._environments))
        idle, counts = 0.0, until_idle or self._look_every == POLL
        try:
            while not self._stopping.is_set():
                busy = await self._claim(counts=counts)
                idle = 0.0 if busy else idle + POLL
                if until_idle and idle >= IDLE_FOR:
                    return
                if not self._stopping.is_set():
                    await self._bell.rest(None, POLL if until_idle else self._look_every)
        finally:
            keeper.cancel()
            if watch is not None:
                watch.cancel()
            self.stop()
            await asyncio.gather(*self._all, return_exceptions=True)

    async def _nap(self, seconds: float) -> None:
        if not self._stopping.is_set():
            await self._clock.sleep(seconds)

    async def _claim(self, *, counts: bool) -> bool:
        """Starts a task for every rollout that is due; says whether anything is unfinished, if that counts."""
        try:
            room = AT_ONCE - len(self._tasks)
            if room:
                now = self._clock.now()
                self._begin(await self._store.claim(self.name, now, LEASE, room, self._environments))
            if self._tasks or not counts:
                return True
            return bool(await self._store.rollouts(unfinished=True, limit=1))
        except StoreError as error:
            log.warning("the store is out of reach: %s", error)
            await self._nap(1)
            return True

    def _begin(self, claims: list[tuple[Held, State]]) -> None:
        for held, state in claims:
            log.info("took %s (lease %d)", held.rollout, held.epoch)
            self._bell.expect(held.rollout)
            task = asyncio.create_task(self._drive_to_end(held, state))
            self._tasks[held.rollout] = task
            self._all.add(task)
            task.add_done_callback(self._all.discard)

    async def _renew(self) -> None:
        while True:
            await self._clock.sleep(RENEW_EVERY)
            try:
                await self._store.renew(self.name, self._clock.now(), LEASE, tuple(self._tasks))
            except Exception as error:  # also a defect: the next attempt may still be in time
                _log_trouble("leases could not be renewed", error)

    async def _drive_to_end(self, held: Held, state: State) -> None:
        try:
            await self._drive(held, state)
        finally:
            # A rollout whose lease ran out and was claimed anew has another task by now.
            if self._tasks.get(held.rollout) is asyncio.current_task():
                del self._tasks[held.rollout]
                self._bell.forget(held.rollout)

    async def _drive(self, held: Held, state: State) -> None:
        """Passes over one rollout until it is final, sleeps long, or is somebody else's."""
        failures = 0
        """Of passes, in a row."""
        while True:
            try:
                state, wake = await self._reconciler.reconcile(held, state)
                failures = 0
            except LeaseLost:
                log.info("lost %s to another worker", held.rollout)
                return
            except Conflict:
                log.info("%s was changed by somebody else: reading it again", held.rollout)
                state = await self._reread(held, state)
                continue
            except Exception as error:
                failures += 1
                _log_trouble(held.rollout, error)
                await self._nap(backoff(f"{self.name} {held.rollout}", failures, first=1).total_seconds())
                wake = self._clock.now()
                state = await self._reread(held, state)
                if not isinstance(error, PilotageError):
                    state = await self._tell(held, state, error)
            if state.status.final or wake is None:
                if self._resting is not None:
                    self._resting.ended(state)
                log.info("%s is %s", state.id, state.status.value)
                return
            if self._stopping.is_set() or wake - self._clock.now() > KEEP:
                await self._give_back(held, wake)
                return
            await self._sleep_until(wake, state)

    async def _tell(self, held: Held, state: State, error: Exception) -> State:
        """A defect of ours is told on its rollout, if that can be written down."""
        try:
            return await self._reconciler.tell(held, state, _defect(error))
        except StoreError:  # told at the next failure; a lost lease is noticed by the next pass
            return state

    async def _sleep_until(self, wake: datetime, state: State) -> None:
        while not self._stopping.is_set():
            left = (wake - self._clock.now()).total_seconds()
            if left <= 0:
                return
            await self._bell.rest(state.id, left)
            try:
                if await self._store.messages(state.id, state.heard):
                    return
            except StoreError:
                return

    async def _give_back(self, held: Held, wake: datetime) -> None:
        try:
            await self._store.release(held, wake)
        except StoreError as error:
            log.warning("%s: the lease could not be given back and will run out: %s", held.rollout, error)

    async def _reread(self, held: Held, state: State) -> State:
        try:
            return await self._store.rollout(held.rollout)
        except StoreError:
            return state


def _log_trouble(what: str, error: Exception) -> None:
    if isinstance(error, PilotageError):
        log.warning("%s: %s", what, error)
    else:
        log.error("%s: a defect of Pilotage; trying again in a moment", what, exc_info=error)


def _defect(error: Exception) -> Problem:
    return Problem(
        code="pilotage.defect",
        what=f"a defect of Pilotage keeps this rollout from going on: {type(error).__name__}",
        why="where it happened is in the log of its worker",
        mend="it is tried again and again; report it, or take the rollout back by hand",
    )

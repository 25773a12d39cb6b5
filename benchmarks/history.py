"""What one more event costs in a rollout that has had 100, 1 000 and 10 000 of them.

    python benchmarks/history.py            under a minute
    python benchmarks/history.py --repeats 50

On a real SQLite store, in CPU time. ``commit``: one event is made part of the state and stored, as each event
of a worker is. ``read``: the state is read, as by every command and each claim. ``fold``: all events are folded
anew, for one event; that happens after an upgrade that sums up differently, and when a backup is put back.
``backup``: a row of a backup is written and checked. Each length is measured five times in turn, so that a busy
machine is as busy for all; the events that are measured make each a little longer.
Writes results/history.json.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from statistics import median
from typing import Any

from machine import keep

from pilotage.core import events as e
from pilotage.core.judging import Outcome, Verdict
from pilotage.core.plan import Basis, Plan, RouterSpec, TargetSpec
from pilotage.core.release import Release, Requirement, Run
from pilotage.core.routing import Address
from pilotage.core.state import State, apply, begin, fold
from pilotage.core.steps import Check
from pilotage.ports import Change
from pilotage.store.sqlite import SqliteStore
from pilotage.strategies.canary import Canary
from pilotage.strategies.method import Context
from pilotage.usecases import backing_up

LENGTHS = (100, 1_000, 10_000)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 5


def release(version: str) -> Release:
    run = Run(command=("shop", "--port", "{port}"), folder="/srv/shop")
    artifact = Requirement(requirements=(f"shop=={version}",))
    return Release(service="shop", version=version, artifact=artifact, run=run)


def plan() -> Plan:
    return Canary().compile(
        Context(
            environment="production",
            new=release("2.0"),
            instances=2,
            basis=Basis(live=release("1.0"), instances=2),
            target=TargetSpec(kind="process"),
            router=RouterSpec(
                kind="envoy",
                listen=Address(host="127.0.0.1", port=8000),
                preview=Address(host="127.0.0.1", port=8001),
            ),
            checks=(Check(name="front page", path="/"),),
        )
    )


def event(number: int) -> e.Event:
    """What a long rollout consists of: verdicts, effects, people who pause and go on."""
    at = BEGAN + timedelta(seconds=number)
    match number % 5:
        case 0:
            verdict = Verdict(outcome=Outcome.UNDECIDED, why=(f"needs about {number} more requests",))
            return e.Judged(at=at, verdict=verdict)
        case 1:
            return e.Intended(at=at, key=f"start:{number % 20}", value=str(number), told="start an instance")
        case 2:
            return e.Done(at=at, key=f"start:{number % 20 - 1}", value=str(number - 1))
        case 3:
            return e.Paused(at=at, by="ada", reason="lunch")
        case _:
            return e.Resumed(at=at, by="ada")


def cpu(work: Callable[[], Any]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


class Rollout:
    """One, in a store of its own, of a certain length; each measurement makes it a little longer."""

    def __init__(self, folder: Path, length: int) -> None:
        self.store = SqliteStore.open(folder / str(length) / "pilotage.db")
        self.runner = asyncio.Runner()
        self.file = folder / str(length) / "backup"
        made = plan()
        first = e.Created(at=BEGAN, by="ada", plan=made, digest=made.digest)
        self.state = begin("shop-1", first)
        self.put((first,), self.state)
        while self.state.events < length:
            self.more(min(100, length - self.state.events))

    def put(self, events: tuple[e.Event, ...], after: State) -> None:
        change = Change(state=after, events=events, before=after.events - len(events))
        self.runner.run(self.store.commit(change))
        self.state = after

    def more(self, count: int) -> None:
        events = tuple(event(self.state.events + one) for one in range(count))
        self.put(events, reduce(apply, events, self.state))

    def costs(self, repeats: int) -> dict[str, float]:
        """In microseconds of CPU, for one."""
        events = self.runner.run(self.store.events("shop-1"))
        rows = len(events)

        def backup() -> None:
            self.file.unlink(missing_ok=True)
            backing_up.write(self.store.everything(), self.file, BEGAN)
            backing_up.check(self.file)

        found = {
            "commit": cpu(lambda: [self.more(1) for _ in range(repeats)]) / repeats,
            "read": cpu(lambda: [self.runner.run(self.store.rollout("shop-1")) for _ in range(repeats)])
            / repeats,
            "fold": cpu(lambda: fold("shop-1", events)) / rows,
            "backup": cpu(backup) / rows,
        }
        return {name: seconds * 1e6 for name, seconds in found.items()}

    def close(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        rollouts = {length: Rollout(Path(folder), length) for length in LENGTHS}
        rounds = [{length: one.costs(repeats) for length, one in rollouts.items()} for _ in range(ROUNDS)]
        for one in rollouts.values():
            one.close()
    figures = {}
    for name in rounds[0][LENGTHS[0]]:
        middle = {length: median(one[length][name] for one in rounds) for length in LENGTHS}
        figures[name] = {
            "microseconds": {str(length): round(value, 1) for length, value in middle.items()},
            "ratio": {str(length): round(value / middle[LENGTHS[0]], 2) for length, value in middle.items()},
        }
        print(name, figures[name])
    keep("history", repeats=repeats, rounds=ROUNDS, **figures)


if __name__ == "__main__":
    main()

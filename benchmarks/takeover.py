"""How soon is a dead worker's rollout taken over, and an order heard, around one PostgreSQL?

    python takeover.py postgresql://… [--kills 10]

The database is to be an empty one. Two workers, as processes of their own, on the in-memory target and router
(``worker_fakes``). Again and again a rollout is begun, whoever has it is killed (-9) and replaced, and an order
is sent to it as from another machine. Prints the seconds until the next lease, and until the order is in the
history.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial

from worker_fakes import OLD, plan, reach

from pilotage.core.environment import Environment, Good
from pilotage.core.events import Order
from pilotage.core.plan import Plan
from pilotage.engine.worker import Worker, new_name
from pilotage.ports import Reach
from pilotage.store.postgresql.server import Server
from pilotage.store.postgresql.store import PostgresStore
from pilotage.usecases.releasing import start


async def work(uri: str) -> None:
    store, name = PostgresStore.open(Server.of(uri)), new_name()
    worlds: dict[str, Reach] = defaultdict(reach)

    def reach_of(plan: Plan) -> Reach:
        return worlds[plan.environment]

    async with store.presence(name) as bell:
        await Worker(store, store.clock, reach_of, name=name, bell=bell).run()


async def measure(uri: str, kills: int) -> None:
    store = PostgresStore.open(Server.of(uri))
    workers = [spawn(uri) for _ in range(2)]
    taken, heard = [], []
    try:
        for number in range(kills):
            await until(partial(alive, store, 2))
            rollout = await begun(store, f"e{number}")
            await asyncio.sleep(1 + number * 0.13)  # at another moment of the second each time
            owner = await until(partial(holder, store, rollout))
            os.kill(int(owner.split(":")[-2]), signal.SIGKILL)
            killed = time.perf_counter()
            await until(partial(holder, store, rollout, owner))
            taken.append(time.perf_counter() - killed)
            sent = time.perf_counter()
            message = await store.send(rollout, Order.PAUSE, "benchmark", store.clock.now())
            await until(partial(heard_of, store, rollout, message.number))
            heard.append(time.perf_counter() - sent)
            workers.append(spawn(uri))
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        await store.close()
    for name, seconds in (("taken over", taken), ("order heard", heard)):
        middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
        print(f"{name}: {len(seconds)} times, median {middle:.3f} s, {least:.3f} to {most:.3f} s")


async def begun(store: PostgresStore, name: str) -> str:
    """A rollout that some worker has, and will have for an hour."""
    good = Good(release=OLD, instances=1, rollout="before", at=store.clock.now())
    await store.commit(environment=Environment(service="shop", name=name, lineage=(good,)))
    made = plan(await store.environment("shop", name))
    state = await start(store, lambda _: None, made, by="benchmark", now=store.clock.now())
    await until(partial(holder, store, state.id))
    return state.id


def spawn(uri: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, uri, "--work"])


async def until(true: Callable[[], Awaitable[str]]) -> str:
    while not (found := await true()):
        await asyncio.sleep(0.005)
    return found


async def holder(store: PostgresStore, rollout: str, other_than: str = "") -> str:
    async def look(db):
        return await (await db.execute("SELECT owner FROM rollouts WHERE id = %s", (rollout,))).fetchone()

    (owner,) = await store._database.read(look)
    return owner if owner and owner != other_than else ""


async def alive(store: PostgresStore, count: int) -> str:
    return "yes" if len(await store.workers()) == count else ""


async def heard_of(store: PostgresStore, rollout: str, number: int) -> str:
    return "yes" if (await store.rollout(rollout)).heard >= number else ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("uri")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    asyncio.run(work(chosen.uri) if chosen.work else measure(chosen.uri, chosen.kills))

"""Several real processes on one file: who wins, who holds, what a kill, a full disk and a race leave behind."""

from __future__ import annotations

import multiprocessing
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import pytest
from desk import begin, check_whole, run

from factories import at, make_change, make_finished
from pilotage.core import events as e
from pilotage.core.state import State, fold
from pilotage.ports import Conflict, Held, LeaseLost
from pilotage.store.sqlite import SqliteStore

pytestmark = pytest.mark.real

# Forking is quick, and safe here: no test has the file open when it forks.
PROCESSES = multiprocessing.get_context("fork")
ROUNDS = 60
KILLS = 40


def note(by: str, value: str = "") -> e.Event:
    return e.Intended(at=at(1), by=by, key="k", value=value, told="t")


def in_processes(work: Callable[..., Any], path: Path, count: int, *shared: Any) -> list[Any]:
    """``work(path, number, *shared)`` in so many processes; what each of them returned."""
    pool: list[tuple[ForkProcess, Connection]] = []
    for number in range(count):
        here, there = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=_work, args=(there, work, path, number, *shared))
        process.start()
        there.close()
        pool.append((process, here))
    try:
        return [here.recv() for _, here in pool]
    finally:
        for process, _ in pool:
            process.join()


def _work(there: Connection, work: Callable[..., Any], *args: Any) -> None:
    there.send(work(*args))
    there.close()


def new_file(tmp_path: Path, *ids: str) -> Path:
    path = tmp_path / "pilotage.db"
    store = SqliteStore.open(path)
    for id in ids:
        begin(store, id)
    run(store.close())
    return path


# --- one rollout, two writers


def race_rounds(path: Path, number: int, barrier: Any) -> list[bool]:
    """In each round all read the same, wait for each other, and commit: who won?"""
    store = SqliteStore.open(path)
    won = []
    for _ in range(ROUNDS):
        state = run(store.rollout("shop-1"))
        barrier.wait()
        try:
            run(store.commit(make_change(state, note(str(number)))))
            won.append(True)
        except Conflict:
            won.append(False)
        barrier.wait()
    run(store.close())
    return won


def test_exactly_one_of_two_wins_each_round(tmp_path: Path) -> None:
    path = new_file(tmp_path, "shop-1")
    wins = in_processes(race_rounds, path, 2, PROCESSES.Barrier(2))
    assert [sum(won) for won in zip(*wins, strict=True)] == [1] * ROUNDS
    store = SqliteStore.open(path)
    authors = [event.by for event in run(store.events("shop-1", 1))]
    assert authors == ["0" if first else "1" for first in wins[0]]
    check_whole(path)


# --- many rollouts, four workers, leases that run out


def work_off(path: Path, number: int) -> list[tuple[str, int]]:
    """Claims and works until nothing is left; now and then so slowly that a lease runs out."""
    draw = random.Random(number)
    store = SqliteStore.open(path)
    had = []
    while run(store.rollouts(unfinished=True, limit=1)):
        now = datetime.now(UTC)
        for held, state in run(store.claim(f"w{number}", now, timedelta(milliseconds=30), 8)):
            had.append((held.rollout, held.epoch))
            if draw.random() < 0.1:
                time.sleep(0.05)
            work_once(store, held, state)
    run(store.close())
    return had


def work_once(store: SqliteStore, held: Held, state: State) -> None:
    mine = note(held.owner, str(held.epoch))
    last = make_finished(by=held.owner)
    change = make_change(state, mine, *((last,) if state.events > 2 else ()), held=held)
    try:
        run(store.commit(change))
        run(store.release(held, datetime.now(UTC)))
    except LeaseLost:
        return


def test_no_rollout_is_ever_held_by_two(tmp_path: Path) -> None:
    path = new_file(tmp_path, *(f"shop-{number}" for number in range(200)))
    claims = in_processes(work_off, path, 4)
    assert set(Counter(claim for had in claims for claim in had).values()) == {1}
    holders = {claim: f"w{number}" for number, had in enumerate(claims) for claim in had}
    store = SqliteStore.open(path)
    states = run(store.rollouts(limit=1000))
    assert len(states) == 200
    for state in states:
        notes = [event for event in run(store.events(state.id)) if isinstance(event, e.Intended)]
        epochs = [int(event.value) for event in notes]
        assert epochs == sorted(set(epochs)), "an earlier lease wrote after a later one"
        assert [event.by for event in notes] == [holders[state.id, epoch] for epoch in epochs]
        assert state.status.final
    check_whole(path)


# --- kill -9


def write_for_ever(path: Path, number: int, told: Connection) -> None:
    """Two rollouts and their environment, always moved together; tells every commit after it."""
    store = SqliteStore.open(path)
    states = [run(store.rollout(id)) for id in ("shop-1", "shop-2")]
    environment = run(store.environment("shop", "production"))
    while True:
        changes = [make_change(state, note("x"), note("y", "v" * 3000)) for state in states]
        environment = environment.model_copy(update={"rollouts": environment.rollouts + 1})
        run(store.commit(*changes, environment=environment))
        environment = environment.model_copy(update={"revision": environment.revision + 1})
        states = [change.state for change in changes]
        told.send(environment.revision)


def kill_while_writing(path: Path, delay: float) -> int:
    """The last commit that the killed writer told."""
    here, there = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=write_for_ever, args=(path, 0, there))
    process.start()
    there.close()
    last: int = here.recv()
    until = time.monotonic() + delay
    while (left := until - time.monotonic()) > 0:
        if here.poll(left):
            last = here.recv()
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    while True:
        try:
            last = here.recv()
        except EOFError:
            return last


@pytest.mark.faults
def test_a_kill_never_leaves_half_a_commit(tmp_path: Path) -> None:
    path = new_file(tmp_path, "shop-1", "shop-2")
    draw = random.Random(9)
    for _ in range(KILLS):
        last = kill_while_writing(path, draw.uniform(0, 0.06))
        check_whole(path)
        store = SqliteStore.open(path)
        environment = run(store.environment("shop", "production"))
        assert environment.revision in (last, last + 1), "a told commit is lost"
        assert environment.rollouts == environment.revision
        events = [state.events for state in run(store.rollouts())]
        assert events == [1 + 2 * environment.revision] * 2
        run(store.close())


# --- readers and openers


def write_some(path: Path, number: int) -> None:
    store = SqliteStore.open(path)
    state = run(store.rollout("shop-1"))
    for _ in range(300):
        change = make_change(state, note("x"), note("y"))
        run(store.commit(change, environment=run(store.environment("shop", "production"))))
        state = change.state
    run(store.close())


def read_on(path: Path, number: int) -> int:
    """Every read shows one moment, never half a commit, and never an earlier one than the read before."""
    store = SqliteStore.open(path)
    seen = 0
    while seen < 601:
        state = run(store.rollout("shop-1"))
        events = run(store.events("shop-1"))
        assert seen <= state.events <= len(events)
        assert len(events) % 2 == 1
        assert fold("shop-1", events[: state.events]) == state
        seen = state.events
    run(store.close())
    return seen


def write_or_read(path: Path, number: int) -> Any:
    return write_some(path, number) if number == 0 else read_on(path, number)


def test_readers_see_whole_commits_while_another_writes(tmp_path: Path) -> None:
    path = new_file(tmp_path, "shop-1")
    assert in_processes(write_or_read, path, 3) == [None, 601, 601]


def open_at_once(path: Path, number: int, barrier: Any) -> str:
    barrier.wait()
    store = SqliteStore.open(path)
    id = begin(store, f"shop-{number}").id
    run(store.close())
    return id


def test_many_may_make_the_same_file_at_once(tmp_path: Path) -> None:
    for turn in range(5):
        path = tmp_path / str(turn) / "pilotage.db"
        made = in_processes(open_at_once, path, 6, PROCESSES.Barrier(6))
        store = SqliteStore.open(path)
        assert {state.id for state in run(store.rollouts())} == set(made)
        run(store.close())


# --- a disk that is really full

FILL = """
import asyncio, pathlib, resource, signal, sys
sys.path[:0] = sys.argv[1:3]
from desk import begin, check_whole, refused, run
from factories import make_change, make_snapshot
from pilotage.core import events as e
from pilotage.store.sqlite import SqliteStore
from test_sqlite_processes import note

folder, how = pathlib.Path(sys.argv[3]), sys.argv[4]
store = SqliteStore.open(folder / "pilotage.db")
state = begin(store)

def write():
    global state
    change = make_change(state, note("x", "v" * 20_000))
    run(store.commit(change))
    state = change.state

def fill():
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
        return
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass

def make_room():
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        (folder / "filler").unlink()

write()
for _ in range(2):
    fill()
    try:
        while True:
            write()
    except Exception as error:
        print(error.problems[0].code)
    with refused("store.disk" if how == "limit" else "store.full"):
        write()
    assert run(store.rollout("shop-1")) == state
    make_room()
    write()
    run(store.record("shop-1", 1, make_snapshot()))
run(store.close())
check_whole(folder / "pilotage.db")
print(state.events)
"""


def fill_disk(folder: Path, how: str, *prefix: str) -> subprocess.CompletedProcess[str]:
    here = Path(__file__).parent
    command = [sys.executable, "-c", FILL, str(here), str(here.parent), str(folder), how]
    return subprocess.run([*prefix, *command], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.faults
def test_a_full_disk(tmp_path: Path) -> None:
    mount = f"mount -t tmpfs -o size=1m tmpfs '{tmp_path}' && exec \"$@\""
    prefix = ("unshare", "--mount", "sh", "-c", mount, "sh")
    try:
        able = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        able = False
    if not able:
        pytest.skip("needs the right to mount a small disk")
    done = fill_disk(tmp_path, "disk", *prefix)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:-1] == ["store.full", "store.full"]


@pytest.mark.faults
def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    done = fill_disk(tmp_path, "limit")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:-1] == ["store.disk", "store.disk"]

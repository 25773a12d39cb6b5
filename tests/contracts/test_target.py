"""What every target keeps to. Run over the fake and over real processes; a new adapter adds a bench."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from pilotage.adapters.process.digests import directory_sha256
from pilotage.adapters.process.target import ProcessTarget
from pilotage.core.fleet import Instance, Phase, Preparation
from pilotage.core.release import Directory, HealthCheck, Release, Run
from pilotage.ports import Site, Target, TargetError
from pilotage.testing.target import FakeTarget, FakeWorld

APP = """
import http.server, os, sys
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(os.environ["ANSWER"])); self.end_headers(); self.wfile.write(b"words")
print("listens on", os.environ["PORT"])
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), App).serve_forever()
"""


class Bench(Protocol):
    """How the suite makes releases, waits and breaks things with one kind of target."""

    kind: type[Any]

    def another(self) -> Target:
        """One more worker's target on the same site."""
        ...

    def release(self, version: str, *, answer: int = 200) -> Release: ...
    def broken(self) -> Release:
        """One that cannot be prepared."""
        ...

    def kill(self, instance: Instance) -> None: ...
    async def breathe(self) -> None: ...


class FakeBench:
    kind = FakeTarget

    def __init__(self, folder: Path) -> None:
        self.folder, self.world = folder, FakeWorld()

    def another(self) -> Target:
        return FakeTarget(world=self.world)

    def release(self, version: str, *, answer: int = 200) -> Release:
        made = _release(self.folder, version, answer)
        if answer != 200:
            self.world.never_healthy.add(made.id)
        return made

    def broken(self) -> Release:
        from pilotage.errors import Problem

        made = _release(self.folder, "broken", 200)
        self.world.prepare_problems[made.id] = Problem(code="artifact.missing", what="there is nothing")
        return made

    def kill(self, instance: Instance) -> None:
        self.world.crash(instance.id, "SIGKILL")
        self.world.restart(instance.id)

    async def breathe(self) -> None:
        return


class ProcessBench:
    kind = ProcessTarget

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = Site("shop", "production", folder / "site", folder / "cache", {})

    def another(self) -> Target:
        return ProcessTarget(replace(self.site))

    def release(self, version: str, *, answer: int = 200) -> Release:
        return _release(self.folder, version, answer)

    def broken(self) -> Release:
        made = _release(self.folder, "broken", 200)
        nothing = Directory(path=str(self.folder / "nothing"), sha256="0" * 64)
        return made.model_copy(update={"artifact": nothing})

    def kill(self, instance: Instance) -> None:
        assert instance.pid is not None
        os.kill(instance.pid, signal.SIGKILL)

    async def breathe(self) -> None:
        await asyncio.sleep(0.02)


def _release(folder: Path, version: str, answer: int) -> Release:
    app = folder / "app"
    app.mkdir(exist_ok=True)
    (app / "app.py").write_text(APP)
    return Release(
        service="shop",
        version=version,
        artifact=Directory(path=str(app), sha256=directory_sha256(app)),
        run=Run(
            command=(sys.executable, "{root}/app.py"),
            environment={"ANSWER": str(answer)},
            folder=str(folder),
            health=HealthCheck(interval=timedelta(milliseconds=100), within=timedelta(milliseconds=500)),
            grace=timedelta(seconds=2),
        ),
    )


@pytest.fixture(params=["fake", pytest.param("process", marks=pytest.mark.real)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    yield FakeBench(tmp_path) if request.param == "fake" else ProcessBench(tmp_path)
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        _end_if_ours(entry, str(tmp_path))


def _end_if_ours(cmdline: Path, folder: str) -> None:
    try:
        if folder in cmdline.read_bytes().decode(errors="replace"):
            os.kill(int(cmdline.parent.name), signal.SIGKILL)
    except OSError:
        return


async def until(
    bench: Bench, look: Callable[[], Awaitable[Any]], good: Callable[[Any], bool], looks: int = 1500
) -> Any:
    """Look until it is good; the last thing seen is in the failure."""
    seen = None
    for _ in range(looks):
        seen = await look()
        if good(seen):
            return seen
        await bench.breathe()
    raise AssertionError(f"never came: {seen}")


async def prepared(bench: Bench, target: Target, release: Release) -> Preparation:
    ended: Preparation = await until(
        bench, lambda: target.prepare(release), lambda seen: bool(seen.digest or seen.problem)
    )
    return ended


async def running(bench: Bench, target: Target, release: Release, *numbers: int) -> tuple[Instance, ...]:
    """Those instances, prepared, started and healthy."""
    assert (await prepared(bench, target, release)).problem is None
    await target.scale(release, numbers)
    return await seen(bench, target, release, lambda ours: all(i.healthy for i in ours), *numbers)


async def seen(
    bench: Bench,
    target: Target,
    release: Release,
    good: Callable[[tuple[Instance, ...]], bool],
    *numbers: int,
) -> tuple[Instance, ...]:
    async def look() -> tuple[Instance, ...]:
        return tuple(i for i in await target.observe() if i.release == release.id and i.number in numbers)

    ours: tuple[Instance, ...] = await until(bench, look, lambda ours: len(ours) == len(numbers) and good(ours))
    return ours


def test_unknown_settings_are_refused(bench: Bench) -> None:
    assert bench.kind.check_settings({}) == []
    assert [problem.code for problem in bench.kind.check_settings({"porst": 1})] == ["target.unknown-setting"]


async def _nothing_observed(bench: Bench) -> None:
    assert await bench.another().observe() == ()


def test_nothing_runs_at_first(bench: Bench) -> None:
    asyncio.run(_nothing_observed(bench))


def test_prepare_ends_with_the_same_digest_for_all(bench: Bench) -> None:
    async def scenario() -> None:
        release = bench.release("1")
        first = await prepared(bench, bench.another(), release)
        assert first.release == release.id
        assert first.digest
        assert first.digest.startswith("sha256:")
        assert await prepared(bench, bench.another(), release) == first

    asyncio.run(scenario())


def test_what_cannot_be_prepared_is_a_problem(bench: Bench) -> None:
    async def scenario() -> None:
        failed = await prepared(bench, bench.another(), bench.broken())
        assert failed.digest is None
        assert failed.problem is not None
        assert failed.problem.code == "artifact.missing"

    asyncio.run(scenario())


def test_nothing_starts_unprepared(bench: Bench) -> None:
    async def scenario() -> None:
        target = bench.another()
        with pytest.raises(TargetError) as caught:
            await target.scale(bench.release("1"), [1])
        assert caught.value.problems[0].code == "target.not-prepared"
        assert await target.observe() == ()

    asyncio.run(scenario())


def test_scale_starts_what_is_missing_and_leaves_the_rest(bench: Bench) -> None:
    async def scenario() -> None:
        target, release = bench.another(), bench.release("1")
        (first,) = await running(bench, target, release, 1)
        assert first.id == f"{release.id}.1"
        again, second = await running(bench, target, release, 1, 2)
        assert (again.pid, again.address) == (first.pid, first.address)
        assert second.address != first.address
        await target.scale(release, [2])
        assert len(await target.observe()) == 2

    asyncio.run(scenario())


def test_a_killed_instance_comes_back_and_is_counted(bench: Bench) -> None:
    async def scenario() -> None:
        target, release = bench.another(), bench.release("1")
        (first,) = await running(bench, target, release, 1)
        bench.kill(first)
        back = await seen(bench, target, release, lambda ours: ours[0].healthy and ours[0].restarts > 0, 1)
        assert back[0].pid != first.pid
        assert back[0].address == first.address

    asyncio.run(scenario())


def test_one_that_answers_badly_is_never_healthy(bench: Bench) -> None:
    async def scenario() -> None:
        target, release = bench.another(), bench.release("1", answer=500)
        await prepared(bench, target, release)
        await target.scale(release, [1])
        sick = await seen(bench, target, release, lambda ours: ours[0].phase is Phase.UNHEALTHY, 1)
        assert "answered 500" in sick[0].detail
        assert sick[0].exists

    asyncio.run(scenario())


def test_stop_ends_only_those_and_may_be_repeated(bench: Bench) -> None:
    async def scenario() -> None:
        target, release = bench.another(), bench.release("1")
        one, two = await running(bench, target, release, 1, 2)
        await target.stop([one.id, "unknown-00000000.7"])
        await target.stop([one.id])
        gone = await seen(bench, target, release, lambda ours: ours[0].phase is Phase.STOPPED, 1)
        assert not gone[0].exists
        await target.stop([one.id])
        left = await seen(bench, target, release, lambda ours: ours[0].healthy, 2)
        assert left[0].pid == two.pid

    asyncio.run(scenario())


def test_a_stopped_one_can_be_started_again(bench: Bench) -> None:
    async def scenario() -> None:
        target, release = bench.another(), bench.release("1")
        (first,) = await running(bench, target, release, 1)
        await target.stop([first.id])
        await seen(bench, target, release, lambda ours: ours[0].phase is Phase.STOPPED, 1)
        (again,) = await running(bench, target, release, 1)
        assert again.id == first.id
        assert again.pid != first.pid
        assert again.restarts == 0

    asyncio.run(scenario())


def test_two_releases_live_side_by_side(bench: Bench) -> None:
    async def scenario() -> None:
        target, old, new = bench.another(), bench.release("1"), bench.release("2")
        await running(bench, target, old, 1)
        await running(bench, target, new, 1)
        both = await target.observe()
        assert {instance.release for instance in both} == {old.id, new.id}
        assert len({str(instance.address) for instance in both}) == 2

    asyncio.run(scenario())


def test_another_worker_sees_and_stops_the_same(bench: Bench) -> None:
    async def scenario() -> None:
        release = bench.release("1")
        mine = await running(bench, bench.another(), release, 1)
        other = bench.another()
        theirs = await seen(bench, other, release, lambda ours: ours[0].healthy, 1)
        assert theirs[0].model_dump(exclude={"since"}) == mine[0].model_dump(exclude={"since"})
        await other.stop([mine[0].id])
        await seen(bench, bench.another(), release, lambda ours: ours[0].phase is Phase.STOPPED, 1)

    asyncio.run(scenario())


def test_the_log_outlives_the_instance(bench: Bench) -> None:
    async def scenario() -> None:
        target, release = bench.another(), bench.release("1")
        (one,) = await running(bench, target, release, 1)
        await target.stop([one.id])
        await seen(bench, target, release, lambda ours: ours[0].phase is Phase.STOPPED, 1)
        assert f"listens on {one.address.port}" in await target.log(one.id, 1000)
        assert len((await target.log(one.id, 1)).splitlines()) == 1
        with pytest.raises(TargetError) as caught:
            await target.log("unknown-00000000.7", 1)
        assert caught.value.problems[0].code == "target.no-instance"

    asyncio.run(scenario())

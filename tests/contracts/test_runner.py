"""What every runner of hooks keeps to. Run over the fake and over real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from pilotage.adapters.hooks import memory
from pilotage.adapters.hooks.memory import Memory
from pilotage.adapters.hooks.runner import ProcessRunner
from pilotage.core.hooks import Phase, Pinned, Program, Reference, Sighting
from pilotage.ports import Runner
from pilotage.testing.runner import FakeRunner


class Bench(Protocol):
    runner: Runner

    def another(self) -> Runner:
        """One more worker's runner over the same memory."""
        ...

    def adds_a_line(self, *, code: int = 0) -> Program:
        """One that leaves a mark each time it is run."""
        ...

    def runs(self) -> int:
        """How often it was."""
        ...

    def endless(self) -> Program: ...
    def lose(self, key: str) -> None:
        """All that runs it goes down at once."""
        ...


class FakeBench:
    def __init__(self) -> None:
        self.count = 0
        self.runner = FakeRunner(acts=self._act)

    def _act(self, program: Program) -> None:
        self.count += 1

    def another(self) -> Runner:
        return self.runner

    def adds_a_line(self, *, code: int = 0) -> Program:
        self.runner.codes[f"mark {code}"] = code
        return Program(commands=(("mark", str(code)),), folder="/")

    def runs(self) -> int:
        return self.count or sum(1 for one in self.runner.begun.values() if one.phase is Phase.ENDED)

    def endless(self) -> Program:
        self.runner.never_ends = True
        return Program(commands=(("endless",),), folder="/")

    def lose(self, key: str) -> None:
        self.runner.lose(key)


class ProcessBench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.marks = folder / "marks"
        self.runner = ProcessRunner(folder / "memory")

    def another(self) -> Runner:
        return ProcessRunner(self.folder / "memory")

    def script(self, text: str, **fields: Any) -> Program:
        return Program(commands=((sys.executable, "-c", text),), folder=str(self.folder), **fields)

    def adds_a_line(self, *, code: int = 0) -> Program:
        return self.script(f"print('words', file=open({str(self.marks)!r}, 'a')); raise SystemExit({code})")

    def runs(self) -> int:
        return len(self.marks.read_text().splitlines())

    def endless(self) -> Program:
        return self.script("import time; print('begins', flush=True); time.sleep(600)")

    def lose(self, key: str) -> None:
        kept = Memory.of(self.folder / "memory", key)
        os.kill(kept.read(memory.BEGAN)["pid"], signal.SIGKILL)
        os.killpg(kept.read(memory.CHILD)["child"][0], signal.SIGKILL)

    def close(self) -> None:
        for child in self.folder.rglob(memory.CHILD):
            pid = Memory(child.parent).read(memory.CHILD)["child"][0]
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.fixture(params=["fake", pytest.param("process", marks=pytest.mark.real)])
def bench(request, tmp_path) -> Iterator[Bench]:
    if request.param == "fake":
        yield FakeBench()
        return
    made = ProcessBench(tmp_path)
    yield made
    made.close()


async def until(runner: Runner, key: str, *phases: Phase) -> Sighting:
    async with asyncio.timeout(30):
        while (seen := await runner.sight(key)).phase not in phases:
            await asyncio.sleep(0.02)
    return seen


def test_it_runs_once_however_often_it_is_begun(bench):
    async def story() -> None:
        program = bench.adds_a_line()
        assert (await bench.runner.sight("a")).phase is Phase.NEVER
        await asyncio.gather(*(bench.another().start("a", program) for _ in range(4)))
        assert (await until(bench.runner, "a", Phase.ENDED)).code == 0
        await bench.another().start("a", program)
        assert (await until(bench.another(), "a", Phase.ENDED)).code == 0
        assert bench.runs() == 1

    asyncio.run(story())


def test_a_failure_is_told_and_not_repeated(bench):
    async def story() -> None:
        program = bench.adds_a_line(code=3)
        await bench.runner.start("a", program)
        assert (await until(bench.runner, "a", Phase.ENDED)).code == 3
        await bench.runner.start("a", program)
        assert (await bench.runner.sight("a")).code == 3
        assert bench.runs() == 1

    asyncio.run(story())


def test_what_went_down_unseen_is_lost_and_never_begun_again(bench):
    async def story() -> None:
        await bench.runner.start("a", bench.endless())
        await until(bench.runner, "a", Phase.RUNNING)
        if isinstance(bench, ProcessBench):
            async with asyncio.timeout(30):
                while not (Memory.of(bench.folder / "memory", "a").read(memory.CHILD)):
                    await asyncio.sleep(0.02)
        bench.lose("a")
        await until(bench.another(), "a", Phase.LOST)
        await bench.another().start("a", bench.endless())
        assert (await bench.another().sight("a")).phase is Phase.LOST

    asyncio.run(story())


def test_two_memories_are_told_apart_and_one_is_not(bench, tmp_path):
    async def story() -> None:
        here, again = await bench.runner.sight("a"), await bench.another().sight("b")
        elsewhere = await ProcessRunner(tmp_path / "elsewhere").sight("a")
        assert here.place == again.place != elsewhere.place

    asyncio.run(story())


@pytest.fixture
def real(tmp_path) -> Iterator[ProcessBench]:
    made = ProcessBench(tmp_path)
    yield made
    made.close()


@pytest.mark.real
def test_secrets_are_in_the_program_and_nowhere_else(real, monkeypatch, tmp_path):
    monkeypatch.setenv("SHOP_DATABASE", "postgresql://ada:lov3lace@127.0.0.1/shop")
    monkeypatch.setenv("UNNAMED", "not-for-it")
    (tmp_path / "token").write_text("t0k3n-of-ada\n")
    text = (
        "import os; url = os.environ['URL']; print(url, os.environ['TOKEN'], os.environ.get('UNNAMED'));"
        "print('password is', url[17:25] + ', at postgres://x:other@host');"
        "raise SystemExit(0 if url.endswith('@127.0.0.1/shop') else 1)"
    )
    program = real.script(
        text,
        environment={"URL": Reference(env="SHOP_DATABASE"), "TOKEN": Reference(file=str(tmp_path / "token"))},
    )

    async def story() -> str:
        await real.runner.start("a", program)
        seen = await until(real.runner, "a", Phase.ENDED)
        assert seen.code == 0, seen.tail
        return seen.tail

    assert asyncio.run(story()) == "••• ••• None\npassword is •••, at postgres://x:•••@host"
    for file in (tmp_path / "memory").rglob("*"):
        if file.is_file():
            assert b"lov3lace" not in file.read_bytes()
            assert b"t0k3n-of-ada" not in file.read_bytes()


@pytest.mark.real
def test_a_missing_secret_and_a_changed_file_run_nothing(real, tmp_path):
    file = tmp_path / "0001.sql"
    file.write_text("select 1")
    changed = real.script("print('runs')", files=(Pinned(path=str(file), sha256="0" * 64),))
    lacking = real.script("print('runs')", environment={"URL": Reference(env="NOT_SET_ANYWHERE")})

    async def story() -> None:
        for key, program, said in (
            ("a", changed, "0001.sql has changed"),
            ("b", lacking, "the variable NOT_SET_ANYWHERE"),
        ):
            await real.runner.start(key, program)
            seen = await until(real.runner, key, Phase.ENDED)
            assert seen.code is None
            assert said in seen.detail
            assert seen.tail == ""

    asyncio.run(story())


@pytest.mark.real
def test_a_program_that_is_late_is_ended_with_all_it_started(real):
    text = "import subprocess; subprocess.Popen(['sleep', '600']); subprocess.run(['sleep', '600'])"
    program = real.script(text, timeout=timedelta(seconds=0.5))

    async def story() -> None:
        await real.runner.start("a", program)
        seen = await until(real.runner, "a", Phase.ENDED)
        assert (seen.code, seen.detail) == (None, "it took longer than 0.5 s and was ended")
        assert not Memory.of(real.folder / "memory", "a").runs()

    asyncio.run(story())


@pytest.mark.real
def test_commands_are_run_in_order_and_the_first_failure_is_the_last(real):
    words = [(sys.executable, "-c", f"print({n}); raise SystemExit({n == 2})") for n in (1, 2, 3)]
    program = Program(commands=tuple(words), folder=str(real.folder))

    async def story() -> None:
        await real.runner.start("a", program)
        seen = await until(real.runner, "a", Phase.ENDED)
        assert (seen.code, seen.tail) == (1, "1\n2")

    asyncio.run(story())


@pytest.mark.real
def test_a_check_says_yes_no_or_nothing(real):
    async def story() -> None:
        for code, answer in ((0, True), (1, False), (7, None)):
            assert await real.runner.check(real.script(f"raise SystemExit({code})")) is answer
        assert await real.runner.check(Program(commands=(("/no/such",),), folder="/")) is None

    asyncio.run(story())

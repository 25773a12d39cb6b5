"""Killed, doubled, filled up, lied to: what the supervisor survives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from supervised_bench import Bench, kill, wait

from pilotage.adapters.supervisor import Supervised, SupervisorError, identity
from pilotage.adapters.supervisor.identity import Identity

pytestmark = [pytest.mark.real, pytest.mark.faults]


def test_supervisor_killed_its_successor_adopts_the_child(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    kill(first.supervisor)
    orphan = bench.until(lambda status: status.supervisor is None)
    assert (orphan.state, orphan.pid) == ("healthy", first.pid)
    assert bench.supervised.revive()
    assert not bench.supervised.revive() or len(bench.supervisors()) == 1
    adopted = bench.until(lambda status: status.supervisor is not None)
    assert (adopted.pid, adopted.restarts, adopted.state) == (first.pid, 0, "healthy")
    kill(adopted.pid)
    again = bench.until(lambda status: status.restarts == 1 and status.state == "healthy")
    assert again.last_exit == "ended unseen"
    assert bench.children() == [again.pid]


def test_ensure_revives_too(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    kill(first.supervisor)
    bench.until(lambda status: status.supervisor is None)
    bench.supervised.ensure(bench.spec())
    adopted = bench.until(lambda status: status.supervisor not in (None, first.supervisor))
    assert adopted.pid == first.pid
    assert bench.children() == [first.pid]


def test_both_killed(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    kill(first.supervisor)
    kill(first.pid)
    bench.until_state("crashed")
    assert bench.supervised.revive()
    again = bench.until_state("healthy")
    assert again.restarts == 1
    assert bench.children() == [again.pid]


def test_killed_over_and_over_there_is_never_a_second_child(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    for turn in range(15):
        status = bench.until(lambda status: status.supervisor is not None)
        if turn % 2 and status.pid:
            kill(status.pid)
        kill(status.supervisor)
        bench.until(lambda status: status.supervisor is None)
        bench.supervised.revive()
        assert len(bench.children()) <= 1
    bench.until_state("healthy")
    assert len(bench.children()) == 1
    assert len(bench.supervisors()) == 1


def test_a_stop_that_its_supervisor_did_not_live_to_see(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    kill(first.supervisor)
    bench.until(lambda status: status.supervisor is None)
    bench.supervised.stop()
    bench.until_state("stopped")
    assert bench.children() == []


def test_killed_in_the_middle_of_a_stop(bench: Bench) -> None:
    deaf = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\n"
        "while True: time.sleep(60)"
    )
    bench.supervised.ensure(bench.spec(deaf, grace=timedelta(milliseconds=500)))
    wait(lambda: bench.supervised.log(1) == "deaf")
    bench.supervised.stop()
    stopping = bench.until_state("stopping")
    kill(stopping.supervisor)
    bench.until(lambda status: status.supervisor is None)
    assert bench.supervised.revive()
    bench.until_state("stopped")
    assert bench.children() == []


ENSURE = """
import sys, time
from datetime import timedelta
from pathlib import Path
from pilotage.adapters.supervisor import Spec, Supervised
folder = sys.argv[1]
spec = Spec(command=(sys.executable, "-c", "import time; time.sleep(600)", folder), cwd=folder)
while not Path(folder, "go").exists(): time.sleep(0.001)
for _ in range(int(sys.argv[2])):
    Supervised(Path(folder, "one")).ensure(spec)
    Supervised(Path(folder, "one")).revive()
"""


def test_five_at_once_start_one_child(bench: Bench) -> None:
    starters = [
        subprocess.Popen([sys.executable, "-c", ENSURE, str(bench.folder), "10"], start_new_session=True)
        for _ in range(5)
    ]
    (bench.folder / "go").touch()
    assert [starter.wait(60) for starter in starters] == [0] * 5
    status = bench.until_state("healthy")
    running = [pid for pid in bench.children() if pid not in {starter.pid for starter in starters}]
    assert running == [status.pid]
    assert bench.supervisors() == [status.supervisor]
    said = (bench.supervised.directory / "supervisor.log").read_text()
    assert said.count("started ") == 1


def test_stop_and_ensure_at_once_end_as_the_last_one_wished(bench: Bench) -> None:
    for _ in range(20):
        bench.supervised.ensure(bench.spec())
        bench.supervised.stop()
    bench.until_state("stopped")
    wait(lambda: not bench.supervisors())
    for _ in range(20):
        bench.supervised.stop()
        bench.supervised.ensure(bench.spec())
    status = bench.until_state("healthy")
    assert bench.children() == [status.pid]


def test_a_recycled_pid_is_not_taken_for_the_child(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    kill(first.supervisor)
    kill(first.pid)
    bench.until(lambda status: status.supervisor is None and status.pid is None)
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    ) as stranger:
        path = bench.supervised.directory / "status.json"
        record = json.loads(path.read_text())
        record["child"][0] = record["supervisor"][0] = stranger.pid  # the pid, but not its start time
        path.write_text(json.dumps(record))
        assert bench.supervised.status().pid is None
        assert bench.supervised.status().supervisor is None
        assert bench.supervised.revive()
        again = bench.until_state("healthy")
        assert again.pid != stranger.pid
        bench.supervised.stop()
        bench.until_state("stopped")
        assert stranger.poll() is None
        stranger.kill()


def test_an_identity_is_a_pid_and_a_start(bench: Bench) -> None:
    me = Identity.of(os.getpid())
    assert me is not None
    assert me.alive
    assert not Identity(me.pid, "another-boot:1").alive
    assert not Identity(me.pid, "another-boot:1").group_alive


def test_where_there_is_no_proc_ps_tells_the_same(bench: Bench) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(sleep, start_new_session=True) as other:
        start = identity._start_from_ps(other.pid)
        assert start is not None
        assert start == identity._start_from_ps(other.pid)
        assert identity._group_in_ps(other.pid)
        other.kill()
        wait(lambda: identity._start_from_ps(other.pid) is None)  # a zombie, until the end of this block
        assert not identity._group_in_ps(other.pid)
    assert identity._start_from_ps(other.pid) is None


def test_status_files_that_are_not_whole(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    bench.until_state("healthy")
    for junk in ("", "{", "[]"):
        (bench.supervised.directory / "status.json").write_text(junk)
        assert bench.supervised.status().state == "starting"
    bench.until_state("healthy")  # the next heartbeat mends it


def test_a_hung_supervisor_is_not_believed(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    kill(first.supervisor, signal.SIGSTOP)
    path = bench.supervised.directory / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "beat": 0.0}))
    status = bench.supervised.status()
    assert status.state == "unhealthy"
    assert "has said nothing" in status.detail
    kill(first.supervisor, signal.SIGCONT)
    bench.until_state("healthy")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_as_a_user(bench: Bench) -> None:
    bench.folder.chmod(0o500)
    with pytest.raises(SupervisorError) as caught:
        bench.supervised.ensure(bench.spec())
    bench.folder.chmod(0o700)
    assert "right to write" in (caught.value.problems[0].mend or "")


@pytest.fixture
def small_disk(bench: Bench) -> Iterator[Path]:
    """A disk of 256 kB. Only where mounting is allowed."""
    folder = bench.folder / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    bench.supervised = Supervised(folder / "one")
    yield folder
    _done("umount", "-l", str(folder))


def test_a_full_disk_kills_nobody(bench: Bench, small_disk: Path) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    _fill(small_disk)
    kill(first.pid)  # its end and its successor must be noted without any room
    again = bench.until(lambda status: status.restarts == 1 and status.state == "healthy")
    assert again.supervisor == first.supervisor
    with pytest.raises(SupervisorError) as caught:
        Supervised(small_disk / "two").ensure(bench.spec())
    assert "free some space" in (caught.value.problems[0].mend or "")
    kill(again.supervisor)
    bench.until(lambda status: status.supervisor is None)
    assert bench.supervised.revive()
    adopted = bench.until(lambda status: status.supervisor is not None)
    assert adopted.pid == again.pid
    (small_disk / "ballast").unlink()
    bench.supervised.stop()
    bench.until_state("stopped")


class ReadOnly:
    """Lays a read-only view of a folder over it, for everybody, and takes it away."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._on = str(folder), False

    def begin(self) -> None:
        if subprocess.run(["mount", "--bind", self._folder, self._folder], check=False).returncode:
            pytest.skip("mounting is not allowed here")
        self._on = True
        _done("mount", "-o", "remount,bind,ro", self._folder)

    def end(self) -> None:
        if self._on:
            self._on = False
            _done("umount", "-l", self._folder)


@pytest.fixture
def read_only(bench: Bench) -> Iterator[ReadOnly]:
    made = ReadOnly(bench.folder)
    yield made
    made.end()


def test_a_read_only_disk_kills_nobody(bench: Bench, read_only: ReadOnly) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    read_only.begin()
    with pytest.raises(SupervisorError) as caught:
        Supervised(bench.folder / "two").ensure(bench.spec())
    assert "for writing" in (caught.value.problems[0].mend or "")
    assert bench.children() == [first.pid]
    kill(first.pid)  # cannot be recorded, so it cannot be started again safely
    bench.until_state("crashed")
    read_only.end()
    again = bench.until(lambda status: status.state == "healthy" and status.pid != first.pid)
    assert bench.children() == [again.pid]
    assert again.supervisor == first.supervisor


def _done(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=True)


def _fill(disk: Path) -> None:
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        for size in (4096, 512, 1):
            try:
                while ballast.write(b"x" * size):
                    pass
            except OSError:
                continue


def test_the_example_in_the_docs_runs(bench: Bench) -> None:
    page = Path(__file__).parents[3] / "docs" / "targets" / "process.md"
    example = page.read_text().partition("```python\n")[2].partition("```")[0]
    environment = {**os.environ, "TMPDIR": str(bench.folder)}
    said = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    assert said.stdout == "adopted\n"

"""The target process on real processes: ports, logs, refusals, faults. The rest is in the contract suite."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from processes_bench import Bench, kill, wait

from pilotage.adapters.process.target import ProcessTarget
from pilotage.core.fleet import Phase
from pilotage.core.release import Release
from pilotage.ports import Site, TargetError

pytestmark = pytest.mark.real


def healthy(bench: Bench, release: Release, *numbers: int) -> None:
    bench.started(release, *numbers)
    bench.until(lambda seen: len(seen) >= len(numbers) and all(one.healthy for one in seen))


def refused(bench: Bench, release: Release) -> list[str]:
    """The problems that keep it from being started; nothing may have been."""
    with pytest.raises(TargetError) as caught:
        bench.started(release, 1)
    assert bench.observed() == []
    return [problem.code for problem in caught.value.problems]


def test_the_instance_knows_who_it_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPERATORS_SECRET", "hush")
    script = (
        "import http.server, os, sys; print(sys.argv[1:], os.environ['NAME'], os.getcwd(), sorted(os.environ));"
        "http.server.test(http.server.SimpleHTTPRequestHandler, port=int(os.environ['PORT']),"
        " bind=os.environ['HOST'])"
    )
    arguments = ("{version}", "{instance}", "{port}", "{folder}", "{}")
    release = bench.release("python3", "-c", script, *arguments, environment={"NAME": "shop-{instance}"})
    healthy(bench, release, 2)
    (one,) = bench.observed()
    said = asyncio.run(bench.target.log(one.id, 1000)).splitlines()[0]
    expected = ["1.0", "2", str(one.address.port), str(bench.folder), "{}"]
    assert said.startswith(f"{expected} shop-2 {bench.folder} ")
    assert "OPERATORS_SECRET" not in said


def test_the_artifacts_own_programs_come_first(bench: Bench) -> None:
    bench.app()
    tool = bench.folder / "app" / "bin" / "python3"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho mine\nexec {sys.executable} "$@"\n')
    tool.chmod(0o755)
    healthy(bench, bench.release(), 1)
    (one,) = bench.observed()
    assert asyncio.run(bench.target.log(one.id, 1000)).startswith("mine")


def test_a_missing_command_is_refused_before_anything_starts(bench: Bench) -> None:
    for command in ("no-such-command", "./no-such-file", "{root}/index.html"):
        release = bench.release(command)
        assert refused(bench, release) == ["target.no-command"]
        problem = asyncio.run(bench.target.prepare(release)).problem
        assert problem is not None
        assert problem.code == "target.no-command"


def test_an_unknown_placeholder_is_told_before_anything_is_built(bench: Bench) -> None:
    preparation = asyncio.run(bench.target.prepare(bench.release("python3", "{prot}")))
    assert preparation.problem is not None
    assert preparation.problem.code == "target.unknown-placeholder"
    assert not (bench.folder / "cache").exists()


def test_a_folder_that_went_is_refused(bench: Bench) -> None:
    release = bench.release()
    elsewhere = release.run.model_copy(update={"folder": str(bench.folder / "gone")})
    assert refused(bench, release.model_copy(update={"run": elsewhere})) == ["target.no-folder"]


def test_a_crash_loop_shows_how_it_ended_and_what_it_said(bench: Bench) -> None:
    words = "import sys; print('cannot find the database', file=sys.stderr); sys.exit(3)"
    bench.started(bench.release("python3", "-c", words), 1)
    (one,) = bench.until(lambda seen: "exit 3; restarting after" in seen[0].detail and seen[0].restarts > 1)
    assert one.phase is Phase.CRASHED
    assert "cannot find the database" in one.detail
    assert len(one.detail.splitlines()) <= 6


def test_a_stopped_one_whose_port_was_taken_gets_another(bench: Bench) -> None:
    release = bench.release()
    healthy(bench, release, 1)
    (one,) = bench.observed()
    asyncio.run(bench.target.stop([one.id]))
    bench.until(lambda seen: seen[0].phase is Phase.STOPPED)
    with socket.create_server((one.address.host, one.address.port)):
        healthy(bench, release, 1)
        assert bench.observed()[0].address.port != one.address.port


def test_a_crashed_one_whose_port_was_taken_moves(bench: Bench) -> None:
    release = bench.release()
    healthy(bench, release, 1)
    (one,) = bench.observed()
    supervised = bench.target._instances.supervised(one.id)
    kill(supervised.status().supervisor)
    kill(one.pid)
    wait(lambda: supervised.status().pid is None)
    with socket.create_server((one.address.host, one.address.port)):
        (moved,) = bench.until(lambda seen: seen[0].healthy)
        assert moved.address.port != one.address.port
    again = bench.observed()[0]
    assert (again.address, again.id) == (moved.address, one.id)


def test_no_port_is_left(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        site = Site("shop", "production", bench.site.folder, bench.site.cache, {"ports": f"{port}-{port}"})
        bench.target = ProcessTarget(site)
        assert refused(bench, bench.release()) == ["target.no-port"]


@pytest.mark.faults
def test_observe_mends_dead_supervisors_and_both(bench: Bench) -> None:
    release = bench.release()
    healthy(bench, release, 1, 2)
    first = bench.observed()
    status = [bench.target._instances.supervised(one.id).status() for one in first]
    kill(status[0].supervisor)
    kill(status[1].supervisor)
    kill(status[1].pid)
    shutil.rmtree(bench.folder / "app")  # neither the manifest nor the source is needed any more
    mended = bench.until(lambda seen: all(one.healthy for one in seen) and seen[1].restarts == 1)
    assert mended[0].pid == first[0].pid
    assert [one.address for one in mended] == [one.address for one in first]
    assert len(bench.processes("http.server")) == 2


SCALE = """
import asyncio, sys
from pathlib import Path
from pilotage.adapters.process.target import ProcessTarget
from pilotage.core.release import Release
from pilotage.ports import Site
folder = Path(sys.argv[1])
target = ProcessTarget(Site("shop", "production", folder / "site", folder / "cache", {}))
release = Release.model_validate_json((folder / "release.json").read_text())
for _ in range(5):
    asyncio.run(target.scale(release, [1, 2, 3]))
    asyncio.run(target.observe())
"""


@pytest.mark.faults
def test_five_workers_scale_at_once(bench: Bench) -> None:
    release = bench.release()
    bench.built(release.artifact)
    (bench.folder / "release.json").write_text(release.model_dump_json())
    command = [sys.executable, "-c", SCALE, str(bench.folder)]
    workers = [subprocess.Popen(command, start_new_session=True) for _ in range(5)]
    assert [worker.wait(60) for worker in workers] == [0] * 5
    bench.until(lambda seen: len(seen) == 3 and all(one.healthy and one.restarts == 0 for one in seen))
    assert len(bench.processes("http.server")) == 3


@pytest.mark.faults
def test_a_worker_killed_while_it_scales_leaves_nothing_half_done(bench: Bench) -> None:
    release = bench.release()
    bench.built(release.artifact)
    (bench.folder / "release.json").write_text(release.model_dump_json())
    for _ in range(8):
        worker = subprocess.Popen([sys.executable, "-c", SCALE, str(bench.folder)], start_new_session=True)
        wait(lambda: (bench.folder / "site" / "target.lock").exists())
        worker.kill()
        worker.wait()
        bench.observed()
    healthy(bench, release, 1, 2, 3)
    assert len(bench.processes("http.server")) == 3


def _fill(disk: Path) -> None:
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(b"x" * 4096):
                pass
        except OSError:
            return


@pytest.mark.faults
def test_a_full_disk_is_a_problem_and_leaves_nothing_half_written(bench: Bench) -> None:
    release = bench.release()
    bench.built(release.artifact)
    disk = bench.folder / "site"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (disk / "target.lock").touch()
        _fill(disk)
        with pytest.raises(TargetError) as caught:
            asyncio.run(bench.target.scale(release, [1]))
        assert caught.value.problems[0].code == "target.unusable-folder"
        assert "No space left" in (caught.value.problems[0].why or "")
        assert bench.observed() == []
        assert sorted(os.listdir(disk / "instances")) == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.faults
def test_a_damaged_file_is_told_rather_than_overlooked(bench: Bench) -> None:
    healthy(bench, bench.release(), 1)
    (one,) = bench.observed()
    (bench.folder / "site" / "instances" / one.id / "instance.json").write_text("{")
    with pytest.raises(TargetError, match="cannot be used"):
        bench.observed()


def test_ids_cannot_lead_out_of_the_folder(bench: Bench) -> None:
    asyncio.run(bench.target.stop(["../../etc", "/etc", "..", ""]))
    with pytest.raises(TargetError):
        asyncio.run(bench.target.log("../../../etc/passwd", 1))


def test_old_stopped_ones_are_removed(bench: Bench) -> None:
    release = bench.release()
    healthy(bench, release, 1, 2)
    one, two = bench.observed()
    asyncio.run(bench.target.stop([one.id]))
    bench.until(lambda seen: seen[0].phase is Phase.STOPPED)
    assert asyncio.run(bench.target.remove({release.id}, timedelta(0))) == ()
    assert asyncio.run(bench.target.remove(set(), timedelta(days=1))) == ()
    assert asyncio.run(bench.target.remove(set(), timedelta(0))) == (one.id,)
    assert [left.id for left in bench.observed()] == [two.id]
    assert not list(Path(bench.site.folder, "instances").glob(".*"))

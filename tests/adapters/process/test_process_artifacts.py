"""Preparing artifacts: built once, verified, taken up again after a kill, and clear about what is wrong."""

from __future__ import annotations

import io
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from processes_bench import Bench, kill, wait, wheel

from pilotage.adapters.process.digests import file_sha256
from pilotage.core.release import Archive, Directory, Requirement
from pilotage.errors import Problem

pytestmark = pytest.mark.real


def problem_of(bench: Bench, artifact: Archive | Directory | Requirement) -> Problem:
    problem = bench.built(artifact).problem
    assert problem is not None
    assert not bench.artifacts.root(artifact).exists()
    return problem


def archive_of(path: Path) -> Archive:
    return Archive(path=str(path), sha256=file_sha256(path))


def test_a_folder_is_copied_and_stays_as_it_was(bench: Bench) -> None:
    artifact = bench.app(**{"run.sh": "#!/bin/sh\n"})
    shutil.rmtree(bench.folder / "app")
    artifact = bench.app(**{"run.sh": "#!/bin/sh\n"})
    assert bench.built(artifact).digest == f"sha256:{artifact.sha256}"
    (bench.folder / "app" / "run.sh").write_text("changed")
    assert (bench.artifacts.root(artifact) / "run.sh").read_text() == "#!/bin/sh\n"
    assert bench.artifacts.prepare(artifact).digest == f"sha256:{artifact.sha256}"


def test_a_folder_that_changed_or_went_is_a_problem(bench: Bench) -> None:
    artifact = bench.app()
    (bench.folder / "app" / "index.html").write_text("changed")
    assert problem_of(bench, artifact).code == "artifact.other-content"
    gone = Directory(path=str(bench.folder / "gone"), sha256="0" * 64)
    assert problem_of(bench, gone).code == "artifact.missing"
    os.mkfifo(bench.folder / "app" / "pipe")
    assert problem_of(bench, Directory(path=artifact.path, sha256="1" * 64)).code == "artifact.uncopied"


@pytest.mark.parametrize("kind", ["gztar", "xztar", "tar", "zip"])
def test_archives_are_unpacked(bench: Bench, kind: str) -> None:
    source = bench.folder / "source"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "tool").write_text("#!/bin/sh\n")
    (source / "bin" / "tool").chmod(0o755)
    artifact = archive_of(Path(shutil.make_archive(str(bench.folder / "made"), kind, source)))
    assert bench.built(artifact).digest == f"sha256:{artifact.sha256}"
    tool = bench.artifacts.root(artifact) / "bin" / "tool"
    assert tool.stat().st_mode & stat.S_IXUSR


def _tar_with(path: Path, name: str, **more: object) -> Archive:
    member = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(member, key, value)
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(member, io.BytesIO(b""))
    return archive_of(path)


@pytest.mark.parametrize("name", ["../escaped", "/../../escaped", "a/../../escaped"])
def test_archives_cannot_write_outside(bench: Bench, name: str) -> None:
    with zipfile.ZipFile(bench.folder / "bad.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    assert problem_of(bench, archive_of(bench.folder / "bad.zip")).code == "artifact.unsafe-archive"
    assert problem_of(bench, _tar_with(bench.folder / "bad.tar.gz", name)).code == "artifact.unsafe-archive"
    assert not list(bench.folder.rglob("escaped"))


def test_archives_hold_no_links_to_the_outside_and_no_devices(bench: Bench) -> None:
    link = _tar_with(bench.folder / "link.tar.gz", "link", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    assert problem_of(bench, link).code == "artifact.unsafe-archive"
    device = _tar_with(bench.folder / "device.tar.gz", "device", type=tarfile.CHRTYPE)
    assert problem_of(bench, device).code == "artifact.unsafe-archive"
    member = zipfile.ZipInfo("link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(bench.folder / "link.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    assert problem_of(bench, archive_of(bench.folder / "link.zip")).code == "artifact.unsafe-archive"


def test_wrong_broken_and_missing_archives_are_problems(bench: Bench) -> None:
    path = bench.folder / "file.tar.gz"
    path.write_bytes(b"\x1f\x8b nonsense")
    assert problem_of(bench, archive_of(path)).code == "artifact.broken-archive"
    wrong = Archive(path=str(path), sha256="0" * 64)
    problem = problem_of(bench, wrong)
    assert problem.code == "artifact.other-content"
    assert file_sha256(path) in (problem.why or "")
    assert problem_of(bench, Archive(path=str(path) + "x", sha256="1" * 64)).code == "artifact.missing"


def test_requirements_are_installed_and_known_by_what_was_installed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = bench.folder / "wheels"
    wheel(wheels, "pilottool", "1.0", requires="pilotneed")
    need = wheel(wheels, "pilotneed", "1.1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    artifact = Requirement(requirements=("pilottool==1.0",))
    first = bench.built(artifact)
    root = bench.artifacts.root(artifact)
    said = subprocess.run([str(root / "bin" / "pilottool")], capture_output=True, text=True, check=True)
    assert said.stdout == "1.0\n"

    wheel(wheels, "pilotneed", "1.2")  # a newer one of what was not pinned must not come in
    shutil.rmtree(root)
    assert bench.built(artifact) == first

    shutil.rmtree(root)
    wheel(wheels, "pilotneed", "1.1", body="# the same version, other content")
    problem = problem_of(bench, artifact)
    assert problem.code == "artifact.other-packages"
    assert (problem.why or "").startswith("pilotneed: 1.1 (")
    assert file_sha256(need)[:12] in (problem.why or "")


@pytest.mark.parametrize("loose", ["iniconfig", "iniconfig>=2", "iniconfig==2.*", "-rfile", "--index-url=x"])
def test_loose_requirements_are_refused(bench: Bench, loose: str) -> None:
    problem = problem_of(bench, Requirement(requirements=("six==1.16.0", loose)))
    assert problem.code == "artifact.not-pinned"
    assert loose in problem.what


def test_what_pip_cannot_install_is_told_without_credentials(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://bob:hunter2@127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("OPERATORS_SECRET", "hush")
    artifact = Requirement(requirements=("pilot-no-such-package==1.0",))
    problem = problem_of(bench, artifact)
    assert problem.code == "artifact.not-installed"
    assert "pilot-no-such-package==1.0" in (problem.why or "")
    whole = problem.model_dump_json()
    folder = bench.artifacts.root(artifact).parent
    whole += "".join(path.read_text() for path in folder.glob("*.*") if path.is_file())
    assert "hunter2" not in whole
    assert "hush" not in whole


def test_a_package_from_the_index(bench: Bench) -> None:
    artifact = Requirement(requirements=("iniconfig==2.0.0",))
    progress = bench.built(artifact)
    if progress.problem and "connection" in (progress.problem.why or "").lower():
        pytest.skip("no package index can be reached")
    assert progress.digest is not None
    python = bench.artifacts.root(artifact) / "bin" / "python"
    subprocess.run([str(python), "-c", "import iniconfig"], check=True)


@pytest.mark.faults
def test_a_killed_builder_is_taken_up_again(bench: Bench) -> None:
    requirement = Requirement(requirements=("iniconfig==2.0.0",))
    assert bench.artifacts.prepare(requirement).words == "starting"
    builder = wait(lambda: bench.processes("builder.py"))
    wait(lambda: bench.artifacts.root(requirement).exists())
    kill(builder[0])
    assert bench.built(requirement).digest is not None
    wait(lambda: not bench.processes())


@pytest.mark.faults
def test_nobody_builds_where_the_installer_of_a_killed_builder_still_writes(bench: Bench) -> None:
    requirement = Requirement(requirements=("iniconfig==2.0.0",))
    bench.artifacts.prepare(requirement)
    builder = wait(lambda: bench.processes("builder.py"))
    installer = wait(lambda: bench.processes("-m venv"))
    kill(installer[0], signal.SIGSTOP)
    kill(builder[0])
    wait(lambda: not bench.processes("builder.py"))
    bench.artifacts.prepare(requirement)
    assert bench.processes("builder.py") == []
    for pid in bench.processes("venv"):
        kill(pid)
    assert bench.built(requirement).digest is not None


PREPARE = """
import sys
from pathlib import Path
from pilotage.adapters.process.artifacts import Artifacts
from pilotage.core.release import Directory
artifact = Directory(path=sys.argv[2], sha256=sys.argv[3])
while True:
    progress = Artifacts(Path(sys.argv[1])).prepare(artifact)
    if progress.digest or progress.problem: break
print(progress.digest)
"""


def test_five_at_once_build_it_once(bench: Bench) -> None:
    artifact = bench.app(**{f"file{number}": "x" * 1000 for number in range(300)})
    command = [sys.executable, "-c", PREPARE, str(bench.folder / "cache"), artifact.path, artifact.sha256]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(5)]
    assert {one.communicate(timeout=60)[0] for one in asking} == {f"sha256:{artifact.sha256}\n"}


def test_a_failure_is_told_for_a_while_and_then_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = bench.app()
    (bench.folder / "app" / "index.html").rename(bench.folder / "kept")
    assert bench.built(artifact).problem is not None
    (bench.folder / "kept").rename(bench.folder / "app" / "index.html")
    assert bench.built(artifact).problem is not None
    now = time.time()
    monkeypatch.setattr("pilotage.adapters.process.artifacts.time.time", lambda: now + 60)
    assert bench.built(artifact).digest is not None

"""Artifacts that are Python environments: made with venv and pip, known by the archives that were installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pilotage.adapters.process import artifacts
from pilotage.adapters.supervisor import files
from pilotage.core.release import Requirement
from pilotage.core.values import digest
from pilotage.errors import PilotageError, Problem

Say = Callable[[str], None]
Package = list[str]
"""Name, version, and the hash of the archive or the commit it came from."""

_PIP = ("-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off",
        "--no-warn-script-location", "--force-reinstall")  # fmt: skip
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_PINNED = re.compile(r"[A-Za-z0-9][^=@;]*(===?[^=*,;]+|@\s*\S+)\s*(;.*)?")
_LINES = 8


def install(artifact: Requirement, folder: Path, root: Path, say: Say) -> dict[str, Any]:
    """Make the environment at ``root``; what complete.json holds. PilotageError with what pip said."""
    _check_pins(artifact.requirements)
    say("making a Python environment")
    _run([sys.executable, "-m", "venv", str(root)], folder, "artifact.no-environment")
    before = _first_packages(folder)
    report = folder / "report.json"
    say(f"installing {', '.join(artifact.requirements)}")
    constraints = _constraints(folder, before)
    command = [str(root / "bin" / "python"), *_PIP, "--report", str(report), *constraints, "--"]
    _run([*command, *artifact.requirements], folder, "artifact.not-installed")
    packages = sorted(_package(entry) for entry in json.loads(report.read_text())["install"])
    if before is not None and before != packages:
        raise PilotageError(_other_packages(before, packages))
    found = digest([artifacts.python_name(), packages])
    _remember(folder, packages)
    return {"digest": found, "python": artifacts.python_name(), "packages": packages}


def _check_pins(requirements: Sequence[str]) -> None:
    loose = [text for text in requirements if not _PINNED.fullmatch(text.strip())]
    if loose:
        raise PilotageError(
            Problem(
                code="artifact.not-pinned",
                what=f"{loose[0]!r} does not say which version exactly",
                mend="pin it with ==, like datasette==0.65.5",
            )
        )


def _run(command: Sequence[str], folder: Path, code: str) -> None:
    """With the lock as standard input: if we are killed, nobody builds here before this has ended too."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with (folder / artifacts.BUILD_LOG).open("ab") as log:
        begin = log.seek(0, os.SEEK_END)
        log.write(f"$ {redacted(' '.join(command))}\n".encode())
        log.flush()
        ended = subprocess.run(
            command, stdin=0, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder, check=False
        )
    if ended.returncode:
        raise PilotageError(_told(folder, begin, code))


def _told(folder: Path, begin: int, code: str) -> Problem:
    with (folder / artifacts.BUILD_LOG).open("rb") as log:
        log.seek(begin)
        said = [line for line in log.read().decode(errors="replace").splitlines()[1:] if line.strip()]
    errors = [line for line in said if line.lstrip().lower().startswith(("error", "× ", "╰─>"))]
    what = "pip could not install the requirements"
    if code == "artifact.no-environment":
        what = "no Python environment could be made"
    return Problem(
        code=code,
        what=what,
        why=redacted("\n".join((errors or said)[-_LINES:]))[:2000] or None,
        mend=f"the whole output is in {folder / artifacts.BUILD_LOG}",
    )


def redacted(text: str) -> str:
    """Without user names and passwords in addresses."""
    return _CREDENTIALS.sub("****@", text)


def _package(entry: dict[str, Any]) -> Package:
    """From one entry of pip's installation report (https://pip.pypa.io/en/stable/reference/installation-report)."""
    name = re.sub(r"[-_.]+", "-", entry["metadata"]["name"]).lower()
    version, info = entry["metadata"]["version"], entry["download_info"]
    archive = info.get("archive_info") or {}
    sha256 = (archive.get("hashes") or {}).get("sha256")
    if sha256 is None and str(archive.get("hash", "")).startswith("sha256="):
        sha256 = archive["hash"].removeprefix("sha256=")
    if sha256 is None and "vcs_info" in info:
        sha256 = f"{info['vcs_info']['vcs']}:{info['vcs_info']['commit_id']}"
    if sha256 is None:
        raise PilotageError(_no_digest(name, redacted(str(info.get("url", "")))))
    return [name, version, sha256]


def _record(folder: Path) -> tuple[str, str]:
    return str(folder.parent), f"{folder.name}.json"


def _first_packages(folder: Path) -> list[Package] | None:
    """What these requirements brought when they were first installed here."""
    record = files.read(*_record(folder))
    return record["packages"] if record else None


def _remember(folder: Path, packages: list[Package]) -> None:
    files.write(*_record(folder), {"packages": packages})


def _constraints(folder: Path, before: list[Package] | None) -> list[str]:
    if before is None:
        return []
    path = folder / "constraints.txt"
    path.write_text("".join(f"{name}=={version}\n" for name, version, _ in before))
    return ["--constraint", str(path)]


def _other_packages(before: list[Package], now: list[Package]) -> Problem:
    old, new = {p[0]: p for p in before}, {p[0]: p for p in now}
    changed = [
        f"{name}: {_shown(old.get(name))} → {_shown(new.get(name))}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    return Problem(
        code="artifact.other-packages",
        what="the same requirements brought other packages than before",
        why="\n".join(changed[:_LINES]),
        mend="an index or a file has changed under the same version: find out why, or release a new version",
    )


def _shown(package: Package | None) -> str:
    return f"{package[1]} ({package[2][:12]})" if package else "nothing"


def _no_digest(name: str, url: str) -> Problem:
    return Problem(
        code="artifact.no-digest",
        what=f"{name} was not installed from an archive, so nothing proves what it is",
        why=url or None,
        mend="give a wheel or a source archive (name @ file:///…/name-1.0-py3-none-any.whl)",
    )

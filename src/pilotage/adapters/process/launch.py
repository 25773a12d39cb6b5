"""From a release to the exact command of one instance."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pilotage.adapters.process import placeholders
from pilotage.adapters.supervisor import HealthProbe, Spec, detached
from pilotage.core.release import Release, Requirement, Run
from pilotage.core.routing import Address
from pilotage.errors import Problem


def problems(release: Release, root: Path) -> list[Problem]:
    """All that would keep an instance from being started at all; ``root`` is the prepared artifact."""
    found = placeholders.problems(release.run)
    if found:
        return found
    if not Path(release.run.folder).is_dir():
        return [_no_folder(release.run.folder)]
    values = _values(release, 1, Address(host="127.0.0.1", port=1), root)
    name = placeholders.filled(release.run.command[0], values)
    program = _program(name, release.run, root, _environment(release, root, values))
    return [] if program else [_no_command(name, root)]


def spec(release: Release, number: int, address: Address, root: Path) -> Spec:
    """What its supervisor is asked to run. The release has no ``problems``."""
    values = _values(release, number, address, root)
    environment = _environment(release, root, values)
    command = [placeholders.filled(word, values) for word in release.run.command]
    program = _program(command[0], release.run, root, environment)
    return Spec(
        command=(program or command[0], *command[1:]),
        environment=environment,
        cwd=release.run.folder,
        grace=release.run.grace,
        health=HealthProbe(address=address, check=release.run.health),
    )


def _values(release: Release, number: int, address: Address, root: Path) -> dict[str, str]:
    return {
        "host": address.host,
        "port": str(address.port),
        "root": str(root),
        "version": release.version,
        "instance": str(number),
        "folder": release.run.folder,
    }


def _environment(release: Release, root: Path, values: dict[str, str]) -> dict[str, str]:
    path = detached.minimal_environment()["PATH"]
    environment = {"HOST": values["host"], "PORT": values["port"], "PATH": f"{root / 'bin'}{os.pathsep}{path}"}
    environment["PYTHONUNBUFFERED"] = "1"  # so that what it printed last is in the log when it is killed
    if isinstance(release.artifact, Requirement):
        environment["VIRTUAL_ENV"] = str(root)
    own = {name: placeholders.filled(text, values) for name, text in release.run.environment.items()}
    return {**environment, **own}


def _program(name: str, run: Run, root: Path, environment: dict[str, str]) -> str | None:
    if "/" in name:
        path = Path(run.folder, name)
        return str(path) if path.is_file() and os.access(path, os.X_OK) else None
    return shutil.which(name, path=f"{root / 'bin'}{os.pathsep}{environment['PATH']}")


def _no_folder(folder: str) -> Problem:
    return Problem(
        code="target.no-folder",
        what=f"there is no folder {folder}",
        why="it is the manifest's folder, in which the command runs",
        mend="release from a folder that stays where it is",
    )


def _no_command(name: str, root: Path) -> Problem:
    where = f"not in {root / 'bin'} and not on PATH"
    if "/" in name:
        where = "that file is missing or may not be run"
    return Problem(
        code="target.no-command",
        what=f"there is no command {name}",
        why=where,
        mend="name a program of the artifact, or give its whole path",
    )

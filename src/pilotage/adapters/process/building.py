"""What a builder does: make ``root``, find its digest, and say that it is complete; or say what is wrong."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pilotage.adapters.process import artifacts, environments, folders
from pilotage.adapters.supervisor import files
from pilotage.core.release import Archive, Artifact, Directory, Requirement
from pilotage.errors import PilotageError, Problem

Say = Callable[[str], None]


def build(folder: Path) -> None:
    """Build what ``artifact.json`` in ``folder`` asks for. The caller holds the folder's lock."""
    artifact: Artifact = TypeAdapter(Artifact).validate_python(files.read(str(folder), artifacts.ARTIFACT))
    try:
        _remove(folder / artifacts.ROOT)
        complete = _made(artifact, folder)
        os.sync()  # after a power loss, complete.json must not stand beside files that never reached the disk
        files.write(str(folder), artifacts.COMPLETE, complete)
    except PilotageError as error:
        _failed(folder, error.problems[0])
    except OSError as error:
        _failed(folder, _disk_problem(folder, error))
    except Exception as error:
        what = "the artifact could not be built, for a reason that Pilotage did not expect"
        _failed(folder, Problem(code="artifact.failed", what=what, why=repr(error)))
        raise


def _made(artifact: Artifact, folder: Path) -> dict[str, Any]:
    """What complete.json holds."""

    def say(words: str) -> None:
        files.write(str(folder), artifacts.PROGRESS, {"words": words})

    root = folder / artifacts.ROOT
    match artifact:
        case Requirement():
            return environments.install(artifact, folder, root, say)
        case Directory():
            return {"digest": folders.copy(artifact, root, say)}
        case Archive():
            return {"digest": folders.unpack(artifact, folder, root, say)}


def _failed(folder: Path, problem: Problem) -> None:
    _remove(folder / artifacts.ROOT)
    stored = {"problem": problem.model_dump(mode="json"), "at": time.time()}
    files.write(str(folder), artifacts.PROBLEM, stored)


def _disk_problem(folder: Path, error: OSError) -> Problem:
    where = f" ({error.filename})" if error.filename else ""
    return Problem(
        code="artifact.unwritable",
        what=f"the artifact could not be built in {folder}",
        why=f"{error.strerror or error}{where}",
        mend="see that the disk has room and that this user may read and write there",
    )


def _remove(root: Path) -> None:
    if root.exists():
        shutil.rmtree(root)

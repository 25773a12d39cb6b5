"""Prepared artifacts in the shared cache, each built once by a detached builder.

<cache>/artifacts/<key>/artifact.json   what is built here
                        root/           the result: {root}
                        complete.json   its digest; written last, so that half of it never counts
                        progress.json, problem.json, build.log
                        build.lock      held by the living builder and what it has started
<cache>/artifacts/<key>.json            what was installed the first time; outlives the folder
"""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pilotage.adapters.supervisor import detached, files
from pilotage.core.release import Archive, Artifact, Directory, Requirement
from pilotage.core.values import digest
from pilotage.errors import Problem

ARTIFACT, COMPLETE, PROGRESS, PROBLEM = "artifact.json", "complete.json", "progress.json", "problem.json"
BUILD_LOCK, BUILD_LOG, ROOT = "build.lock", "build.log", "root"

_BUILDER = Path(__file__).with_name("builder.py")
_PROBLEM_SECONDS = 10.0
"""So long a failure is told; the next ``prepare`` after that tries again."""
_FOR_BUILDERS = {
    *("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "NETRC", "PYTHONPATH"),
    *("REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
}


@dataclass(frozen=True)
class Progress:
    """One of the three: done with ``digest``, failed with ``problem``, or under way."""

    digest: str | None = None
    problem: Problem | None = None
    words: str = ""


class Artifacts:
    """The prepared artifacts of one cache folder."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "artifacts"

    def root(self, artifact: Artifact) -> Path:
        """Where it is, or will be, once it is prepared."""
        return self._folder / key(artifact) / ROOT

    def done(self, artifact: Artifact) -> str | None:
        """Its digest when it is prepared, whole and usable."""
        folder = self._folder / key(artifact)
        complete = files.read(str(folder), COMPLETE)
        if complete is None or not (folder / ROOT).is_dir():
            return None
        if isinstance(artifact, Requirement) and not (folder / ROOT / "bin" / "python").exists():
            return None  # the Python it was made with is gone
        return str(complete["digest"])

    def prepare(self, artifact: Artifact) -> Progress:
        """Begin to build it unless that is done or under way. OSError when the cache cannot be written."""
        if done := self.done(artifact):
            return Progress(digest=done)
        folder = self._folder / key(artifact)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = files.lock(str(folder), BUILD_LOCK)
        if lock is None:
            return Progress(words=_words(folder))
        try:
            if done := self.done(artifact):  # it may have ended a moment ago
                return Progress(digest=done)
            if problem := _fresh_problem(folder):
                return Progress(problem=problem)
            _begin(folder, artifact, lock)
        finally:
            os.close(lock)
        return Progress(words="starting")


def key(artifact: Artifact) -> str:
    """The name of its folder: the same content has the same."""
    match artifact:
        case Requirement():
            wanted = [sorted(artifact.requirements), python_name(), sys.platform, platform.machine()]
            return f"requirement-{digest(wanted)[7:27]}"
        case Directory() | Archive():
            return f"{artifact.kind}-{artifact.sha256[:20]}"


def python_name() -> str:
    """``cpython-3.11``. Without the patch level: a security update of Python is no other artifact."""
    return f"{sys.implementation.name}-{sys.version_info.major}.{sys.version_info.minor}"


def _begin(folder: Path, artifact: Artifact, lock: int) -> None:
    files.write(str(folder), ARTIFACT, artifact.model_dump(mode="json"))
    for old in (PROBLEM, PROGRESS, COMPLETE, BUILD_LOG):
        (folder / old).unlink(missing_ok=True)
    detached.start(
        [sys.executable, "-P", str(_BUILDER), str(folder)],
        lock=lock,
        log=folder / BUILD_LOG,
        environment=_environment(),
    )


def _environment() -> dict[str, str]:
    """With what pip needs to reach its indexes, and nothing else of the operator's."""
    kept = {k: v for k, v in os.environ.items() if k.startswith("PIP_") or k.upper() in _FOR_BUILDERS}
    return {**detached.minimal_environment(), **kept}


def _fresh_problem(folder: Path) -> Problem | None:
    found = files.read(str(folder), PROBLEM)
    if found is None or not 0 <= time.time() - found["at"] < _PROBLEM_SECONDS:
        return None
    return Problem.model_validate(found["problem"])


def _words(folder: Path) -> str:
    return str((files.read(str(folder), PROGRESS) or {}).get("words", "starting"))

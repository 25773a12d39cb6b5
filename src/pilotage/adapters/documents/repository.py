"""The commits between two versions, from a git repository, without changing anything in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pilotage.dossier.commits import Commit, commit_of

_FIELD, _RECORD = "\x1f", "\x1e"
_PATIENCE = 30.0
_MOST = 2000


class NotKnown(Exception):
    """Why the commits can not be told, in words for the list of what is missing."""


def commits(folder: Path, since: str, until: str) -> tuple[Commit, ...]:
    """Reachable from the tag or commit ``until`` and not from ``since``, the newest first, without merges."""
    for name in (since, until):
        if _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}") is None:
            raise NotKnown(
                f"{folder.name} has no tag or commit {name}: tag it, or correct `repository: {{tag: …}}`"
            )
    told = _git(
        folder, "log", "--no-merges", f"--max-count={_MOST}", f"--format=%H{_FIELD}%s{_FIELD}%b{_RECORD}",
        f"{since}..{until}", "--",
    )  # fmt: skip
    if told is None:
        raise NotKnown(f"git can not read {folder.name}")
    records = [record.strip("\n") for record in told.split(_RECORD)]
    return tuple(commit_of(*record.split(_FIELD, 2)) for record in records if record)


def _git(folder: Path, *words: str) -> str | None:
    """What it says; None when it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, timeout=_PATIENCE, check=False
        )
    except FileNotFoundError:
        raise NotKnown("git is not installed here") from None
    except subprocess.TimeoutExpired:
        raise NotKnown(f"git did not answer within {_PATIENCE:.0f} seconds") from None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None

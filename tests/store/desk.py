"""What the tests of the SQLite store share."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from factories import make_change, make_created
from pilotage.core.state import State, fold
from pilotage.errors import Problem
from pilotage.ports import StoreError
from pilotage.store.sqlite import SqliteStore

T = TypeVar("T")
SOMEBODY = 65534
"""The user id of nobody in particular: root may write everywhere, so permissions are tried as this one."""


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def begin(store: SqliteStore, id: str = "shop-1") -> State:
    change = make_change(id, make_created())
    run(store.commit(change))
    return change.state


@contextmanager
def refused(code: str) -> Iterator[list[Problem]]:
    """The block raises a StoreError of that code, with a cause and a way out; and no sqlite3 error."""
    problems: list[Problem] = []
    with pytest.raises(StoreError) as caught:
        yield problems
    problems.extend(caught.value.problems)
    assert [problem.code for problem in problems] == [code]
    assert problems[0].why
    assert problems[0].mend


def check_whole(path: Path) -> None:
    """No half commit anywhere: every state is what its events make, and the file is sound."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.close()
    store = SqliteStore.open(path)
    for state in run(store.rollouts(limit=10_000)):
        assert state == fold(state.id, run(store.events(state.id)))
    run(store.close())


@contextmanager
def folder_for_somebody() -> Iterator[Path]:
    """A folder that another user can reach (pytest's own are closed to others)."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(folder)


@contextmanager
def without_privileges() -> Iterator[None]:
    """As an ordinary user, also when the tests run as root."""
    if os.geteuid():
        yield
        return
    os.seteuid(SOMEBODY)
    try:
        yield
    finally:
        os.seteuid(0)

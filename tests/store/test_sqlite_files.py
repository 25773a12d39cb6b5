"""The files: how they are made, what is refused, what each kind of trouble is called, and that it passes."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from desk import begin, check_whole, folder_for_somebody, refused, run, without_privileges

from factories import NOW, SECOND, at, make_change, make_created, make_finished, make_snapshot
from pilotage.core import events as e
from pilotage.core.state import State
from pilotage.store import reading, schema
from pilotage.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pilotage.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore.open(path)
    yield store
    run(store.close())


def note(state: State, size: int = 1) -> Any:
    return make_change(state, e.Intended(at=at(1), key="k", value="v" * size, told="t"))


def raw(path: Path, *statements: str) -> list[Any]:
    """As somebody with the sqlite3 shell would."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return [connection.execute(statement).fetchall() for statement in statements]
    finally:
        connection.close()


def telemetry_of(path: Path) -> Path:
    return path.with_name("pilotage-telemetry.db")


class TestMaking:
    def test_all_of_it_is_private(self, store: SqliteStore, path: Path) -> None:
        begin(store)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        files = sorted(path.parent.iterdir())
        assert {file.name for file in files} >= {"pilotage.db", "pilotage-telemetry.db", "pilotage.db-wal"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}

    def test_a_folder_that_is_there_keeps_its_mode(self, path: Path) -> None:
        path.parent.mkdir(mode=0o750)
        run(SqliteStore.open(path).close())
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750

    def test_it_is_there_again_after_closing(self, path: Path) -> None:
        store = SqliteStore.open(path)
        state = begin(store)
        run(store.record("shop-1", 1, make_snapshot()))
        run(store.close())
        again = SqliteStore.open(path)
        assert run(again.rollout("shop-1")) == state
        assert run(again.snapshots("shop-1")) == [(1, make_snapshot())]
        run(again.close())
        assert sorted(file.name for file in path.parent.iterdir()) == ["pilotage-telemetry.db", "pilotage.db"]

    def test_odd_names(self, tmp_path: Path) -> None:
        path = tmp_path / "a b%20?x#ü" / "p?.db"
        run(SqliteStore.open(path).close())
        assert path.is_file()

    def test_two_in_one_process(self, store: SqliteStore, path: Path) -> None:
        other = SqliteStore.open(path)
        state = begin(store)
        run(other.commit(note(state)))
        run(other.close())
        assert run(store.rollout("shop-1")).events == 2

    def test_threads_share_one(self, store: SqliteStore) -> None:
        states = [begin(store, f"shop-{number}") for number in range(4)]

        def write(state: State) -> None:
            for _ in range(50):
                change = note(state)
                run(store.commit(change))
                state = change.state

        threads = [threading.Thread(target=write, args=(state,)) for state in states]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [state.events for state in run(store.rollouts())] == [51] * 4


def test_the_backup_of_the_documentation(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    """docs/state.md: made while everything runs, and put in the place of the old one."""
    text = (Path(__file__).parents[2] / "docs" / "state.md").read_text()
    [command] = re.findall(r'^python3 -c "(.+)"$', text, re.MULTILINE)
    state = begin(store)
    path.parent.rename(tmp_path / ".pilotage")
    subprocess.run([sys.executable, "-c", command], cwd=tmp_path, check=True)
    restored = SqliteStore.open(tmp_path / "backup.db")
    assert run(restored.rollout("shop-1")) == state
    run(restored.commit(note(state)))
    run(restored.close())
    check_whole(tmp_path / "backup.db")


class TestHistoryIsAppendOnly:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE events SET body = '{}'",
            "DELETE FROM events",
            "INSERT OR REPLACE INTO events SELECT rollout, 1, '{}' FROM events LIMIT 1",
            "INSERT INTO events SELECT rollout, 9, '{}' FROM events LIMIT 1",
            "INSERT INTO events SELECT rollout, 0, '{}' FROM events LIMIT 1",
        ],
    )
    def test_whoever_tries(self, store: SqliteStore, path: Path, statement: str) -> None:
        state = begin(store)
        with pytest.raises(sqlite3.IntegrityError, match="history is"):
            raw(path, statement)
        assert run(store.events("shop-1")) == (make_created(),)
        assert run(store.rollout("shop-1")) == state


class TestVersions:
    @pytest.mark.parametrize("which", ["history", "telemetry"])
    def test_a_newer_file_is_left_untouched(self, path: Path, which: str) -> None:
        run(SqliteStore.open(path).close())
        file = path if which == "history" else telemetry_of(path)
        raw(file, "PRAGMA user_version = 99")
        before = file.read_bytes()
        with refused("store.newer") as problems:
            SqliteStore.open(path)
        assert "99" in (problems[0].why or "")
        assert file.read_bytes() == before

    def test_an_older_file_is_brought_up_to_date(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = SqliteStore.open(path)
        state = begin(store)
        run(store.close())
        longer = schema.Schema(
            schema.HISTORY.application,
            (*schema.HISTORY.migrations, ("CREATE TABLE later (x)", "INSERT INTO later VALUES (1)")),
        )
        monkeypatch.setattr("pilotage.store.sqlite.HISTORY", longer)
        for _ in range(2):
            store = SqliteStore.open(path)
            assert run(store.rollout("shop-1")) == state
            run(store.close())
        assert raw(path, "PRAGMA user_version", "SELECT * FROM later") == [[(longer.version,)], [(1,)]]

    def test_a_migration_that_fails_leaves_the_old_file(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(SqliteStore.open(path).close())
        broken = schema.Schema(
            schema.HISTORY.application,
            (*schema.HISTORY.migrations, ("CREATE TABLE later (x)", "CREATE nonsense")),
        )
        monkeypatch.setattr("pilotage.store.sqlite.HISTORY", broken)
        with refused("store.failed"):
            SqliteStore.open(path)
        tables = "SELECT name FROM sqlite_master WHERE name = 'later'"
        assert raw(path, "PRAGMA user_version", tables) == [[(schema.HISTORY.version,)], []]

    def test_a_state_that_another_fold_made_is_folded_anew(self, store: SqliteStore, path: Path) -> None:
        state = begin(store)
        raw(path, f"UPDATE rollouts SET fold = {reading.FOLD - 1}, state = json_set(state, '$.failures', 7)")
        assert run(store.rollout("shop-1")) == state

    def test_a_state_that_cannot_be_read_is_folded_anew(self, store: SqliteStore, path: Path) -> None:
        state = begin(store)
        raw(path, "UPDATE rollouts SET state = '{\"status\":7}'")
        assert run(store.rollout("shop-1")) == state
        assert run(store.rollouts()) == [state]

    def test_a_worker_leaves_what_a_newer_one_made(self, store: SqliteStore, path: Path) -> None:
        begin(store)
        raw(path, f"UPDATE rollouts SET fold = {reading.FOLD + 1}")
        assert run(store.claim("w1", NOW, SECOND, 10)) == []

    def test_one_unreadable_history_does_not_block_the_others(self, store: SqliteStore, path: Path) -> None:
        strange = '{"kind":"created","plan":{},"surprise":"secret"}'
        raw(
            path,
            "INSERT INTO rollouts (id, service, environment, status, rev, heard, wake, fold, state)"
            " VALUES ('odd', 'shop', 'production', 'running', 1, 0, 0, 1, '{}')",
            f"INSERT INTO events (rollout, number, body) VALUES ('odd', 1, '{strange}')",
        )
        begin(store)
        assert run(store.claim("w1", NOW, SECOND, 1)) == []
        [(held, _)] = run(store.claim("w1", NOW, SECOND, 1))
        assert held.rollout == "shop-1"
        with refused("store.unreadable") as problems:
            run(store.rollout("odd"))
        assert "secret" not in str(problems)


class TestTrouble:
    def test_a_folder_in_its_place(self, path: Path) -> None:
        path.mkdir(parents=True)
        with refused("store.not-a-file"):
            SqliteStore.open(path)

    def test_a_file_in_the_folders_place(self, path: Path) -> None:
        path.parent.write_text("")
        with refused("store.cannot-open"):
            SqliteStore.open(path)

    def test_something_else_in_its_place(self, path: Path) -> None:
        path.parent.mkdir()
        path.write_text("not a database " * 100)
        with refused("store.corrupt"):
            SqliteStore.open(path)
        assert path.read_text() == "not a database " * 100

    @pytest.mark.parametrize("statement", ["CREATE TABLE theirs (x)", "PRAGMA application_id = 7"])
    def test_another_programs_database(self, path: Path, statement: str) -> None:
        path.parent.mkdir()
        raw(path, statement)
        before = path.read_bytes()
        with refused("store.corrupt"):
            SqliteStore.open(path)
        assert path.read_bytes() == before

    def test_damage_inside(self, path: Path) -> None:
        store = SqliteStore.open(path)
        for number in range(20):
            begin(store, f"shop-{number}")
        run(store.close())
        with closing(sqlite3.connect(path)) as looking:
            [(page,)] = looking.execute("SELECT rootpage FROM sqlite_master WHERE name = 'rollouts'").fetchall()
        with path.open("r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\xa5" * 4096)
        store = SqliteStore.open(path)
        with refused("store.corrupt"):
            run(store.rollouts())
        with refused("store.corrupt"):
            begin(store, "shop-new")
        run(store.close())

    def test_damaged_telemetry_is_set_aside(self, path: Path) -> None:
        store = SqliteStore.open(path)
        state = begin(store)
        run(store.close())
        telemetry_of(path).write_bytes(b"\xa5" * 9999)
        store = SqliteStore.open(path)
        assert run(store.rollout("shop-1")) == state
        run(store.record("shop-1", 1, make_snapshot()))
        assert len(run(store.snapshots("shop-1"))) == 1
        run(store.close())
        assert (path.parent / "pilotage-telemetry.db.damaged").read_bytes() == b"\xa5" * 9999

    def test_locked_for_too_long(self, store: SqliteStore, path: Path) -> None:
        state = begin(store)
        store._history.patience = 0.2
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        turns = 0

        async def ticking() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async def meanwhile() -> None:
            ticker = asyncio.create_task(ticking())
            try:
                await store.commit(note(state))
            finally:
                ticker.cancel()

        with refused("store.busy"):
            run(meanwhile())
        assert turns > 1, "the event loop stood still"
        assert run(store.rollout("shop-1")) == state
        other.execute("ROLLBACK")
        other.close()
        run(store.commit(note(state)))

    def test_a_lock_that_is_given_up_in_time(self, store: SqliteStore, path: Path) -> None:
        state = begin(store)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        async def let_go() -> None:
            other.execute("ROLLBACK")

        async def both() -> None:
            await asyncio.gather(store.commit(note(state)), let_go())

        run(both())
        other.close()
        assert run(store.rollout("shop-1")).events == 2

    @pytest.mark.parametrize("how", ["removed", "replaced"])
    def test_taken_away_while_in_use(self, store: SqliteStore, path: Path, how: str) -> None:
        state = begin(store)
        path.rename(path.with_name("elsewhere.db"))
        if how == "replaced":
            shutil.copy(path.with_name("elsewhere.db"), path)
        with refused("store.gone"):
            run(store.commit(note(state)))

    def test_use_after_closing(self, path: Path) -> None:
        store = SqliteStore.open(path)
        run(store.close())
        with refused("store.failed"):
            run(store.rollouts())


class TestFull:
    def test_it_goes_on_when_there_is_room_again(self, store: SqliteStore, path: Path) -> None:
        state = begin(store)
        connection = store._history._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        for _ in range(3):
            with refused("store.full"):
                run(store.commit(note(state, size=50_000)))
        assert run(store.rollout("shop-1")) == state
        assert run(store.events("shop-1", 1)) == ()
        connection.execute("PRAGMA max_page_count = 100000")
        run(store.commit(note(state, size=50_000)))
        run(store.close())
        check_whole(path)


class TestReadOnly:
    def test_a_file_that_may_not_be_written(self) -> None:
        with folder_for_somebody() as folder:
            path = folder / "pilotage.db"
            store = SqliteStore.open(path)
            state = begin(store)
            run(store.close())
            for file in folder.iterdir():
                file.chmod(0o444)
            folder.chmod(0o777)
            with without_privileges(), refused("store.read-only"):
                store = SqliteStore.open(path)
                run(store.commit(note(state)))

    def test_a_folder_that_may_not_be_written(self) -> None:
        with folder_for_somebody() as folder:
            path = folder / "pilotage.db"
            run(SqliteStore.open(path).close())
            for file in folder.iterdir():
                file.chmod(0o666)
            folder.chmod(0o555)
            with without_privileges(), refused("store.read-only"):
                SqliteStore.open(path)

    def test_a_place_where_nothing_may_be_made(self) -> None:
        with folder_for_somebody() as folder:
            folder.chmod(0o555)
            with without_privileges(), refused("store.read-only"):
                SqliteStore.open(folder / "deeper" / "pilotage.db")

    def test_a_file_that_may_not_be_read(self) -> None:
        with folder_for_somebody() as folder:
            path = folder / "pilotage.db"
            run(SqliteStore.open(path).close())
            path.chmod(0o000)
            with without_privileges(), refused("store.cannot-open"):
                SqliteStore.open(path)


def test_a_finished_rollout_leaves_nothing_to_look_at(store: SqliteStore) -> None:
    state = begin(store)
    run(store.commit(make_change(state, make_finished())))
    assert run(store.claim("w1", at(10**6), SECOND, 10)) == []

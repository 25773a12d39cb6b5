"""Backups: everything out of one store and into another, all or nothing, while others work."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import resource
import shlex
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from desk import begin, check_whole, refused, run

from databases import Databases
from factories import (
    NOW,
    SECOND,
    at,
    make_change,
    make_created,
    make_environment,
    make_finished,
    make_glance,
    make_snapshot,
    make_statement,
)
from pilotage.cli.main import main
from pilotage.core import events as e
from pilotage.core.keeping import TABLES
from pilotage.core.readiness import Tick
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.store.postgresql.store import PostgresStore
from pilotage.store.sqlite import SqliteStore
from pilotage.usecases import backing_up

KEPT = Path(__file__).parent / "backups"
Made = SqliteStore | PostgresStore
Maker = Callable[[str], Made]


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Callable[[str], SqliteStore]]:
    made: list[SqliteStore] = []

    def make(name: str) -> SqliteStore:
        made.append(SqliteStore.open(tmp_path / name / "pilotage.db"))
        return made[-1]

    yield make
    for store in made:
        run(store.close())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "all.backup"


async def fill(store: Made) -> None:
    """Something of everything: an ended rollout, one under way with a lease and an order, telemetry, ticks."""
    for id in ("shop-2", "shop-1"):
        await store.commit(make_change(id, make_created()))
    first = await store.rollout("shop-2")
    known = make_environment(rollouts=2, holder="shop-1")
    await store.commit(make_change(first, make_finished()), environment=known)
    await store.claim("w1", NOW, SECOND, 10)
    await store.send("shop-1", e.Order.PAUSE, "Zoë", at(2), reason="lunch ☕", key="k")
    for number in range(1, 4):
        await store.record("shop-1", number, make_snapshot(number))
    await store.checkpoint("shop-1", 3, {"level": float("inf"), "of": [1, None]})
    await store.put_glance("shop-1", make_glance())
    await store.record("shop-2", 1, make_snapshot(1))
    await store.forget("shop-2", at(70))
    await store.tick(Tick(plan="sha256:1", step="backup", by="ada", at=NOW))
    await store.attest(make_statement())


def all_of(store: Made) -> list[Any]:
    return list(store.everything())


def same_record(one: Made, other: Made) -> None:
    async def look(store: Made) -> list[Any]:
        ids = [state.id for state in await store.rollouts(limit=1000)]
        return [
            await store.rollouts(limit=1000),
            await store.environments(),
            await store.ticks("sha256:1"),
            await store.statements("shop"),
            [
                (
                    await store.events(id),
                    await store.messages(id, 0),
                    await store.snapshots(id),
                    await store.last_checkpoint(id),
                    await store.glance(id),
                )
                for id in ids
            ],
        ]

    async def both() -> None:
        assert await look(one) == await look(other)

    asyncio.run(both())


def test_out_and_in_again(sqlite: Callable[[str], SqliteStore], file: Path, tmp_path: Path) -> None:
    old, new = sqlite("old"), sqlite("new")
    run(fill(old))
    counts = backing_up.write(old.everything(), file, NOW)
    assert counts.keys() == TABLES.keys(), "something of everything"
    found = backing_up.check(file)
    assert (found.rollouts, found.unfinished, found.rows) == (2, ("shop-1",), counts)
    run(new.put_everything(lambda: backing_up.rows_of(file), replace=False))
    assert all_of(new) == all_of(old)
    same_record(old, new)
    [(held, state)] = run(new.claim("w2", NOW, SECOND, 10))
    assert (held.owner, state.id) == ("w2", "shop-1"), "nobody's, and due"
    check_whole(tmp_path / "new" / "pilotage.db")


def test_history_is_guarded_again_after_it_was_replaced(
    sqlite: Callable[[str], SqliteStore], file: Path
) -> None:
    old, new = sqlite("old"), sqlite("new")
    run(fill(old))
    begin(new, "other-1")
    backing_up.write(old.everything(), file, NOW)
    with pytest.raises(PilotageError) as caught:
        run(new.put_everything(lambda: backing_up.rows_of(file), replace=False))
    assert caught.value.problems[0].code == "store.not-empty"
    assert [state.id for state in run(new.rollouts())] == ["other-1"]
    run(new.put_everything(lambda: backing_up.rows_of(file), replace=True))
    assert all_of(new) == all_of(old)
    with pytest.raises(sqlite3.IntegrityError, match="history is never"):
        new._history._connection.execute("DELETE FROM events")
    with pytest.raises(sqlite3.IntegrityError, match="history is never"):
        new._history._connection.execute("DELETE FROM ticks")
    with pytest.raises(sqlite3.IntegrityError, match="history is never"):
        new._history._connection.execute("DELETE FROM statements")


def test_it_is_of_one_moment_while_others_write(sqlite: Callable[[str], SqliteStore]) -> None:
    store = sqlite("old")
    run(fill(store))
    before = all_of(store)
    rows = store.everything()
    taken = [next(rows)]
    begin(store, "shop-9")
    history = {"events", "messages", "environments", "ticks", "statements"}
    taken += list(rows)
    assert [row for row in taken if row.table in history] == [row for row in before if row.table in history]


def test_every_table_is_in_a_backup_or_left_out_on_purpose(sqlite: Callable[[str], SqliteStore]) -> None:
    store, found = sqlite("one"), set[str]()
    for database in (store._history, store._telemetry):
        rows = database._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        found |= {name for (name,) in rows}
    made_again = {"rollouts"}
    assert found == TABLES.keys() | made_again


def outcome(file: Path) -> tuple[backing_up.Contents | None, Problem | None]:
    try:
        return backing_up.check(file), None
    except PilotageError as error:
        return None, error.problems[0]


@pytest.mark.parametrize("kept", sorted(KEPT.iterdir()), ids=lambda path: path.stem)
def test_backups_of_earlier_versions_are_put_back(
    sqlite: Callable[[str], SqliteStore], kept: Path, tmp_path: Path
) -> None:
    """``pilotage backup`` of what ``fill`` makes; each release adds its own, and none is ever changed."""
    found = backing_up.check(kept)
    new = sqlite("new")
    run(new.put_everything(lambda: backing_up.rows_of(kept), replace=False))
    assert all_of(new) == list(backing_up.rows_of(kept))
    assert [state.id for state in run(new.rollouts(unfinished=True))] == list(found.unfinished) == ["shop-1"]
    check_whole(tmp_path / "new" / "pilotage.db")


@pytest.mark.skipif("PILOTAGE_KEEP_BACKUP" not in os.environ, reason="writes the backup of today")
def test_keep_the_backup_of_today(sqlite: Callable[[str], SqliteStore]) -> None:
    store = sqlite("old")
    run(fill(store))
    backing_up.write(store.everything(), KEPT / f"{os.environ['PILOTAGE_KEEP_BACKUP']}.backup", NOW)


class TestBroken:
    @pytest.fixture
    def whole(self, sqlite: Callable[[str], SqliteStore], file: Path) -> bytes:
        store = sqlite("old")
        run(fill(store))
        backing_up.write(store.everything(), file, NOW)
        return file.read_bytes()

    def test_any_byte_that_is_missing_or_another(self, whole: bytes, file: Path) -> None:
        good = backing_up.check(file)
        for place in range(0, len(whole), 41):
            for broken in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]):
                file.write_bytes(broken)
                found, problem = outcome(file)
                if problem is None:
                    assert found == good, "a byte that means nothing"
                else:
                    assert problem.code in ("backup.damaged", "backup.foreign")
                    assert problem.mend

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda lines: [*lines[:1], *lines[2:]], "backup.damaged"),
            (lambda lines: lines[:-1], "backup.damaged"),
            (lambda lines: [*lines, lines[-1]], "backup.damaged"),
            (lambda lines: [lines[0].replace('"version":1', '"version":2'), *lines[1:]], "backup.newer"),
            (lambda lines: ["[]", *lines], "backup.foreign"),
            (lambda lines: [], "backup.damaged"),
        ],
    )
    def test_lines_that_are_not_as_written(
        self, whole: bytes, file: Path, change: Callable[[list[str]], list[str]], code: str
    ) -> None:
        lines = gzip.decompress(whole).decode().splitlines()
        file.write_bytes(gzip.compress("".join(line + "\n" for line in change(lines)).encode()))
        with pytest.raises(PilotageError) as caught:
            backing_up.check(file)
        assert caught.value.problems[0].code == code

    @pytest.mark.parametrize("how", ["unknown event", "missing event", "another plan"])
    def test_a_history_that_can_not_be_folded(
        self, sqlite: Callable[[str], SqliteStore], whole: bytes, file: Path, tmp_path: Path, how: str
    ) -> None:
        """Whoever wrote it, sums and all: a history is folded before anything is changed."""
        rows = list(backing_up.rows_of(file))
        place = next(i for i, row in enumerate(rows) if row.values[1] == 2)
        id = rows[place].values[0]
        if how == "unknown event":
            rows[place] = rows[place]._replace(values=(id, 2, '{"kind":"of-the-future"}'))
        elif how == "missing event":
            del rows[place - 1]
        else:
            first = json.loads(str(rows[place - 1].values[2]))
            first["plan"]["instances"] = 77
            rows[place - 1] = rows[place - 1]._replace(values=(id, 1, json.dumps(first)))
        other = tmp_path / "other.backup"
        backing_up.write(iter(rows), other, NOW)
        with pytest.raises(PilotageError) as caught:
            backing_up.check(other)
        assert caught.value.problems[0].code == "backup.unreadable"
        new = sqlite("new")
        with pytest.raises(ValueError):  # noqa: PT011 - what the check before it tells in words
            run(new.put_everything(lambda: backing_up.rows_of(other), replace=False))
        assert run(new.rollouts()) == []

    def test_no_room_for_the_file(self, sqlite: Callable[[str], SqliteStore], tmp_path: Path) -> None:
        store = sqlite("full")
        run(fill(store))
        old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
        try:
            with pytest.raises(PilotageError) as caught:
                backing_up.write(store.everything(), tmp_path / "b", NOW)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, old)
        assert caught.value.problems[0].code == "backup.unwritable"
        assert not list(tmp_path.glob("b*"))

    def test_no_room_for_the_state(
        self, sqlite: Callable[[str], SqliteStore], whole: bytes, file: Path, tmp_path: Path
    ) -> None:
        new = sqlite("new")
        state = begin(new, "other-1")
        connection = new._history._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with refused("store.full"):
            run(new.put_everything(lambda: backing_up.rows_of(file), replace=True))
        connection.execute("PRAGMA max_page_count = 100000")
        assert run(new.rollouts()) == [state]
        check_whole(tmp_path / "new" / "pilotage.db")


class TestCommands:
    @pytest.fixture(autouse=True)
    def _alone(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("PILOTAGE_STATE", raising=False)

    def test_back_up_and_restore(
        self, sqlite: Callable[[str], SqliteStore], capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        old = sqlite("old")
        run(fill(old))
        assert main(["backup", "b", "--state", "old", "--json"]) == ExitCode.DONE
        assert json.loads(capsys.readouterr().out)["rows"]["snapshots"] == 3
        assert main(["backup", "b", "--state", "old"]) == ExitCode.FAILED, "no backup is overwritten"
        assert main(["restore", "b", "--state", "new", "--check"]) == ExitCode.DONE
        assert not (tmp_path / "new").exists()
        capsys.readouterr()
        assert main(["restore", "b", "--state", "new"]) == ExitCode.DONE
        assert "shop-1 is unfinished" in capsys.readouterr().out
        assert all_of(sqlite("new")) == all_of(old)
        assert main(["restore", "b", "--state", "new"]) == ExitCode.BLOCKED
        assert main(["restore", "b", "--state", "new", "--replace"]) == ExitCode.USAGE
        capsys.readouterr()
        assert main(["restore", "b", "--state", "new", "--replace", "--yes", "--json"]) == ExitCode.DONE
        kept = Path(json.loads(capsys.readouterr().out)["replaced"])
        assert backing_up.check(kept).rollouts == 2

    def test_the_example_of_the_documentation(
        self, sqlite: Callable[[str], SqliteStore], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """docs/backup.md, line by line."""
        text = (Path(__file__).parents[2] / "docs" / "backup.md").read_text()
        lines = re.findall(r"^pilotage (.+)$", text, re.MULTILINE)
        assert len(lines) == 4
        old = sqlite(".pilotage")
        run(fill(old))
        monkeypatch.setenv("PILOTAGE_STATE", ".pilotage")
        for line in lines:
            assert main(shlex.split(line, comments=True)) == ExitCode.DONE
        assert all_of(sqlite("moved")) == all_of(old)

    def test_not_while_a_worker_works(self, sqlite: Callable[[str], SqliteStore], tmp_path: Path) -> None:
        from pilotage.adapters.background import only_worker

        old = sqlite("old")
        run(fill(old))
        main(["backup", "b", "--state", "old"])
        sqlite("new")
        with only_worker(tmp_path / "new"):
            assert main(["restore", "b", "--state", "new"]) == ExitCode.BLOCKED
        assert run(sqlite("new").rollouts()) == []

    def test_a_broken_one_makes_no_state(self, tmp_path: Path) -> None:
        (tmp_path / "b").write_bytes(b"not a backup")
        assert main(["restore", "b", "--state", "new"]) == ExitCode.FAILED
        assert main(["restore", "nowhere", "--state", "new"]) == ExitCode.FAILED
        assert not (tmp_path / "new").exists()


@pytest.mark.real
class TestPostgresql:
    def test_from_sqlite_and_back(
        self, sqlite: Callable[[str], SqliteStore], databases: Databases, file: Path, tmp_path: Path
    ) -> None:
        old, server = sqlite("old"), databases.emptied()
        run(fill(old))
        backing_up.write(old.everything(), file, NOW)

        async def through() -> list[Any]:
            there = PostgresStore.open(server)
            await there.put_everything(lambda: backing_up.rows_of(file), replace=False)
            with pytest.raises(PilotageError) as caught:
                await there.put_everything(lambda: backing_up.rows_of(file), replace=False)
            assert caught.value.problems[0].code == "store.not-empty"
            await there.put_everything(lambda: backing_up.rows_of(file), replace=True)
            [(_, state)] = await there.claim("w2", NOW, SECOND, 10)
            assert state == await old.rollout("shop-1")
            rows = there.everything()
            taken = [next(rows)]
            await there.send("shop-1", e.Order.RESUME, "ada", NOW)
            taken += list(rows)
            await there.close()
            return taken

        taken = run(through())
        assert taken == all_of(old), "as of the moment at which it began"
        with (
            psycopg.connect(server.conninfo("tests")) as connection,
            pytest.raises(psycopg.Error, match="history"),
        ):
            connection.execute("DELETE FROM events")
        back, second = sqlite("back"), tmp_path / "second"
        backing_up.write(iter(taken), second, NOW)
        run(back.put_everything(lambda: backing_up.rows_of(second), replace=False))
        same_record(old, back)

    def test_what_fails_changes_nothing(self, databases: Databases) -> None:
        server = databases.emptied()

        async def story() -> None:
            there = PostgresStore.open(server)
            await fill(there)
            before = all_of(there)

            def broken() -> Iterator[Any]:
                yield from before[:3]
                raise OSError("the disk went away")

            with pytest.raises(OSError, match="went away"):
                await there.put_everything(broken, replace=True)
            assert all_of(there) == before
            await there.close()

        run(story())

    def test_every_table_is_in_a_backup_or_left_out_on_purpose(self, databases: Databases) -> None:
        server = databases.emptied()
        with psycopg.connect(server.conninfo("tests")) as connection:
            rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'pilotage'")
            found = {name for (name,) in rows}
        assert found == TABLES.keys() | {"rollouts", "versions", "clock", "workers"}

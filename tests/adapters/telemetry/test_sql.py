"""Counts by a query: what is bound, what is refused, what is left out. SQLite and a real PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from documented import example
from postgresql_bench import PostgreSql
from telemetry_stage import SECRET, WATCHED, run, says, sees, site, watched

from pilotage.adapters.telemetry.sql import statement
from pilotage.adapters.telemetry.sql.source import SqlSource
from pilotage.core.telemetry import Arm, Reading, Watched
from pilotage.ports import TelemetryError

QUERY = "select count(*) as orders, sum(value) as revenue from orders where version = :version"
TABLE = "create table orders (version text, value double precision)"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    with PostgreSql(SECRET) as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    if request.param == "sqlite":
        return SqliteShop(tmp_path)
    running: PostgreSql = request.getfixturevalue("server")
    monkeypatch.setenv("SHOP_DATABASE", running.words)
    return PostgreSqlShop(tmp_path, running)


class Shop:
    """A database with a table of orders."""

    where: dict[str, Any]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def do(self, *statements: str) -> None:
        raise NotImplementedError

    def source(self, **settings: Any) -> SqlSource:
        columns = {"counters": ["orders"], "gauges": [], "query": QUERY, "interval": "0s"}
        chosen = {**self.where, **columns, **settings}
        assert SqlSource.check_settings(chosen) == []
        return SqlSource(site(self.folder, chosen))

    def read(self, *, of: Watched = WATCHED, **settings: Any) -> Reading:
        """One look by a fresh source."""
        seen: list[Reading] = []

        async def story() -> None:
            seen.append(await self.source(**settings).read(of))

        run(story)
        return seen[0]

    def refusal(self, **settings: Any) -> str:
        with pytest.raises(TelemetryError) as caught:
            self.read(**settings)
        words = f"{caught.value.problems[0].what}: {caught.value.problems[0].why}"
        assert caught.value.problems[0].code == "telemetry.no-answer"
        assert SECRET not in repr(caught.value.problems)
        return words


class SqliteShop(Shop):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.file = folder / "the shop?#1.db"
        self.where = {"sqlite": str(self.file)}
        self.do(TABLE)

    def do(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.file)) as database, database:
            for one in statements:
                database.execute(one)


class PostgreSqlShop(Shop):
    def __init__(self, folder: Path, server: PostgreSql) -> None:
        super().__init__(folder)
        self.where = {"postgresql": {"env": "SHOP_DATABASE"}}
        self.server = server
        self.do("drop table if exists orders", TABLE)

    def do(self, *statements: str) -> None:
        self.server.run(*statements)


def known(arm: Arm | None) -> dict[str, Any]:
    return {} if arm is None else arm.model_dump(exclude_none=True)


def test_rows_are_counted_and_deleted_rows_are_no_restart(shop: Shop) -> None:
    shop.do("insert into orders values ('1.0', 5), ('1.0', 7), ('2.0', 3)")

    async def story() -> None:
        source = shop.source(counters=["orders", "revenue"])
        first = await source.read(WATCHED)
        assert known(first.old) == {"orders": 2, "revenue": 12}
        assert known(first.new) == {"orders": 1, "revenue": 3}
        assert first.notes == ()
        shop.do("delete from orders where value = 5")
        fallen = await source.read(WATCHED)
        assert known(fallen.old) == {"orders": 2, "revenue": 12}
        assert says(fallen, "fell")
        shop.do("insert into orders values ('1.0', 1)")
        later = await source.read(WATCHED)
        assert known(later.old) == {"orders": 3, "revenue": 13}
        assert later.epoch == first.epoch
        await source.close()

    run(story)


@pytest.mark.parametrize("version", ["1'; drop table orders; --", '1" or "1"="1', ":version", "%s", "é\\"])
def test_values_are_bound(shop: Shop, version: str) -> None:
    shop.do(f"insert into orders values ('{version.replace(chr(39), chr(39) * 2)}', 1), ('1', 1), ('2', 1)")
    assert known(shop.read(of=watched("2", version)).old) == {"orders": 1}
    assert known(shop.read(of=watched("2", "' or '1' = '1")).old) == {"orders": 0}


def test_one_row_for_each_version(shop: Shop) -> None:
    shop.do("insert into orders values ('1.0', 5), ('1.0', 7), ('2.0', 3), ('0.9', 3)")
    query = "select version, count(*) as orders from orders group by version"
    seen = shop.read(query=query, version_column="version")
    assert (known(seen.old), known(seen.new)) == ({"orders": 2}, {"orders": 1})
    lost = shop.read(query=query, version_column="release")
    assert (lost.old, lost.new) == (None, None)
    assert says(lost, "no column release")


def test_two_rows_where_one_was_meant_are_not_known(shop: Shop) -> None:
    shop.do("insert into orders values ('1.0', 5), ('1.0', 7), ('2.0', 3)")
    seen = shop.read(query="select value as orders from orders where version = :version")
    assert (known(seen.old), known(seen.new)) == ({}, {"orders": 3})
    assert says(seen, "more than one row")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("'many' as orders", "no number"),
        ("-1 as orders", "no count"),
        ("1e300 as orders", "no count"),
        ("1 as other", "no column orders"),
        ("1 as orders, 2 as orders", "two columns"),
        ("null as orders", ""),
    ],
)
def test_what_is_no_count_is_left_out_and_said(shop: Shop, columns: str, words: str) -> None:
    seen = shop.read(query=f"select {columns} where :version = '1.0'")
    assert known(seen.old) == {}
    assert says(seen, words) or words == ""


def test_a_row_that_is_not_there_is_not_known_and_spanned(shop: Shop) -> None:
    query = "select value as orders from orders where version = :version"

    async def story() -> None:
        source = shop.source(query=query)
        shop.do("insert into orders values ('1.0', 5)")
        assert known((await source.read(WATCHED)).old) == {"orders": 5}
        shop.do("delete from orders")
        gone = await source.read(WATCHED)
        assert known(gone.old) == {}
        assert says(gone, "stale")
        shop.do("insert into orders values ('1.0', 8)")
        assert known((await source.read(WATCHED)).old) == {"orders": 8}
        await source.close()

    run(story)


@pytest.mark.parametrize(
    "query",
    [
        "delete from orders where version = :version",
        "insert into orders values (:version, 1)",
        "drop table orders -- :version\n",
        "select 1 as orders where :version = ''; delete from orders",
        "commit; delete from orders; select :version",
    ],
)
def test_nothing_can_be_written(shop: Shop, query: str) -> None:
    shop.do("insert into orders values ('1.0', 5)")
    shop.refusal(query=query, version_column="version")
    assert known(shop.read().old) == {"orders": 1}


def test_no_other_file_is_touched(tmp_path: Path) -> None:
    shop, other = SqliteShop(tmp_path), tmp_path / "other.db"
    shop.refusal(query=f"attach '{other}' as other -- :version\n", version_column="version")
    assert not other.exists()


def test_a_query_that_takes_too_long_is_ended(shop: Shop) -> None:
    endless = (
        "with recursive n(i) as (select 1 union all select i + 1 from n where :version <> '') "
        "select count(*) as orders from n"
    )
    shop.refusal(query=endless, timeout="300ms")


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    shop = SqliteShop(tmp_path)
    shop.where = {"sqlite": str(tmp_path / "none.db")}
    assert "unable to open" in shop.refusal()
    assert not (tmp_path / "none.db").exists()


@pytest.mark.real
@pytest.mark.parametrize(
    "words",
    [
        "host=127.0.0.1 port={port} user=keeper dbname=postgres password=" + SECRET + "-wrong",
        "postgresql://keeper:" + SECRET + "x@127.0.0.1:{port}/none",
        "host=127.0.0.1 port=1 password=" + SECRET,
        "host=127.0.0.1 " + SECRET,
        "postgresql://keeper:" + SECRET + "@[::1",
    ],
)
def test_a_password_is_in_no_words(
    server: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    shop = PostgreSqlShop(tmp_path, server)
    monkeypatch.setenv("SHOP_DATABASE", words.replace("{port}", str(server.port)))
    shop.refusal()


@pytest.mark.real
def test_the_statement_is_ended_in_the_server_too(
    server: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATABASE", server.words)
    shop = PostgreSqlShop(tmp_path, server)
    shop.refusal(query="select pg_sleep(600), :version as orders", timeout="300ms")
    running = (
        "select count(*)::int as orders from pg_stat_activity where query like '%pg_sleep(6%' and :version > ''"
    )

    async def story() -> None:
        # The one that asks finds itself.
        await sees(shop.source(query=running), lambda r: known(r.old)["orders"] <= 1)

    run(story)


@pytest.mark.parametrize(
    ("query", "written", "parameters"),
    [
        ("select :version", "select %(version)s", {"version"}),
        ("select a::text, ':version', \":version\"", "select a::text, ':version', \":version\"", set()),
        ("select 5 % 2, 'a%' -- :version", "select 5 %% 2, 'a%%' -- :version", set()),
        (
            "/* :version */ select $$:version$$, :release",
            "/* :version */ select $$:version$$, %(release)s",
            {"release"},
        ),
        ("select $a$:version$b$ $a$, 'it''s :version'", "select $a$:version$b$ $a$, 'it''s :version'", set()),
        ("select :versions, :service", "select :versions, %(service)s", {"service"}),
    ],
)
def test_parameters_are_found_only_where_they_are_meant(query: str, written: str, parameters: set[str]) -> None:
    assert statement.for_psycopg(query) == written
    assert statement.parameters(query) == parameters


SOUND = {"sqlite": "/shop.db", "query": QUERY, "counters": ["orders"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sqlite": "shop.db"}, "sqlite"),
        ({"sqlite": None}, "exactly one of sqlite and postgresql"),
        ({"postgresql": "dbname=shop"}, "exactly one of sqlite and postgresql"),
        ({"sqlite": None, "postgresql": f"dbname=shop password = {SECRET}"}, "keep the whole in a variable"),
        ({"sqlite": None, "postgresql": f"postgresql://a:{SECRET}@b/c"}, "keep the whole in a variable"),
        ({"query": " "}, "it is empty"),
        ({"query": "select ':version'"}, "tells no versions apart"),
        ({"counters": []}, "name the columns"),
        ({"gauges": ["orders"]}, "named twice"),
        ({"counters": ["shards"]}, "are no columns"),
        ({"timeout": "30s"}, "timeout is from"),
        ({"querry": "x"}, "did you mean `query`"),
    ],
)
def test_settings_that_can_not_be_used(change: dict[str, Any], words: str) -> None:
    assert SqlSource.check_settings(SOUND) == []
    problems = SqlSource.check_settings({**SOUND, **change})
    told = " ".join(f"{one.what} {one.why} {one.mend}" for one in problems)
    assert words in told
    assert SECRET not in told


@pytest.mark.parametrize("number", [0, pytest.param(1, marks=pytest.mark.real)])
def test_the_examples_of_the_page_work(
    number: int, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = example("sql.md", number)
    shop: Shop = SqliteShop(tmp_path)
    if number:
        running = request.getfixturevalue("server")
        monkeypatch.setenv("SHOP_DATABASE", running.words)
        shop = PostgreSqlShop(tmp_path, running)
    shop.do("drop table orders", "create table orders (version text, paid integer, value integer)")
    shop.do("insert into orders values ('1.0', 1, 5), ('1.0', 0, 7), ('2.0', 1, 3)")
    where = {} if number else shop.where
    seen = shop.read(**settings | where)
    assert (known(seen.old), known(seen.new)) == ({"orders": 2, "paid": 1}, {"orders": 1, "paid": 1})

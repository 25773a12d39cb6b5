"""A column is replaced by another while users read and write it: expanded, filled, contracted, taken back."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_database import EXPANDED, FILLED, FIRST, LAST, WAYS, Postgresql, Sqlite, ends, keep_customers
from fault_processes import kill
from fault_record import sound
from fault_shop import Shop
from fault_users import Users

from pilotage.core import events as e
from pilotage.core.hooks import Outcome
from pilotage.core.state import Status

sys.path.insert(0, str(Path(__file__).parents[1] / "adapters" / "telemetry"))
sys.path.insert(0, str(Path(__file__).parents[1] / "contracts"))

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-database")]

UNJUDGED = {"method": "rolling", "drain": "1s", "keep_warm": "0s"}
PASSWORD = "of-the-keeper-only"


@pytest.fixture(scope="module")
def server() -> Iterator[object]:
    from postgresql_bench import PostgreSql

    with PostgreSql(PASSWORD) as running:
        yield running


@pytest.fixture(params=["sqlite-dbmate", "postgresql-alembic"])
def kept(request: pytest.FixtureRequest, shop: Shop) -> tuple[str, Sqlite | Postgresql]:
    """The tool and the database; 1.0 is live."""
    kind, tool = request.param.split("-")
    return tool, begin(shop, tool, request.getfixturevalue("server") if kind == "postgresql" else None)


def begin(shop: Shop, tool: str, server: object | None) -> Sqlite | Postgresql:
    database = Sqlite(shop) if server is None else Postgresql(server)
    if isinstance(database, Postgresql):
        database.server.run("DROP TABLE IF EXISTS customers, alembic_version, schema_migrations")
    keep_customers(shop, tool, database.urls[tool], database.address)
    shop.release("1.0")
    return database


def test_a_column_is_replaced_under_load_and_taken_back_at_each_phase(
    shop: Shop, kept: tuple[str, Sqlite | Postgresql]
) -> None:
    tool, database = kept
    shop.write(hold="5m")
    with Users(shop.listen, ways=WAYS) as users:
        # Expanded, half of the users see the new version: back.
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        assert database.columns() == {"id", "name", "full_name"}
        shop.order(rollout, e.Order.ROLLBACK)
        assert shop.until_final(rollout).status is Status.ROLLED_BACK, shop.told()
        assert database.columns() == {"id", "name"}

        # Everybody has it, all rows are filled, the old version is gone, a person is asked: back.
        shop.write(hold="1s")
        rollout = shop.begin("2.0")
        shop.until(lambda: shop.state_of(rollout).warm and shop.state_of(rollout).step.kind == "run")
        assert database.rows("SELECT count(*) FROM customers WHERE full_name IS NULL") == [(0,)]
        assert "promote" in shop.pilotage("why").out
        shop.order(rollout, e.Order.ROLLBACK)
        assert shop.until_final(rollout).status is Status.ROLLED_BACK, shop.told()
        assert database.columns() == {"id", "name"}
        assert shop.live() == "1.0"

        # To the end; and then there is no way back.
        rollout = shop.begin("2.0")
        shop.until(lambda: shop.state_of(rollout).warm and shop.state_of(rollout).step.kind == "run")
        shop.let_go_on(rollout)
        assert shop.until_final(rollout).status is Status.SUCCEEDED, shop.told()
        assert database.columns() == {"id", "full_name"}
        refused = shop.pilotage("rollback", "--yes", "--json")
        assert refused.problems == ["rollback.past-return"], refused
        assert "2.0" in refused.err
        users.once_around()
    assert not users.losses, users.told()
    assert users.answers["2.0"]
    sound(shop, rollout)
    assert ends(shop, rollout) == [
        (f"expand-{EXPANDED[tool]}", Outcome.DONE, EXPANDED[tool]),
        (f"migrate-{FILLED[tool]}", Outcome.DONE, FILLED[tool]),
        (f"restore-point-{LAST[tool]}", Outcome.DONE, None),
        (f"contract-{LAST[tool]}", Outcome.DONE, LAST[tool]),
    ]
    assert (shop.folder / "restore-point").read_text() == "all of it"
    secret = PASSWORD.encode()
    written = [
        p for p in shop.state.rglob("*") if p.is_file() and secret in p.read_bytes() and "env" not in p.name
    ]
    assert [p.name for p in written if "hooks" in p.parts or p.suffix in (".db", ".log")] == []


def test_a_database_that_was_changed_meanwhile_starts_nothing(shop: Shop) -> None:
    database = begin(shop, "dbmate", None)
    assert shop.pilotage("plan", "2.0").code == 0
    database.rows("SELECT 1")
    with sqlite3.connect(database.path) as direct:
        direct.execute("INSERT INTO schema_migrations VALUES ('20990101')")
    refused = shop.pilotage("release", "2.0", "--yes", "--json")
    assert refused.problems == ["database.unknown-revision"], refused
    assert shop.live() == "1.0"


def slow(shop: Shop, seconds: float) -> None:
    """The filling takes its time, within its transaction."""
    file = shop.folder / "migrations" / "2.0" / "20260103_fill_full_name.sql"
    file.write_text(
        file.read_text().replace("-- migrate:up\n", f"-- migrate:up\nSELECT pg_sleep({seconds});\n")
    )


def test_a_worker_killed_while_it_migrates_does_not_migrate_twice(shop: Shop, server: object) -> None:
    shop.manifest["strategy"] = UNJUDGED
    database = begin(shop, "dbmate", server)
    slow(shop, 2)
    rollout = shop.begin("2.0")
    shop.until(lambda: shop.processes("dbmate") and "20260103" in str(shop.state_of(rollout).step))
    shop.stop_workers()
    assert shop.processes("dbmate"), "it goes on without the worker"
    worker = shop.worker()
    shop.until(lambda: any(name == "migrate-20260103" for name, _, _ in ends(shop, rollout)))
    assert ends(shop, rollout)[-1] == ("migrate-20260103", Outcome.DONE, "20260103")
    assert not [x for x in shop.events(rollout) if isinstance(x, e.HookAgain)]
    shop.until(lambda: shop.state_of(rollout).warm and shop.state_of(rollout).step.kind == "run")
    shop.let_go_on(rollout)
    assert shop.until_final(rollout).status is Status.SUCCEEDED
    assert database.columns() == {"id", "full_name"}
    os.kill(worker.pid, signal.SIGTERM)
    worker.wait(20)


def test_when_all_goes_down_in_a_transaction_the_database_says_that_it_was_not_done(
    shop: Shop, server: object
) -> None:
    shop.manifest["strategy"] = UNJUDGED
    database = begin(shop, "dbmate", server)
    slow(shop, 2)
    rollout = shop.begin("2.0")
    shop.until(lambda: shop.processes("dbmate") and "20260103" in str(shop.state_of(rollout).step))
    kill(*shop.processes("pilotage.adapters.hooks"), *shop.processes("dbmate"))
    again = shop.until_event(rollout, e.HookAgain)
    assert (again.hook, again.attempt) == ("migrate-20260103", 2)
    shop.until(lambda: shop.state_of(rollout).warm and shop.state_of(rollout).step.kind == "run")
    assert database.rows("SELECT count(*) FROM schema_migrations WHERE version = '20260103'") == [(1,)]
    shop.order(rollout, e.Order.ROLLBACK)
    assert shop.until_final(rollout).status is Status.ROLLED_BACK
    assert database.columns() == {"id", "name"}
    assert database.rows("SELECT max(version) FROM schema_migrations") == [(FIRST["dbmate"],)]

"""A shop whose versions keep their customers in a database, as in examples/database."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from fault_shop import Shop

from pilotage.core import events as e
from pilotage.core.hooks import Outcome

EXAMPLE = Path(__file__).parents[2] / "examples" / "database"
WAYS = (("GET", "/customers"), ("POST", "/customers"), ("GET", "/customers"), ("GET", "/customers"))
FIRST = {"dbmate": "20260101", "alembic": "0001"}
EXPANDED = {"dbmate": "20260102", "alembic": "0002"}
FILLED = {"dbmate": "20260103", "alembic": "0003"}
LAST = {"dbmate": "20260104", "alembic": "0004"}


def keep_customers(shop: Shop, tool: str, url: str, address: str) -> None:
    """``url`` for the tool, ``address`` for the versions themselves."""
    for version in ("1.0", "2.0"):
        shutil.copy(EXAMPLE / "versions" / version / "app.py", shop.folder / "build" / version / "app.py")
    name = {"dbmate": "migrations", "alembic": "alembic"}[tool]
    shutil.copytree(EXAMPLE / name, shop.folder / name)
    shop.variables["DATABASE_URL"] = url
    shop.manifest["run"]["command"] = [sys.executable, "{root}/app.py"]
    (shop.folder / "address").write_text(address)
    shop.manifest["run"]["environment"] = {"VERSION": "{version}", "DATABASE_FILE": "{folder}/address"}
    shop.manifest["checks"] = ["/customers"]
    shop.manifest["database"] = {
        "tool": tool,
        "folder": name + "/{version}",
        "url": {"env": "DATABASE_URL"},
        "backup": [sys.executable, "-c", "open('restore-point', 'x').write('all of it'); print('saved')"],
    }
    shop.write()


class Sqlite:
    """A file beside the manifest."""

    def __init__(self, shop: Shop) -> None:
        self.path = shop.folder / "shop.db"
        self.urls = {"dbmate": f"sqlite:{self.path}", "alembic": f"sqlite:///{self.path}"}
        self.address = str(self.path)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, timeout=10)) as database:
            return database.execute(query).fetchall()

    def columns(self) -> set[str]:
        return {row[1] for row in self.rows("PRAGMA table_info(customers)")}


class Postgresql:
    """A real server, that a test has started."""

    def __init__(self, server: Any) -> None:
        self.server = server
        where = f"{server.password}@127.0.0.1:{server.port}/postgres"
        self.urls = {
            "dbmate": f"postgresql://keeper:{where}?sslmode=disable",
            "alembic": f"postgresql://keeper:{where}",
        }
        self.address = self.urls["alembic"]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(self.address) as database:
            return database.execute(query.encode()).fetchall()

    def columns(self) -> set[str]:
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'customers'"
        return {row[0] for row in self.rows(query)}


def ends(shop: Shop, rollout: str) -> list[tuple[str, Outcome, str | None]]:
    return [(x.hook, x.outcome, x.revision) for x in shop.events(rollout) if isinstance(x, e.HookEnded)]

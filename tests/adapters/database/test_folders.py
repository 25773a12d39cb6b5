"""The folders of the tools, as they are read; and where a database is, read from a real file."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pilotage.adapters.database.tool import ToolDatabase
from pilotage.core.database import BASE, DatabaseSpec, Phase
from pilotage.core.hooks import Reference
from pilotage.ports import DatabaseError

EXAMPLE = Path(__file__).parents[3] / "examples" / "database"


@pytest.fixture
def spec(tmp_path, monkeypatch):
    def made(tool: str, folder: Path, url: str = "") -> DatabaseSpec:
        monkeypatch.setenv(
            "SHOP_DATABASE", url or f"sqlite:{'//' if tool == 'alembic' else ''}/{tmp_path}/shop.db"
        )
        return DatabaseSpec(tool=tool, folder=str(folder), url=Reference(env="SHOP_DATABASE"))

    return made


def survey(spec: DatabaseSpec):
    return asyncio.run(ToolDatabase().survey(spec))


def code(spec: DatabaseSpec) -> tuple[str, int | None]:
    with pytest.raises(DatabaseError) as caught:
        survey(spec)
    (problem,) = caught.value.problems
    return problem.code, problem.where.line if problem.where else None


def test_dbmate_files_say_their_phase_and_whether_they_can_be_undone(spec):
    found = survey(spec("dbmate", EXAMPLE / "migrations" / "2.0"))
    assert [(one.phase, one.reversible, one.atomic) for one in found.revisions] == [
        (Phase.EXPAND, True, True),
        (Phase.EXPAND, True, True),
        (Phase.MIGRATE, True, True),
        (Phase.CONTRACT, False, True),
    ]
    assert found.dangers == ()
    assert len(found.files) == 4


def test_what_is_destructive_is_told_with_file_and_line(spec, tmp_path):
    (tmp_path / "1_a.sql").write_text(
        "-- migrate:up\nSELECT 1;\n\nALTER TABLE a DROP COLUMN b;\n-- migrate:down\n"
    )
    (danger,) = survey(spec("dbmate", tmp_path)).dangers
    assert danger.refused
    assert danger.problem.code == "database.destructive.drop-column"
    assert (danger.problem.where.line, danger.problem.where.text) == (4, "ALTER TABLE a DROP COLUMN b;")
    assert "contract" in danger.problem.mend


def test_what_a_person_has_reviewed_is_told_and_not_refused(spec, tmp_path):
    (tmp_path / "1_a.sql").write_text(
        "-- pilotage: expand reviewed\n-- migrate:up\nALTER TABLE a DROP COLUMN b;\n"
    )
    assert [one.refused for one in survey(spec("dbmate", tmp_path)).dangers] == [False]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("-- pilotage: contrct\n-- migrate:up\n", ("database.mark", 1)),
        ("\n-- pilotage: expand contract\n-- migrate:up\n", ("database.mark", 2)),
        ("-- pilotage: reversible, irreversible\n-- migrate:up\n", ("database.mark", 1)),
        ("SELECT 1;\n", ("database.no-up", 1)),
    ],
)
def test_a_file_that_can_not_be_meant_is_refused(spec, tmp_path, text, told):
    (tmp_path / "1_a.sql").write_text(text)
    assert code(spec("dbmate", tmp_path)) == told


def test_an_empty_folder_and_another_database_are_refused(spec, tmp_path):
    assert code(spec("dbmate", tmp_path)) == ("database.no-migrations", None)
    assert code(spec("alembic", tmp_path)) == ("database.no-migrations", None)
    assert code(spec("dbmate", tmp_path, "oracle://ada:secret@host/x")) == ("database.scheme", None)


def test_a_missing_address_is_told_by_its_name(spec, monkeypatch):
    made = spec("dbmate", EXAMPLE / "migrations" / "2.0")
    monkeypatch.delenv("SHOP_DATABASE")
    assert code(made) == ("database.secret", None)


@pytest.mark.real
def test_alembic_files_are_read_by_its_own_offline_mode(spec, tmp_path):
    import shutil

    folder = tmp_path / "alembic"
    shutil.copytree(EXAMPLE / "alembic" / "2.0", folder)
    version = folder / "versions" / "0002_add_full_name.py"
    version.write_text(
        version.read_text().replace(
            'sa.Column("full_name", sa.Text)', 'sa.Column("full_name", sa.Text, nullable=False)'
        )
    )
    found = survey(spec("alembic", folder, "postgresql://ada:lov3lace@127.0.0.1/shop"))
    assert [(one.id, one.phase) for one in found.revisions] == [
        ("0001", Phase.EXPAND),
        ("0002", Phase.EXPAND),
        ("0003", Phase.MIGRATE),
        ("0004", Phase.CONTRACT),
    ]
    (danger,) = found.dangers
    assert danger.problem.code == "database.destructive.not-null"
    assert "op.add_column" in danger.problem.where.text


def test_a_chain_with_a_fork_or_a_gap_is_refused(spec, tmp_path):
    import shutil

    folder = tmp_path / "alembic"
    shutil.copytree(EXAMPLE / "alembic" / "2.0", folder)
    version = folder / "versions" / "0003_fill_full_name.py"
    text = version.read_text()
    version.write_text(text.replace('down_revision = "0002"', 'down_revision = "0001"'))
    assert code(spec("alembic", folder))[0] == "database.chain"
    version.write_text(text.replace('down_revision = "0002"', 'down_revision = "0009"'))
    assert code(spec("alembic", folder))[0] == "database.chain"


def test_the_revision_is_read_from_the_database(spec, tmp_path):
    made = spec("dbmate", EXAMPLE / "migrations" / "2.0")

    def now() -> str:
        return asyncio.run(ToolDatabase().revision(made))

    assert now() == BASE
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("CREATE TABLE schema_migrations (version TEXT)")
    assert now() == BASE
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("INSERT INTO schema_migrations VALUES ('2'), ('1')")
    assert now() == "2"
    (tmp_path / "shop.db").write_text("no database at all" * 100)
    with pytest.raises(DatabaseError):
        now()

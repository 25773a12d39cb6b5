"""What starting costs, held by what is imported: no framework that a command does not use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pilotage import __version__

HEAVY = ("rich", "cyclopts", "pydantic", "httpx", "asyncio", "yaml", "sqlite3", "pilotage.wiring")


def imported_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )


def test_the_entry_point_imports_nothing() -> None:
    assert not imported_by("import pilotage.cli.main") & set(HEAVY)


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version_imports_nothing(flag: str) -> None:
    loaded = imported_by(f"from pilotage.cli.main import main; main([{flag!r}])")
    assert not loaded & set(HEAVY)
    assert {"pilotage", __version__} <= loaded


def test_help_imports_no_adapter() -> None:
    loaded = imported_by("from pilotage.cli.main import main; main(['plan', '--help'])")
    assert not loaded & {"pilotage.wiring", "httpx", "sqlite3", "yaml"}

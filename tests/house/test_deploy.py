"""What is in deploy/ is sound: systemd reads the unit, the compose file is one, both run a real command."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pilotage.cli.app import build
from pilotage.store.postgresql.server import Server

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "pilotage-worker.service").read_text()


def settings(name: str) -> list[str]:
    return [row.removeprefix(f"{name}=") for row in UNIT.splitlines() if row.startswith(f"{name}=")]


def is_a_worker(words: list[str]) -> bool:
    """Whether the command line is understood; nothing is run."""
    command, bound, _ = build().parse_args(words, exit_on_error=False, print_error=False)
    return command.__name__ == "worker" and bool(bound.arguments["environment"])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_has_nothing_to_say_about_the_unit(tmp_path: Path) -> None:
    [command] = settings("ExecStart")
    unit = tmp_path / "pilotage-worker.service"
    unit.write_text(UNIT.replace(shlex.split(command)[0], sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_runs_a_worker_and_kills_nothing_that_serves() -> None:
    [command] = settings("ExecStart")
    program, *words = shlex.split(command)
    assert program.endswith("/pilotage")
    assert is_a_worker(words)
    assert settings("KillMode") == ["process"]
    assert settings("Restart") == ["always"]


def test_the_unit_tells_no_password() -> None:
    name, uri = (DEPLOY / "worker.env").read_text().strip().split("=", 1)
    assert name == "PILOTAGE_STATE"
    assert not Server.of(uri).tells_password
    assert any(row.startswith("PGPASSFILE=") for row in settings("Environment"))


def test_the_compose_file_runs_workers_of_their_own_environments() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    services = yaml.safe_load(text)["services"]
    workers = {name: one for name, one in services.items() if one.get("command")}
    assert len(workers) == 2
    for name, one in workers.items():
        program, *words = one["command"]
        assert program == "pilotage"
        assert is_a_worker(words)
        assert words[-1] == name
        assert one["restart"] == "always"
        assert not Server.of(one["environment"]["PILOTAGE_STATE"]).tells_password
        assert set(one["depends_on"]) <= set(services)
    assert text.count("${PILOTAGE_PASSWORD:?") == 2

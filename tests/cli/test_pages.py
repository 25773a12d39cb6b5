"""The pages about the command line say what it does."""

from __future__ import annotations

import re
from pathlib import Path

from pilotage.cli.app import COMMANDS, build
from pilotage.cli.reference import commands_page
from pilotage.errors import ExitCode

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_commands_is_the_help() -> None:
    """python -m pilotage.cli.reference > docs/commands.md"""
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == commands_page()


def test_the_page_of_exit_codes_has_every_code() -> None:
    rows = re.findall(r"^\| (\d+) \| ([a-z-]+) \|", (DOCS / "exit-codes.md").read_text(), re.MULTILINE)
    assert {(int(code), name) for code, name in rows} == {
        (code.value, code.name.lower().replace("_", "-")) for code in ExitCode
    }


def test_every_command_says_what_it_is_in_one_line() -> None:
    app = build(whole=True)
    for name, _, _ in COMMANDS:
        first = app[name].help.strip().splitlines()[0]
        assert first.endswith("."), name
        assert len(first) <= 64, name

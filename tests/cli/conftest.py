"""``cli("release", "0.65.5")``: one command on the fake App; what it wrote, and its exit code."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.fake import FakeApp
from pilotage import wiring
from pilotage.cli import steer, watching
from pilotage.cli.main import main
from pilotage.cli.terminal import Terminal


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeApp:
    """The App that commands open; no terminal, nothing of this machine."""
    fake = FakeApp()
    monkeypatch.setattr(wiring, "open_app", lambda file, state, *, need_manifest=False: fake)
    monkeypatch.setattr(watching, "FRAME", 0.0)
    monkeypatch.setattr(steer, "LOOK", 0.0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("PILOTAGE_STATE", "PILOTAGE_DEBUG", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TZ", "UTC")
    return fake


@pytest.fixture
def cli(app: FakeApp, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*words: str) -> Ended:
        code = main(list(words))
        written = capsys.readouterr()
        return Ended(int(code), written.out, written.err)

    return run


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Somebody sits there and types this."""

    def give(text: str) -> None:
        monkeypatch.setattr(Terminal, "interactive", True)
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return give


os.environ.setdefault("TERM", "dumb")

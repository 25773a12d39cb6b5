"""Settings of the sources http and command: each mistake is told with what to do, and no value is shown."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from factories import make_release
from pilotage.adapters.telemetry.command import CommandSource
from pilotage.adapters.telemetry.http import HttpSource
from pilotage.adapters.telemetry.secret import Secret
from pilotage.core.telemetry import Watched
from pilotage.ports import Site, TelemetryError

HTTP = {"url": "http://127.0.0.1:9/{version}", "figures": {"orders": "/orders"}}
WATCHED = Watched(service="shop", environment="production", new=make_release("2.0"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "ftp://x/{version}"}, "write it like http://"),
        ({"url": "http://ada:hunter2@x/{version}"}, "no user or password in a URL"),
        ({"url": "http://x/{versoin}"}, "did you mean `{version}`?"),
        ({"url": "http://x/all"}, "nothing tells the two versions apart in orders"),
        ({"figures": {}}, "at least 1 item"),
        ({"figures": {"orders": "orders"}}, "a JSON pointer is empty or begins with /"),
        ({"timeout": "9s"}, "less than or equal"),
        ({"timeout": 3}, "needs a unit"),
        ({"headers": {"Authorization": {"env": "hunter2"}}}, "should match pattern"),
        ({"headers": {"Authorization": {"env": "A", "file": "/a"}}}, "exactly one of env and file"),
        ({"headers": {"Authorization": 3}}, "can not use its setting `headers.Authorization`"),
    ],
)
def test_http(changes: dict[str, Any], told: str) -> None:
    problems = HttpSource.check_settings({**HTTP, **changes})
    words = " ".join(f"{problem} {problem.why}" for problem in problems)
    assert told in words, words
    assert "hunter2" not in words
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "needs the setting `command`"),
        ({"command": []}, "at least 1 item"),
        ({"command": 'sh "open'}, "No closing quotation"),
        ({"command": ["figures", "{new_verson}"]}, "did you mean `{new_version}`?"),
        ({"command": ["figures"], "folder": "here"}, "should match pattern"),
    ],
)
def test_command(settings: dict[str, Any], told: str) -> None:
    (problem,) = CommandSource.check_settings(settings)
    assert told in f"{problem} {problem.why}"


def test_a_secret_is_read_where_it_is_and_its_absence_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "token"
    kept.write_text("hunter2\n")
    monkeypatch.setenv("SHOP_TOKEN", "hunter2")
    monkeypatch.delenv("NO_TOKEN", raising=False)
    assert Secret(file=str(kept)).read() == Secret(env="SHOP_TOKEN").read() == "hunter2"
    assert Secret(env="SHOP_TOKEN", before="Bearer").read() == "Bearer hunter2"
    kept.write_text("hunter2\nand more\n")
    for secret in (Secret(env="NO_TOKEN"), Secret(file=str(tmp_path / "none")), Secret(file=str(kept))):
        with pytest.raises(TelemetryError, match="where a secret is kept") as caught:
            secret.read()
        assert "hunter2" not in str(caught.value)


@pytest.mark.real
def test_nothing_that_a_command_has_started_outlives_it(tmp_path: Path) -> None:
    (tmp_path / "answer.sh").write_text("sleep 600 & echo $! > child; echo '{}'\n")
    settings = {"command": ["sh", "answer.sh"], "folder": str(tmp_path), "timeout": "1s"}
    source = CommandSource(Site("shop", "production", tmp_path, tmp_path, settings))
    with pytest.raises(TelemetryError, match="did not end within 1 s"):
        asyncio.run(source.read(WATCHED))
    child = int((tmp_path / "child").read_text())
    for _ in range(500):
        if not _runs(child):
            return
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("its child outlived it")


def _runs(pid: int) -> bool:
    """A zombie has ended: whoever adopted it has only not noticed yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

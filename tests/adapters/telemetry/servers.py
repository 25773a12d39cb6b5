"""Real servers for tests of telemetry: started on free loopback ports in a test's folder, ended with it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PLENTY = 60.0
"""Seconds for anything that must happen."""


def binary(name: str, package: str, *folders: Path) -> str:
    """Its path; the test is skipped where it is not installed."""
    places = [str(folder / name) for folder in folders]
    found = shutil.which(name) or next((place for place in places if shutil.which(place)), None)
    if found is None:
        pytest.skip(f"no {name} here: apt-get install {package}")
    return found


def until(true: Callable[[], Any], what: str = "it") -> Any:
    end = time.monotonic() + PLENTY
    while not (found := true()):
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)
    return found


def end(process: subprocess.Popen[Any] | None) -> None:
    if process is not None and process.poll() is None:
        process.kill()
        process.wait(PLENTY)

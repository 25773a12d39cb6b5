"""The load generator as the demo sees it: started, watched, stopped, read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("load.py")
NOBODY = "nobody"
"""The version of a request that no version answered."""


@dataclass(frozen=True)
class Failure:
    at: float
    """Seconds since the epoch."""
    version: str
    what: str
    path: str


@dataclass(frozen=True)
class Count:
    """What the load generator has counted so far."""

    requests: Counter[str] = field(default_factory=Counter)
    """By version."""
    failures: tuple[Failure, ...] = ()

    @property
    def total(self) -> int:
        return self.requests.total()


class Traffic:
    def __init__(self, url: str, rate: float, report: Path) -> None:
        self.report = report
        report.unlink(missing_ok=True)
        # Not of this terminal's process group: a Ctrl-C must not end it before its report is written.
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), f"--url={url}", f"--rate={rate}", f"--report={report}"],
            start_new_session=True,
        )

    def check(self) -> None:
        """RuntimeError when it has ended by itself."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the load generator has ended by itself ({self.process.returncode})")

    def stop(self, within: float = 30) -> None:
        """Lets requests under way get their answer; nothing happens when it has ended already."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def count(self) -> Count:
        """Up to the last whole second that is in the report."""
        count, failures = Count(), []
        for line in self._lines():
            if line["kind"] == "failure":
                failures.append(Failure(line["at"], line["version"], line["failure"], line["path"]))
            elif line["kind"] == "second":
                here = Counter({name: figures["requests"] for name, figures in line["versions"].items()})
                count = Count(count.requests + here, tuple(failures))
        return count

    def wait_for(self, requests: int, within: float = 30) -> None:
        """Until so many have been answered; RuntimeError when that takes too long."""
        deadline = time.monotonic() + within
        while self.count().total < requests:
            self.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"the load generator got fewer than {requests} answers in {within:g} s")
            time.sleep(0.25)

    def _lines(self) -> list[dict[str, Any]]:
        if not self.report.exists():
            return []
        text = self.report.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

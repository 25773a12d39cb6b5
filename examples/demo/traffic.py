"""The load generator as the demo sees it: started, watched, stopped, read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.py")
NOBODY = "nobody"
"""The version of a request that no version answered."""


@dataclass(frozen=True)
class Request:
    """One that is over, as the load generator saw it."""

    at: datetime
    version: str
    failure: str = ""
    """Empty: a good answer."""
    path: str = ""
    """Of a failed one."""


def most(url: str, report: Path, users: int = 8, seconds: float = 5) -> float:
    """Good answers a second when that many users ask again as soon as they are answered."""
    words = [f"--url={url}", f"--users={users}", f"--seconds={seconds}", f"--report={report}"]
    subprocess.run([sys.executable, str(SCRIPT), *words], check=True, start_new_session=True)
    end = json.loads(report.read_text().splitlines()[-1])
    return float((end["requests"] - end["failed"]) / end["seconds"])


class Traffic:
    def __init__(self, url: str, rate: float, report: Path) -> None:
        self.report, self._read = report, 0
        self._requests: list[Request] = []
        report.unlink(missing_ok=True)
        # Not of this terminal's process group: a Ctrl-C must not end it before its report is written.
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), f"--url={url}", f"--rate={rate}", f"--report={report}"],
            start_new_session=True,
        )

    def requests(self) -> list[Request]:
        """All that are over."""
        if self.report.exists():
            with open(self.report, "rb") as file:
                file.seek(self._read)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read += len(whole)
            lines = (json.loads(line) for line in whole.splitlines())
            self._requests += (_request(line) for line in lines if line["kind"] == "request")
        return self._requests

    def check(self) -> None:
        """RuntimeError when it has ended by itself."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the load generator has ended by itself ({self.process.returncode})")

    def wait_for(self, more: int, within: float = 60) -> None:
        """Until so many more requests are over; RuntimeError when that takes too long."""
        enough, deadline = len(self.requests()) + more, time.monotonic() + within
        while len(self.requests()) < enough:
            self.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"the load generator got fewer than {more} answers in {within:g} s")
            time.sleep(0.25)

    def stop(self, within: float = 30) -> None:
        """Lets requests under way get their answer; nothing happens when it has ended already."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _request(line: dict[str, str]) -> Request:
    at = datetime.fromtimestamp(float(line["at"]), UTC)
    return Request(at, line["version"], line.get("failure", ""), line.get("path", ""))

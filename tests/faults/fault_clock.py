"""Runs pilotage with a wall clock that is set while it runs.

    FAULT_CLOCK=FILE python fault_clock.py worker …

FILE holds the seconds by which the wall clock is ahead. As when somebody sets a machine's clock, the monotonic
clocks do not notice. Python's time.time and datetime.now are replaced before anything else is imported:
libfaketime will not do, it breaks Python's own time.sleep (EINVAL), and Envoy hangs under it.
"""

from __future__ import annotations

import datetime as dates
import os
import sys
import time
from pathlib import Path

FILE = Path(os.environ["FAULT_CLOCK"])
_real = time.time


def _time() -> float:
    return _real() + float(FILE.read_text())


class _Datetime(dates.datetime):
    @classmethod
    def now(cls, tz: dates.tzinfo | None = None) -> _Datetime:
        return cls.fromtimestamp(_time(), tz)


if __name__ == "__main__":
    time.time = _time
    dates.datetime = _Datetime  # type: ignore[misc]
    from pilotage.cli.main import main

    sys.exit(main(sys.argv[1:]))

"""``python -m pilotage.adapters.tap FOLDER``: started by a router, kept running by its supervisor."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from pilotage.adapters.tap.tap import Tap


async def run(folder: Path, own: Path) -> None:
    """Until it is told to stop."""
    task = asyncio.create_task(Tap(folder, own).run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    os.nice(10)  # users come first where there is not processor enough for all
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(run(Path(), Path(sys.argv[1])))

"""The detached process that builds one artifact: ``builder.py FOLDER``, its lock as standard input.

It forks and lets its first process end before it imports anything slow, because its starter waits for that.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if not __package__:
    sys.path.append(str(Path(__file__).parents[3]))


def main() -> int:
    if len(sys.argv) != 2:
        sys.stderr.write("usage: builder.py FOLDER\n")
        return 2
    if os.fork():
        os._exit(0)
    from pilotage.adapters.process.building import build

    build(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

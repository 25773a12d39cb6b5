"""The entry point. Nothing is imported that a command does not use: see tests/cli/test_startup.py."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit code says which kind of end it came to (docs/exit-codes.md)."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in ("--version", "-V"):
        from pilotage import __version__

        print(f"pilotage {__version__}")
        return 0
    try:
        from pilotage.cli.running import run

        return run(given)
    except KeyboardInterrupt:
        # Ctrl-C before the command itself could answer to it.
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""What processes cost, read from /proc (Linux); and how a result is kept."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def cpu_seconds(*pids: int) -> float:
    """User and system time of these processes so far, without that of children; ended ones count nothing."""
    return sum(_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def resident_mb(*pids: int) -> float:
    """Resident memory; pages that several of them share count once for each."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def processes(folder: Path) -> Iterator[tuple[int, str]]:
    """(pid, command line) of living ones with this folder in their arguments or as working directory."""
    inside = f"{folder}{os.sep}"
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ").strip()
            where = f"{(entry / 'cwd').readlink()}{os.sep}"
        except OSError:
            continue
        mine = inside in f"{command}{os.sep}" or where.startswith(inside)
        if command and mine and int(entry.name) != os.getpid():
            yield int(entry.name), command


def spread(samples: Sequence[float], digits: int = 1) -> dict[str, float]:
    found = {"least": min(samples), "median": statistics.median(samples), "most": max(samples)}
    return {name: round(value, digits) for name, value in found.items()}


def described() -> str:
    system = platform.freedesktop_os_release()
    python = ".".join(platform.python_version_tuple()[:2])
    processor = platform.machine().replace("_", "-")
    where = f"{processor}, {system['ID'].title()} {system['VERSION_ID']}, Python {python}"
    return f"{os.cpu_count()} shared cores, {where}"


def keep(name: str, **found: Any) -> None:
    """Puts these trials into results/NAME.json, beside those of earlier runs."""
    path = RESULTS / f"{name}.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept["machine"] = described()
    path.write_text(json.dumps(kept | found, indent=2) + "\n")

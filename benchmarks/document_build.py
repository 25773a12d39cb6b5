"""What it costs to build all documents of a release: whole processes, by format, beside `plan` in the same run.

    python benchmarks/document_build.py [--rounds 9]        under a minute

Builds those of examples/documents, with the adviser's reasons. Writes results/document_build.json.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from machine import keep

PILOTAGE = str(Path(sys.executable).with_name("pilotage"))
EXAMPLE = Path(__file__).parents[1] / "examples" / "documents"
ALL = ("md", "html", "pdf")
FORMATS: dict[str, tuple[str, ...]] = {
    "Markdown": ("md",),
    "HTML": ("html",),
    "PDF": ("pdf",),
    "HTML and PDF": ("html", "pdf"),
    "all three": ALL,
}
PLAN = "pilotage plan (no documents)"


def words(name: str, out: Path) -> list[str]:
    if name == PLAN:
        return [PILOTAGE, "plan", "2.4", "--json"]
    formats = [word for format in FORMATS[name] for word in ("--format", format)]
    return [PILOTAGE, "documents", "2.4", "--facts", "facts.yaml", "--out", str(out), *formats]


def once(command: list[str], folder: Path) -> tuple[float, float]:
    """(seconds by the clock, seconds of CPU) of one process."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return took, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("pilotage.yaml", "release.yaml", "facts.yaml"):
            shutil.copy(EXAMPLE / name, folder / name)
        for number in range(rounds):
            names = [PLAN, *FORMATS]
            random.shuffle(names)
            for place, name in enumerate(names):
                found[name].append(once(words(name, folder / f"out-{number}-{place}"), folder))
        made = folder / "whole"
        once(words("all three", made), folder)
        files = [path for path in made.rglob("*") if path.is_file()]
        size = {kind: sum(path.stat().st_size for path in files if path.suffix == f".{kind}") for kind in ALL}
    keep("document_build", **result(found, rounds, len(files), size))


def result(
    found: dict[str, list[tuple[float, float]]], rounds: int, files: int, size: dict[str, int]
) -> dict[str, Any]:
    base = statistics.median([cpu for _, cpu in found[PLAN]])
    return {
        "rounds": rounds,
        "files": files,
        "bytes": size,
        "builds": {
            name: {
                "clock_s_median": round(statistics.median([clock for clock, _ in runs]), 3),
                "clock_s_least": round(min(clock for clock, _ in runs), 3),
                "cpu_s_median": round(statistics.median([cpu for _, cpu in runs]), 3),
                "cpu_ratio": round(statistics.median([cpu for _, cpu in runs]) / base, 2),
            }
            for name, runs in found.items()
        },
    }


if __name__ == "__main__":
    main()

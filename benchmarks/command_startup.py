"""What it costs to start a command: whole processes, against `python -c pass` in the same run.

    python benchmarks/command_startup.py [--rounds 21]        about two minutes

Every round starts each command once, in a new order. Also what `python -X importtime` says costs most.
Writes results/command_startup.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml
from machine import keep

from pilotage.core.environment import Environment, Good
from pilotage.manifest.load import load
from pilotage.wiring import App, fingerprint
from pilotage.workplaces import OneMachine

PILOTAGE = str(Path(sys.executable).with_name("pilotage"))
NOTHING = "python -c pass"
COMMANDS: dict[str, list[str]] = {
    NOTHING: [sys.executable, "-c", "pass"],
    "pilotage --version": [PILOTAGE, "--version"],
    "pilotage --help": [PILOTAGE, "--help"],
    "pilotage check": [PILOTAGE, "check"],
    "pilotage status": [PILOTAGE, "status"],
    "pilotage plan": [PILOTAGE, "plan", "2.0"],
}
MANIFEST = {
    "service": "shop",
    "artifact": {"directory": "build/{version}"},
    "run": {"command": ["{root}/serve", "{port}"], "health": "/healthz"},
    "checks": ["/healthz", "/"],
    "strategy": {"method": "canary", "steps": ["5%", "25%", "50%"], "hold": "2m"},
    "environments": {
        "local": {"instances": 2, "router": {"listen": "127.0.0.1:8080", "preview": "127.0.0.1:8081"}}
    },
}
TOP = 12


def scene(folder: Path) -> None:
    """A manifest, two versions, and a record that says that 1.0 is live; nothing runs."""
    for version in ("1.0", "2.0"):
        place = folder / "build" / version
        place.mkdir(parents=True)
        (place / "serve").write_text(f"#!/bin/sh\necho {version}\n")
        (place / "serve").chmod(0o755)
    (folder / "pilotage.yaml").write_text(yaml.safe_dump(MANIFEST, sort_keys=False))
    asyncio.run(_live(folder))


async def _live(folder: Path) -> None:
    manifest = load(folder / "pilotage.yaml")
    app = App(manifest, OneMachine(folder / ".pilotage"))
    release = manifest.release("1.0", folder, fingerprint)
    good = Good(release=release, instances=2, rollout="shop-local-1", at=app.clock.now())
    await app.store.commit(environment=Environment(service="shop", name="local", rollouts=1, lineage=(good,)))
    await app.close()


def once(command: list[str], folder: Path) -> tuple[float, float]:
    """(seconds by the clock, seconds of CPU) from its start to its end."""
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command}: exit {process.returncode}")
    return took, used.ru_utime + used.ru_stime


def compared(folder: Path, rounds: int) -> dict[str, Any]:
    for command in COMMANDS.values():
        once(command, folder)  # so that everything is compiled and in memory
    samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
    order = list(COMMANDS)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            samples[name].append(once(COMMANDS[name], folder))
    return {name: figures(samples[name], samples[NOTHING]) for name in COMMANDS}


def figures(samples: list[tuple[float, float]], nothing: list[tuple[float, float]]) -> dict[str, float]:
    """Milliseconds, and the median of the ratios to `python -c pass` of the same round."""
    clock, cpu = zip(*samples, strict=True)
    ratios = [(mine[0] / base[0], mine[1] / base[1]) for mine, base in zip(samples, nothing, strict=True)]
    return {
        "clock_ms_median": round(1000 * statistics.median(clock), 1),
        "clock_ms_least": round(1000 * min(clock), 1),
        "clock_ratio": round(statistics.median(ratio for ratio, _ in ratios), 2),
        "cpu_ms_median": round(1000 * statistics.median(cpu), 1),
        "cpu_ms_least": round(1000 * min(cpu), 1),
        "cpu_ratio": round(statistics.median(ratio for _, ratio in ratios), 2),
    }


_ROW = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s*)(\S+)")


def imports(command: list[str], folder: Path) -> dict[str, Any]:
    """Milliseconds of import, dearest first. ``packages_ms``: of a package's own modules. ``trees_ms``: of one
    import with all that only it had to load; these overlap."""
    words = [sys.executable, "-X", "importtime", *command]
    told = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stderr
    packages: dict[str, float] = defaultdict(float)
    modules: dict[str, float] = {}
    trees: dict[str, float] = {}
    for own, whole, _, module in _ROW.findall(told):
        packages[package(module)] += int(own) / 1000
        modules[module] = int(own) / 1000
        if "." not in module and module not in sys.stdlib_module_names:
            trees[module] = round(int(whole) / 1000, 1)
    return {
        "modules": len(modules),
        "all_ms": round(sum(packages.values()), 1),
        "packages_ms": dearest(packages),
        "trees_ms": dearest(trees),
        "modules_ms": dearest(modules),
    }


def dearest(costs: dict[str, float]) -> dict[str, float]:
    return {name: round(costs[name], 1) for name in sorted(costs, key=lambda name: -costs[name])[:TOP]}


def package(module: str) -> str:
    """``pilotage.core`` of ours, the package of others, one name for what is Python's own."""
    parts = module.lstrip("_").split(".")
    top = module.split(".")[0]
    if top == "pilotage":
        return ".".join(parts[:2])
    return "(standard library)" if top in sys.stdlib_module_names else top


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene(folder)
        commands = compared(folder, rounds)
        for command, row in commands.items():
            print(f"{command:20}", json.dumps(row), flush=True)
        found = {name: imports(COMMANDS[name], folder) for name in COMMANDS if name != NOTHING}
    keep("command_startup", rounds=rounds, commands=commands, imports=found)
    print(json.dumps(found["pilotage plan"], indent=1))


if __name__ == "__main__":
    main()

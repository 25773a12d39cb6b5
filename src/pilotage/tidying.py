"""Forgetting what nobody needs: once, or each day by the worker, as the settings of a state folder say."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from pilotage.adapters.process.depot import ArtifactDepot
from pilotage.adapters.registry import unwritable
from pilotage.core.environment import Environment
from pilotage.core.retention import Retention
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.ports import Clock, ReachOf, Store, Target
from pilotage.usecases.pruning import Pruning, prune

SETTINGS, DONE = "retention.json", "pruned.json"
EVERY = timedelta(days=1)
LOOK_EVERY = 600.0
"""Seconds between two looks whether a day has passed."""

log = logging.getLogger("pilotage.worker")


def kept_settings(folder: Path) -> Retention | None:
    """What the worker prunes by each day; None: it does not. PilotageError when they can not be read."""
    try:
        return Retention.model_validate_json((folder / SETTINGS).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise PilotageError(_unreadable(folder / SETTINGS), exit_code=ExitCode.USAGE) from error


def keep_settings(folder: Path, retention: Retention | None) -> None:
    """None: the worker forgets nothing any more."""
    try:
        if retention is None:
            (folder / SETTINGS).unlink(missing_ok=True)
        else:
            (folder / SETTINGS).write_text(retention.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise unwritable(folder, error) from error


async def prune_now(
    folder: Path, store: Store, reach_of: ReachOf, retention: Retention, now: datetime, *, dry_run: bool = False
) -> Pruning:
    """``folder`` is this machine's: elsewhere only the record is pruned."""

    def target_of(known: Environment) -> Target | None:
        here = (folder / "environments" / known.service / known.name / "target").is_dir()
        return reach_of(known.last_plan).target if here and known.last_plan else None

    return await prune(store, ArtifactDepot(folder), target_of, retention, now, dry_run=dry_run)


@asynccontextmanager
async def tidied_daily(folder: Path, store: Store, clock: Clock, reach_of: ReachOf) -> AsyncIterator[None]:
    """Beside the worker's work, while the block lasts. Whatever fails is logged, and tried again."""

    async def rounds() -> None:
        while True:
            try:
                await _round(folder, store, clock, reach_of)
            except (PilotageError, OSError, ValueError) as error:
                log.warning("what nobody needs could not be pruned: %s", error)
            except Exception:  # a stranger's target, or a defect: the worker has more important things to do
                log.exception("what nobody needs could not be pruned")
            await asyncio.sleep(LOOK_EVERY)

    task = asyncio.create_task(rounds())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _round(folder: Path, store: Store, clock: Clock, reach_of: ReachOf) -> None:
    retention, now = kept_settings(folder), clock.now()
    if retention is None or not _a_day_ago(folder, now):
        return
    done = await prune_now(folder, store, reach_of, retention, now)
    (folder / DONE).write_text(json.dumps({"at": now.isoformat()}) + "\n")
    log.info("pruned %d recordings, %d artifacts", len(done.rollouts), len(done.artifacts))


def _a_day_ago(folder: Path, now: datetime) -> bool:
    try:
        last = datetime.fromisoformat(json.loads((folder / DONE).read_text())["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return abs(now - last) >= EVERY


def _unreadable(path: Path) -> Problem:
    what = f"{path} can not be read: nothing is pruned"
    return Problem(code="retention.unreadable", what=what, mend="`pilotage prune --daily` writes it anew")

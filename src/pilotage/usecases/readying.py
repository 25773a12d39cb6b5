"""Whether a release may begin: what its release file says, held against the plan, by the manifest's policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pilotage.core.environment import Environment
from pilotage.core.plan import Plan
from pilotage.core.readiness import Item, Readiness, Standing, Tick, Weight, ticked
from pilotage.dossier.file import ReleaseFile
from pilotage.dossier.policy import Policy
from pilotage.dossier.readiness import Asked, Planned, assess
from pilotage.errors import ExitCode, PilotageError, Place, Problem
from pilotage.manifest.model import Manifest
from pilotage.manifest.release_files import RELEASE_FILE, Release, load_release, release_beside
from pilotage.manifest.suggest import did_you_mean
from pilotage.ports import Store
from pilotage.views.documents.steps import steps_of
from pilotage.views.plan import view_of


@dataclass(frozen=True)
class Assessed:
    """How it stands, and one Problem for every item that is open and not ignored."""

    readiness: Readiness
    blocking: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    def demand(self) -> Readiness:
        """PilotageError with every item that blocks; nothing is started then."""
        if self.blocking:
            raise PilotageError(*self.blocking, exit_code=ExitCode.BLOCKED)
        return self.readiness


def assessed(
    plan: Plan, release: Release | None, policy: Policy | None, ticks: Iterable[Tick], at: datetime
) -> Assessed | None:
    """For a start ``at`` that moment. None: nothing is asked.

    That is so when the manifest says nothing of readiness and there is no release file, when the file speaks of
    other environments, and of every way back.
    """
    if plan.restores or (release is None and policy is None):
        return None
    if release is None:
        return _no_file(at)
    if not release.value.speaks_of(plan.environment):
        return None
    planned = Planned(
        version=plan.new.version,
        judged=plan.judge is not None,
        goes_back=plan.old is not None,
        start=at,
        end=at + view_of(plan).promoted_after,
        ticks=ticked(tuple(ticks)),
    )
    readiness, asked = assess(release.value, policy or Policy(), planned)
    return Assessed(
        readiness,
        tuple(_problem(one, release) for one in asked if one.item.blocks),
        tuple(_problem(one, release) for one in asked if one.item.warns),
    )


def _no_file(at: datetime) -> Assessed:
    item = Item(
        subject="release_file",
        what="There is a release file",
        standing=Standing.OPEN,
        weight=Weight.BLOCK,
        why=f"the manifest asks for readiness, and there is no {RELEASE_FILE} beside it",
    )
    mend = "`pilotage documents init` writes one; or name it: --release FILE"
    problem = Problem(code="readiness.release-file", what="there is no release file", why=item.why, mend=mend)
    return Assessed(Readiness(at=at, items=(item,)), (problem,), ())


def _problem(one: Asked, release: Release) -> Problem:
    item = one.item
    whose = [f"owner: {item.owner}"] if item.owner else []
    if item.due is not None:
        late = "was due on" if item.standing is Standing.OVERDUE else "due on"
        whose.append(f"{late} {item.due}")
    place: Place = release.place(*one.where)
    return Problem(
        code=f"readiness.{item.subject.replace('_', '-')}",
        what=f"not ready: {item.what[:1].lower()}{item.what[1:]}",
        why="; ".join([item.why, *whose]),
        mend=one.mend,
        where=place,
    )


def release_meant(manifest: Manifest | None, file: Path | None, plan: Plan | None = None) -> Release | None:
    """That file, or the one beside the manifest; of a plan without a manifest, where its manifest was."""
    if file is not None:
        return load_release(file)
    if manifest is not None:
        return release_beside(Path(manifest.file).absolute().parent)
    return release_beside(Path(plan.new.run.folder)) if plan is not None else None


async def keep(store: Store, plan: Plan, release: Release | None, tick: Tick) -> None:
    """PilotageError when the plan's runbook has no such step for people."""
    check_step(plan, tick.step, release.value if release else None)
    await store.tick(tick)


async def plan_meant(
    store: Store,
    known: Environment,
    version: str | None,
    release: Release | None,
    plan: Callable[[str], Awaitable[Plan]],
) -> Plan:
    """Of that version; else what is under way; else what the release file speaks of, perhaps done already."""
    if version is not None:
        return await plan(version)
    if known.holder is not None:
        return (await store.rollout(known.holder)).plan
    if release is None:
        raise PilotageError(_which_version(), exit_code=ExitCode.USAGE)
    wanted = release.value.version
    if known.live is not None and known.live.release.version == wanted:
        return (await store.rollout(known.live.rollout)).plan
    return await plan(wanted)


def check_step(plan: Plan, step: str, file: ReleaseFile | None) -> None:
    """PilotageError when the runbook has no step with this id that people do."""
    ids = [one.id for one in steps_of(plan, file) if one.by_people]
    if step not in ids:
        mend = did_you_mean(step, ids) or f"the steps are {', '.join(ids)}"
        what = f"the runbook of {plan.new.version} has no step `{step}` that a person does"
        raise PilotageError(
            Problem(code="runbook.unknown-step", what=what, mend=mend), exit_code=ExitCode.USAGE
        )


def _which_version() -> Problem:
    return Problem(
        code="release.which",
        what="which version?",
        why=f"nothing is under way, and there is no {RELEASE_FILE} that names one",
        mend="name it",
    )

"""The composition root: the only room that knows everybody. Commands, and later the API, go through an App."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pilotage.adapters.database.tool import ToolDatabase
from pilotage.adapters.process.digests import directory_sha256, file_sha256
from pilotage.adapters.registry import Registry, settings_problems
from pilotage.core.environment import Environment
from pilotage.core.events import Message, Order
from pilotage.core.flags import FlagSeen
from pilotage.core.fleet import Instance
from pilotage.core.plan import Plan
from pilotage.core.readiness import Tick
from pilotage.core.state import State
from pilotage.engine.hooks import hook_logs
from pilotage.errors import ExitCode, PilotageError, Place, Problem
from pilotage.judge.mends import Trouble
from pilotage.judge.planner import Forecast
from pilotage.manifest.load import load
from pilotage.manifest.model import Environment as Chosen
from pilotage.manifest.model import Manifest
from pilotage.ports import Reach
from pilotage.usecases import (
    flagging,
    foreseeing,
    migrating,
    planning,
    readying,
    releasing,
    returning,
    stopping,
)
from pilotage.usecases.attesting import check_evidence
from pilotage.usecases.diagnosing import Finding, diagnose
from pilotage.workplaces import (
    FOLDER,
    STATE,
    ManyMachines,
    OneMachine,
    Workplace,
    elsewhere,
    is_uri,
    nothing_here,
)

if TYPE_CHECKING:
    from pilotage.engine.resting import Watching
    from pilotage.views.documents.case import Case

MANIFEST = "pilotage.yaml"
STATE_FOLDER = ".pilotage"
Served = Collection[str] | None


def find_manifest(start: Path) -> Path | None:
    """``pilotage.yaml`` here or in the nearest folder above."""
    for folder in (start, *start.parents):
        if (folder / MANIFEST).is_file():
            return folder / MANIFEST
    return None


def open_app(file: Path | None = None, state: str | Path | None = None, *, need_manifest: bool = False) -> App:
    """Finds the manifest (or the state alone: a folder, or the URI of a database) and opens the store.

    PilotageError with every problem of the manifest, or when neither is to be found.
    """
    path = file.absolute() if file else find_manifest(Path.cwd())
    named = state or os.environ.get(STATE) or None
    if path is None and (named is None or need_manifest):
        raise PilotageError(_no_manifest(), exit_code=ExitCode.USAGE)
    manifest: Manifest | None = None
    trouble: PilotageError | None = None
    if path is not None:
        try:
            manifest = load(path)
        except PilotageError as error:
            # Looking and steering must work with a manifest that is broken now: plans are frozen.
            trouble = error
            if need_manifest:
                raise
    beside = (path.parent if path else Path.cwd()) / STATE_FOLDER
    if named is not None and is_uri(named):
        own = Path(os.environ.get(FOLDER) or beside).absolute()
        return App(manifest, ManyMachines(own, str(named)))
    folder = Path(named).absolute() if named else beside
    if trouble is not None and not (folder / "pilotage.db").exists():
        raise trouble
    return App(manifest, OneMachine(folder))


class App:
    """One record with what works on it, and the manifest if there is a sound one."""

    def __init__(self, manifest: Manifest | None, place: Workplace) -> None:
        self.manifest = manifest
        self.place = place
        self.state_folder = place.folder
        self.store = place.store
        self.clock = place.clock
        self._adapters = Registry(place.folder)

    def reach_of(self, plan: Plan) -> Reach:
        """For commands: PilotageError when it is not reached from this machine."""
        if not self.place.reaches(plan.service, plan.environment):
            raise PilotageError(elsewhere(plan.service, plan.environment, self.state_folder))
        return self._adapters.reach(plan)

    @property
    def service(self) -> str | None:
        return self.manifest.service if self.manifest else None

    async def close(self) -> None:
        await self._adapters.close()
        await self.store.close()

    # Looking

    async def known(self, environment: str | None) -> Environment:
        """What is known of an environment; PilotageError when it can not be told which is meant."""
        name = await self._name(environment)
        for kept in await self.store.environments():
            if kept.name == name and self.service in (None, kept.service):
                return kept
        if self.manifest is None:
            raise PilotageError(nothing_here(self.state_folder), exit_code=ExitCode.USAGE)
        return await self.store.environment(self.manifest.service, name)

    def environment_name(self, name: str | None) -> str:
        """The named environment, or the only one of the manifest."""
        names = list(self.manifest.environments) if self.manifest else []
        if name is None and len(names) != 1:
            raise PilotageError(_which_environment(names), exit_code=ExitCode.USAGE)
        if name is not None and self.manifest is not None:
            self.manifest.environment(name)
        return name or names[0]

    async def _name(self, name: str | None) -> str:
        kept = [e.name for e in await self.store.environments() if self.service in (None, e.service)]
        if name in kept:
            return name
        if name is None and self.manifest is None and len(set(kept)) == 1:
            return kept[0]
        if self.manifest is None:
            raise PilotageError(_which_environment(kept), exit_code=ExitCode.USAGE)
        return self.environment_name(name)

    async def find(self, rollout: str | None, environment: str | None = None) -> State:
        """A rollout by its id; else the one that changes the environment now; else the latest there."""
        if rollout is not None:
            return await self.store.rollout(rollout)
        if environment is None:
            found = await self.store.rollouts(self.service, unfinished=True, limit=1)
            found = found or await self.store.rollouts(self.service, limit=1)
        else:
            known = await self.known(environment)
            if known.holder:
                return await self.store.rollout(known.holder)
            found = await self.store.rollouts(known.service, known.name, limit=1)
        if not found:
            raise PilotageError(nothing_here(self.state_folder), exit_code=ExitCode.USAGE)
        return found[0]

    # Doing

    async def plan(self, environment: str | None, version: str, *, again: bool = False) -> Plan:
        assert self.manifest is not None, "planning needs a manifest"
        chosen = self.manifest.environment(self.environment_name(environment))
        problems = settings_problems(self.manifest, chosen.name)
        if problems:
            raise PilotageError(*problems, exit_code=ExitCode.REFUSED_MANIFEST)
        known = await self.store.environment(self.manifest.service, chosen.name)
        flag = await self._flag_before(chosen, known)
        plan = planning.plan_release(
            self.manifest, chosen, known, version, fingerprint=fingerprint, flag=flag, again=again
        )
        changed = chosen.database(version)
        if changed is None:
            return plan
        return await migrating.with_migrations(plan, changed, ToolDatabase(), known)

    async def plan_as_if(self, environment: str | None, version: str, running: str | None) -> Plan:
        """As ``plan``; ``running``: as if this version ran there, and nothing had ever been before."""
        if running is None:
            return await self.plan(environment, version)
        assert self.manifest is not None, "planning needs a manifest"
        chosen = self.manifest.environment(self.environment_name(environment))
        return planning.plan_as_if(
            self.manifest, chosen, version, running, fingerprint=fingerprint, now=self.clock.now()
        )

    async def _flag_before(self, chosen: Chosen, known: Environment) -> FlagSeen | None:
        """What the flag of the method is now; None: it has to do with none."""
        assert self.manifest is not None
        spec, key = chosen.flags_spec(self.manifest.folder), chosen.method.flag_key
        if spec is None or key is None:
            return None
        flags = self._adapters.flags(self.manifest.service, chosen.name, spec)
        return await flagging.flag_before(self.store, known, flags, key)

    async def foresee(self, plan: Plan) -> tuple[Forecast, tuple[Trouble, ...]] | None:
        """What the judge will see of it; None when nothing is judged, or nothing is known of the traffic."""
        assert self.manifest is not None, "planning needs a manifest"
        said = self.manifest.environment(plan.environment).expected()
        return await foreseeing.foreseen(self.store, plan, said)

    async def plan_of(self, version: str | None, environment: str | None, file: Path | None = None) -> Plan:
        """Of that version; else of what is under way, or of the release file's version, before or after it."""
        assert self.manifest is not None, "planning needs a manifest"
        name = self.environment_name(environment)
        return await readying.plan_meant(
            self.store,
            await self.store.environment(self.manifest.service, name),
            version,
            readying.release_meant(self.manifest, file),
            lambda wanted: self.plan(name, wanted),
        )

    async def readiness(
        self, plan: Plan, file: Path | None = None, at: datetime | None = None
    ) -> readying.Assessed | None:
        """How ready the plan is for a start then, or now; None: nothing is asked."""
        known = self.manifest.environments.get(plan.environment) if self.manifest else None
        return readying.assessed(
            plan,
            readying.release_meant(self.manifest, file, plan),
            known.readiness() if known else None,
            await self.store.ticks(plan.digest),
            at or self.clock.now(),
        )

    async def case(
        self, plan: Plan, file: Path | None = None, facts: Path | None = None, start: datetime | None = None
    ) -> Case:
        """Everything that the documents of this plan are written from."""
        from pilotage.usecases import gathering

        release = readying.release_meant(self.manifest, file, plan)
        begins = start or gathering.first_window(release)
        ready = await self.readiness(plan, file, begins)
        return gathering.case_of(
            plan,
            release,
            folder=file.parent if file else Path(plan.new.run.folder),
            facts=facts,
            environment=self.manifest.environments.get(plan.environment) if self.manifest else None,
            readiness=ready.readiness if ready else None,
            ticks=await self.store.ticks(plan.digest),
            start=begins,
        )

    async def tick(
        self, plan: Plan, step: str, file: Path | None = None, *, by: str, note: str = "", done: bool = True
    ) -> Tick:
        """PilotageError when the plan's runbook has no such step for people."""
        tick = Tick(plan=plan.digest, step=step, by=by, at=self.clock.now(), note=note, done=done)
        await readying.keep(self.store, plan, readying.release_meant(self.manifest, file, plan), tick)
        return tick

    async def release(
        self,
        plan: Plan,
        *,
        by: str,
        reason: str = "",
        supersede: bool = False,
        file: Path | None = None,
        rehearses: bool = False,
    ) -> State:
        """PilotageError when something is open that blocks; ``file`` is the release file if it is named.

        What only rehearses is asked for nothing: it is what makes ready."""
        await self.place.check_served(plan)
        ready = None
        if not rehearses:
            release = readying.release_meant(self.manifest, file, plan)
            await check_evidence(self.store, plan, release.value if release else None, self.clock.now())
            ready = await self.readiness(plan, file)
        state = await releasing.start(
            self.store,
            self._ground,
            plan,
            by=by,
            now=await self._time(),
            reason=reason,
            supersede=supersede,
            readiness=ready.demand() if ready else None,
        )
        await self.ensure_worker()
        return state

    async def rollback_plan(self, environment: str | None) -> Plan | State:
        """What a rollback would do now."""
        return await returning.way_back(self.store, await self.known(environment))

    async def rollback(self, environment: str | None, *, by: str, reason: str = "") -> State:
        known, now = await self.known(environment), await self._time()
        state = await returning.roll_back(self.store, self._ground, known, by=by, now=now, reason=reason)
        await self.ensure_worker()
        return state

    def _ground(self, plan: Plan) -> Reach | None:
        """What a release is tried on before it begins; None when only its worker can know."""
        reached = self.place.reaches(plan.service, plan.environment)
        return self._adapters.reach(plan) if reached else None

    async def order(self, rollout: State, order: Order, *, by: str, reason: str = "") -> Message:
        if rollout.status.final:
            raise PilotageError(stopping.ended(rollout, order), exit_code=ExitCode.BLOCKED)
        message = await self.store.send(rollout.id, order, by, self.clock.now(), reason=reason)
        await self.ensure_worker()
        return message

    async def _time(self) -> Any:
        if not await self.store.rollouts(unfinished=True, limit=1):
            await self.place.set_clock_right()
        return self.clock.now()

    # Workers

    async def ensure_worker(self) -> None:
        """Sees that somebody works: on one machine a worker in the background, detached from this terminal."""
        await self.place.call_worker()

    async def run_worker(
        self, *, until_idle: bool = False, environments: Served = None, watching: Watching | None = None
    ) -> None:
        """Works in this process until stopped (SIGINT, SIGTERM), or until nothing is left to do.

        ``environments``: only on these. PilotageError when another worker works on this state folder.
        """
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        logging.getLogger("httpx").setLevel(logging.WARNING)
        reach = self._adapters.reach
        await self.place.work(reach, until_idle=until_idle, environments=environments, watching=watching)

    # Operating

    async def logs(self, wanted: str | None, environment: str | None, lines: int) -> list[tuple[str, str]]:
        """(instance, its last lines) of an instance, of a rollout's releases, or of all that run."""
        if wanted is None or "." not in wanted:
            state = await self.find(wanted, environment)
            reach = self.reach_of(state.plan)
            instances = await reach.target.observe()
            hooks = await hook_logs(state, reach, lines)
            return [*hooks, *[(i.id, await reach.target.log(i.id, lines)) for i in instances]]
        known = await self.known(environment)
        if known.last_plan is None:
            found = await self.find(None, environment)
            return [(wanted, await self.reach_of(found.plan).target.log(wanted, lines))]
        return [(wanted, await self.reach_of(known.last_plan).target.log(wanted, lines))]

    async def instances(self, known: Environment) -> tuple[Instance, ...]:
        """What runs in an environment now."""
        return await self.reach_of(known.last_plan).target.observe() if known.last_plan else ()

    async def down(self, environment: str | None, *, by: str = "") -> list[str]:
        """Stops every instance and the proxy of an environment; says what it stopped.

        PilotageError while a rollout changes it.
        """
        known = await self.known(environment)
        return await stopping.take_down(self.store, self.reach_of, self.clock, known, by=by)

    async def diagnose(self) -> list[Finding]:
        return await diagnose(
            self.manifest,
            self.store,
            self.state_folder,
            self.reach_of,
            kept_in=self.place.name,
            worker_runs=await self.place.worker_runs(),
            clock_drift=self.clock.drift(),
        )


def fingerprint(path: Path) -> str:
    """The digest that the process target will find again."""
    return directory_sha256(path) if path.is_dir() else file_sha256(path)


def _no_manifest() -> Problem:
    return Problem(
        code="manifest.missing",
        what=f"there is no {MANIFEST} here, or in any folder above",
        mend="`pilotage init` writes one by looking at this folder; or name it with --file",
        where=Place(file=MANIFEST),
    )


def _which_environment(names: list[str]) -> Problem:
    known = ", ".join(names) or "none"
    return Problem(code="environment.which", what="which environment?", mend=f"name one of: {known}")

"""Finds adapters by the entry points they register under, built-in ones exactly as a stranger's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pilotage.adapters.database.tool import ToolDatabase
from pilotage.adapters.hooks.runner import ProcessRunner
from pilotage.core.plan import ROUTER, FlagsSpec, Plan, RouterSpec, TargetSpec, TelemetrySpec
from pilotage.core.telemetry import Reading, Watched
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.manifest.model import Manifest
from pilotage.ports import Flags, Reach, Router, Runner, Site, Target, TelemetryError, TelemetrySource

TARGETS, ROUTERS, TELEMETRY = "pilotage.targets", "pilotage.routers", "pilotage.telemetry"
FLAGS = "pilotage.flags"
_Adapter = Target | Router | TelemetrySource | Flags


class Registry:
    """Makes the adapters of an environment once, each with a private folder below the state folder."""

    def __init__(self, state_folder: Path) -> None:
        self._state_folder = state_folder
        self._made: dict[str, Any] = {}
        self._sources: list[TelemetrySource] = []

    def reach(self, plan: Plan) -> Reach:
        """PilotageError when the plan names a target or a router that is not installed, or the folder is
        unwritable. A source of telemetry that is not installed says so when it is read: a way back needs none.
        """
        # The HTTP client costs a tenth of a second to import; commands that only look do without it.
        from pilotage.adapters.prober import HttpProber

        return Reach(
            target=self._adapter(plan, "target", plan.target, target),
            router=self._adapter(plan, "router", plan.router, router),
            prober=self._kept("prober", HttpProber),
            runner=self._runner(plan),
            database=ToolDatabase(),
            telemetry=tuple(
                self._source(plan, f"telemetry/{number}", spec)
                for number, spec in enumerate(plan.telemetry, start=1)
                if spec.kind != ROUTER
            ),
            flags=self.flags(plan.service, plan.environment, plan.flags) if plan.flags else None,
        )

    def _runner(self, plan: Plan) -> Runner:
        folder = self._state_folder / "environments" / plan.service / plan.environment / "hooks"
        runner: Runner = self._kept(f"{plan.service}/{plan.environment}/hooks", lambda: ProcessRunner(folder))
        return runner

    def flags(self, service: str, environment: str, spec: FlagsSpec) -> Flags:
        """Where the flags of an environment are, also before there is a plan."""
        key = f"{service}/{environment}/flags {spec.kind} {spec.settings!r}"
        site = self._site(service, environment, "flags", spec.settings)
        made: Flags = self._kept(key, lambda: flags(spec.kind)(site))
        return made

    async def close(self) -> None:
        """Ends what the sources of telemetry keep open."""
        for source in self._sources:
            with suppress(PilotageError):
                await source.close()

    def _adapter(
        self, plan: Plan, part: str, spec: TargetSpec | RouterSpec | TelemetrySpec, find: Callable[[str], Any]
    ) -> Any:
        key = f"{plan.service}/{plan.environment}/{part} {spec.kind} {spec.settings!r}"
        return self._kept(
            key, lambda: find(spec.kind)(self._site(plan.service, plan.environment, part, spec.settings))
        )

    def _source(self, plan: Plan, part: str, spec: TelemetrySpec) -> TelemetrySource:
        known = len(self._made)
        source: TelemetrySource
        try:
            source = self._adapter(plan, part, spec, source_or_its_absence)
        except PilotageError:
            raise
        except Exception as error:  # a stranger's code, or settings of another version of it
            source = Absent(_not_made(spec.kind, error))
        if len(self._made) > known:
            self._sources.append(source)
        return source

    def _kept(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _site(self, service: str, environment: str, part: str, settings: Mapping[str, Any]) -> Site:
        folder = self._state_folder / "environments" / service / environment / part
        cache = self._state_folder / "cache"
        try:
            for path in (folder, cache):
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise unwritable(self._state_folder, error) from error
        return Site(service, environment, folder, cache, settings)


def target(kind: str) -> type[Target]:
    found: type[Target] = _adapter(TARGETS, "target", kind)
    return found


def router(kind: str) -> type[Router]:
    found: type[Router] = _adapter(ROUTERS, "router", kind)
    return found


def flags(kind: str) -> type[Flags]:
    found: type[Flags] = _adapter(FLAGS, "source of flags", kind)
    return found


def source(kind: str) -> type[TelemetrySource]:
    found: type[TelemetrySource] = _adapter(TELEMETRY, "source of telemetry", kind)
    return found


def source_or_its_absence(kind: str) -> Callable[[Site], TelemetrySource]:
    """As ``source``; one that is not installed is made into a source that says so."""
    try:
        return source(kind)
    except PilotageError as error:
        problems = error.problems
        return lambda _: Absent(*problems)


class Absent:
    """Stands for a source of telemetry that can not be had: the judge holds, and a person is told why."""

    def __init__(self, *problems: Problem) -> None:
        self._problems = problems

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        del settings
        return []

    async def read(self, watched: Watched) -> Reading:
        raise TelemetryError(*self._problems)

    async def history(self, watched: Watched, since: datetime, until: datetime) -> tuple[Reading, ...]:
        raise TelemetryError(*self._problems)

    async def close(self) -> None:
        """Nothing is open."""


def settings_problems(manifest: Manifest, name: str) -> list[Problem]:
    """What the adapters of an environment find wrong with their settings, and where they stand."""
    environment = manifest.environment(name)
    chosen: list[tuple[tuple[str | int, ...], type[_Adapter], Mapping[str, Any]]] = [
        (("target",), target(environment.target_spec().kind), environment.target_spec().settings),
        (("router",), router(environment.router_spec().kind), environment.router_spec().settings),
        *(
            (("telemetry", number), source(spec.kind), spec.settings)
            for number, spec in enumerate(environment.telemetry_specs())
            if spec.kind != ROUTER
        ),
    ]
    if (spec := environment.flags_spec(manifest.folder)) is not None:
        chosen.append((("flags",), flags(spec.kind), spec.settings))
    return [
        problem.model_copy(update={"where": problem.where or manifest.place("environments", name, *part)})
        for part, adapter, settings in chosen
        for problem in adapter.check_settings(settings)
    ]


def _adapter(group: str, noun: str, kind: str) -> Any:
    """Loads the entry point of that name."""
    found = {point.name: point for point in entry_points(group=group)}
    if kind in found:
        return found[kind].load()
    known = ", ".join(sorted(found)) or "none"
    what = f"no {noun} of kind `{kind}` is installed"
    problem = Problem(
        code=f"{group.removeprefix('pilotage.').removesuffix('s')}.unknown",
        what=what,
        mend=f"installed are: {known}",
    )
    raise PilotageError(problem, exit_code=ExitCode.REFUSED_MANIFEST)


def _not_made(kind: str, error: Exception) -> Problem:
    return Problem(
        code="telemetry.not-made",
        what=f"the telemetry source {kind} can not be made with the settings of this plan",
        why=type(error).__name__,
        mend="`pilotage check` says what is wrong with the settings of the manifest as it is now",
    )


def unwritable(folder: Path, error: OSError) -> PilotageError:
    """Nothing can be kept in the state folder."""
    problem = Problem(
        code="state.unwritable",
        what=f"the state folder {folder} can not be written",
        why=error.strerror,
        mend="make room, or see who may write there; or choose another with --state",
    )
    return PilotageError(problem, exit_code=ExitCode.UNREACHABLE)

"""Finds adapters by the entry points they register under, built-in ones exactly as a stranger's."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pilotage.core.plan import Plan
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.manifest.model import Manifest
from pilotage.ports import Reach, Router, Site, Target

TARGETS, ROUTERS = "pilotage.targets", "pilotage.routers"


class Registry:
    """Makes the adapters of an environment once, each with a private folder below the state folder."""

    def __init__(self, state_folder: Path) -> None:
        self._state_folder = state_folder
        self._made: dict[str, Reach] = {}

    def reach(self, plan: Plan) -> Reach:
        """PilotageError when the plan names an adapter that is not installed, or the folder is unwritable."""
        kinds = f"{plan.target!r} {plan.router.kind} {plan.router.settings!r}"
        key = f"{plan.service}/{plan.environment}/{kinds}"
        if key not in self._made:
            # The HTTP client costs a tenth of a second to import; commands that only look do without it.
            from pilotage.adapters.prober import HttpProber

            self._made[key] = Reach(
                target=target(plan.target.kind)(self._site(plan, "target", plan.target.settings)),
                router=router(plan.router.kind)(self._site(plan, "router", plan.router.settings)),
                prober=HttpProber(),
            )
        return self._made[key]

    def _site(self, plan: Plan, part: str, settings: Mapping[str, Any]) -> Site:
        folder = self._state_folder / "environments" / plan.service / plan.environment / part
        cache = self._state_folder / "cache"
        try:
            for path in (folder, cache):
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise unwritable(self._state_folder, error) from error
        return Site(plan.service, plan.environment, folder, cache, settings)


def target(kind: str) -> type[Target]:
    found: type[Target] = _adapter(TARGETS, "target", kind)
    return found


def router(kind: str) -> type[Router]:
    found: type[Router] = _adapter(ROUTERS, "router", kind)
    return found


def settings_problems(manifest: Manifest, name: str) -> list[Problem]:
    """What the adapters of an environment find wrong with their settings, and where they stand."""
    environment = manifest.environment(name)
    chosen: list[tuple[str, type[Target] | type[Router], Mapping[str, Any]]] = [
        ("target", target(environment.target_spec().kind), environment.target_spec().settings),
        ("router", router(environment.router_spec().kind), environment.router_spec().settings),
    ]
    return [
        problem.model_copy(update={"where": problem.where or manifest.place("environments", name, part)})
        for part, adapter, settings in chosen
        for problem in adapter.check_settings(settings)
    ]


def _adapter(group: str, noun: str, kind: str) -> Any:
    found = {point.name: point for point in entry_points(group=group)}
    if kind in found:
        return found[kind].load()
    known = ", ".join(sorted(found)) or "none"
    what = f"no {noun} of kind `{kind}` is installed"
    problem = Problem(code=f"{noun}.unknown", what=what, mend=f"installed are: {known}")
    raise PilotageError(problem, exit_code=ExitCode.REFUSED_MANIFEST)


def unwritable(folder: Path, error: OSError) -> PilotageError:
    """Nothing can be kept in the state folder."""
    problem = Problem(
        code="state.unwritable",
        what=f"the state folder {folder} can not be written",
        why=error.strerror,
        mend="make room, or see who may write there; or choose another with --state",
    )
    return PilotageError(problem, exit_code=ExitCode.UNREACHABLE)

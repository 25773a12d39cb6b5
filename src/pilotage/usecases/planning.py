"""What a release would do, before anything is done."""

from __future__ import annotations

from datetime import datetime

from pilotage.core.environment import Environment as Known
from pilotage.core.environment import Good
from pilotage.core.flags import FlagSeen
from pilotage.core.plan import Plan
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.manifest.model import Environment, Fingerprint, Manifest
from pilotage.strategies.feature_flag import FeatureFlag
from pilotage.strategies.gates import scheduled
from pilotage.strategies.hooks import woven
from pilotage.strategies.method import Context
from pilotage.strategies.restore import Restore
from pilotage.usecases.migrating import passable


def plan_release(
    manifest: Manifest,
    environment: Environment,
    known: Known,
    version: str,
    *,
    fingerprint: Fingerprint,
    flag: FlagSeen | None = None,
    again: bool = False,
) -> Plan:
    """The plan of releasing ``version`` to an environment as it is known now.

    ``flag`` is what the method's flag is. ``again`` releases the same content once more, as instances of
    their own. PilotageError when exactly this is live already.
    """
    release = manifest.release(version, manifest.folder, fingerprint)
    if again:
        release = release.once_more(f"rollout {known.rollouts + 1}")
    live = known.live
    if live is not None and not again and live.release.same_content(release):
        raise PilotageError(_already_live(version, environment.name), exit_code=ExitCode.BLOCKED)
    plan = environment.method.compile(
        Context(
            environment=environment.name,
            new=release,
            instances=environment.instances,
            basis=known.basis.model_copy(update={"flag": flag}) if flag else known.basis,
            flags=environment.flags_spec(manifest.folder),
            target=environment.target_spec(),
            router=environment.router_spec(),
            telemetry=environment.telemetry_specs(),
            checks=environment.checks,
            judge=environment.judge_settings(),
        )
    )
    plan = woven(plan, environment.hooks())
    try:
        return scheduled(plan, environment.start, environment.windows)
    except ValueError as error:
        raise PilotageError(_never_open(manifest, environment, str(error)), exit_code=ExitCode.USAGE) from None


def plan_as_if(
    manifest: Manifest,
    environment: Environment,
    version: str,
    running: str,
    *,
    fingerprint: Fingerprint,
    now: datetime,
) -> Plan:
    """The plan of releasing ``version`` if ``running`` were live there and nothing had ever been before.

    PilotageError when the method depends on more than that.
    """
    if isinstance(environment.method, FeatureFlag):
        raise PilotageError(not_rehearsed(environment.method.method), exit_code=ExitCode.USAGE)
    live = Good(
        release=manifest.release(running, manifest.folder, fingerprint),
        instances=environment.instances,
        rollout="",
        at=now,
    )
    known = Known(service=manifest.service, name=environment.name, lineage=(live,))
    key = environment.method.flag_key
    flag = FlagSeen(key=key) if key is not None else None
    return plan_release(manifest, environment, known, version, fingerprint=fingerprint, flag=flag)


def not_rehearsed(method: str) -> Problem:
    return Problem(
        code="rehearsal.flags",
        what=f"a release by {method} can not be rehearsed",
        why="users with and without a feature are not told apart by the model of a service",
        mend="`pilotage plan` shows its steps, and what the judge will see",
    )


def plan_restore(known: Known) -> Plan:
    """The plan of going back to the last good release, without any manifest.

    PilotageError when there is none. Reaches target and router as the last promotion did.
    """
    previous, live, last = known.previous, known.live, known.last_plan
    if previous is None or live is None or last is None:
        raise PilotageError(_no_way_back(known), exit_code=ExitCode.BLOCKED)
    plan = Restore().compile(
        Context(
            environment=known.name,
            new=previous.release,
            instances=previous.instances,
            basis=known.basis,
            target=last.target,
            router=last.router,
            flags=last.flags,
            takes_flag_back=last.basis.flag if last.new.id == live.release.id else None,
        )
    )
    return passable(plan, known)


def _already_live(version: str, environment: str) -> Problem:
    return Problem(
        code="release.already-live",
        what=f"{version} is live in {environment} already, with the same artifact and settings",
        mend="to restart it as a rollout of its own, add --again",
    )


def _never_open(manifest: Manifest, environment: Environment, what: str) -> Problem:
    return Problem(
        code="manifest.never-open",
        what=what,
        mend="correct one of them: both must be open for exposure to grow",
        where=manifest.place("environments", environment.name, "windows"),
    )


def _no_way_back(known: Known) -> Problem:
    what = f"{known.name} has no earlier good version to go back to"
    live = known.live.release.version if known.live else None
    why = f"what was promoted besides {live} was taken back" if live else "nothing runs there"
    return Problem(code="rollback.no-earlier", what=what, why=why, mend="release a version that works instead")

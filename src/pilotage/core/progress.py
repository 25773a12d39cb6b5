"""Which steps hold in the world: one function a step, each safe to ask again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from pilotage.core import choosing, flagging, gating, mirroring, world
from pilotage.core import events as e
from pilotage.core.fleet import Phase, of_release
from pilotage.core.judging import Outcome, Verdict
from pilotage.core.notation import show_duration
from pilotage.core.running import settle_hook
from pilotage.core.safety import ailment, old_is_down
from pilotage.core.settled import WAITING, Settled, give_up
from pilotage.core.sight import sight
from pilotage.core.state import State, Status
from pilotage.core.steps import (
    Expose,
    Flag,
    Gate,
    Hook,
    Judge,
    Mirror,
    Pause,
    Prepare,
    Promote,
    Retire,
    Scale,
    Step,
    Undecided,
    Verify,
)
from pilotage.core.turn import RECHECK, SOON, TICK, Turn
from pilotage.core.values import EVERYBODY, percent
from pilotage.errors import Problem


def advance(turn: Turn) -> None:
    """Walks on over every step that holds; ends the rollout after the last."""
    if turn.state.status not in (Status.RUNNING, Status.ROLLING_BACK):
        return
    while (step := turn.state.step) is not None:
        was_back = turn.state.back
        settled = settle(turn, step)
        if turn.state.back != was_back:
            continue
        if not settled.done or not _may_go_on(turn):
            return
        state = turn.state
        turn.record(
            e.StepFinished(
                at=turn.now,
                index=state.position,
                back=state.back,
                note=settled.note,
                inputs=settled.inputs,
            )
        )
    _finish(turn)


def _finish(turn: Turn) -> None:
    state = turn.state
    ending = e.Ending.ROLLED_BACK if state.back else e.Ending.SUCCEEDED
    began = state.started or state.created
    why, took = "; ".join(state.why), turn.now - began
    turn.record(e.Finished(at=turn.now, ending=ending, why=why, took=took, routing=turn.wanted))


def _may_go_on(turn: Turn) -> bool:
    """Whether the next forward step may be entered: nobody paused it, and the old version can take over."""
    state = turn.state
    if state.back:
        return True
    if state.paused_by is not None:
        turn.wake_in(TICK if state.exposed_at else RECHECK)
        return False
    following = state.steps[state.position + 1] if state.position + 1 < len(state.steps) else None
    if isinstance(following, Flag) and not flagging.may_be_shown(turn, following):
        turn.wake_in(SOON)
        return False
    if not isinstance(following, Expose | Promote) or not widens(turn, following):
        return True
    problem = old_is_down(turn)
    if problem is not None and not (state.continued or state.continue_all):
        turn.trouble(problem)
        turn.wake_in(TICK)
        return False
    if isinstance(following, Expose) and not world.healthy(turn.instances, state.plan.new.id):
        turn.wake_in(SOON)
        return False
    return True


def widens(turn: Turn, step: Expose | Promote) -> bool:
    """Whether the plan shows the new version to more users by this step than by those before."""
    new = turn.state.plan.new.id
    if isinstance(step, Promote):
        return step.release == new
    return step.wider_than(world.exposure(turn.state), new)


def settle(turn: Turn, step: Step) -> Settled:
    """Does the step hold? Turns back when it cannot any more."""
    match step:
        case Gate():
            return gating.settle(turn, step)
        case Prepare():
            return _prepare(turn, step)
        case Scale():
            return _scale(turn, step)
        case Verify():
            return _verify(turn, step)
        case Expose():
            return _expose(turn, step)
        case Mirror():
            note = mirroring.settle(turn, step)
            return WAITING if note is None else Settled(done=True, note=note)
        case Judge():
            return _judge(turn, step)
        case Pause():
            return _pause(turn, step)
        case Hook():
            return settle_hook(turn, step)
        case Promote():
            return _promote(turn, step)
        case Retire():
            return _retire(turn, step)
        case Flag():
            return _flag(turn, step)
        case _:
            assert_never(step)


def _problem(code: str, what: str, why: str | None = None) -> Problem:
    return Problem(code=f"rollout.{code}", what=what, why=why, mend="see `pilotage logs` for what it wrote")


def _late(turn: Turn, timeout: timedelta) -> bool:
    return turn.now - turn.state.entered >= timeout


def _prepare(turn: Turn, step: Prepare) -> Settled:
    state = turn.state
    known = turn.seen.preparations.get(step.release)
    if known is not None and known.digest and step.release not in state.prepared:
        turn.record(e.Prepared(at=turn.now, release=step.release, digest=known.digest))
    if step.release in turn.state.prepared:
        return Settled(done=True, note=turn.state.prepared[step.release])
    version = state.plan.version(step.release)
    if known is not None and known.problem is not None:
        return give_up(turn, known.problem)
    if _late(turn, step.timeout):
        limit = show_duration(step.timeout)
        return give_up(turn, _problem("prepare-timeout", f"{version} could not be prepared within {limit}"))
    turn.wake_in(SOON)
    return WAITING


def _scale(turn: Turn, step: Scale) -> Settled:
    if turn.seen.instances is None:
        well, existing = 0, -1
    else:
        mine = of_release(turn.instances, step.release)
        well, existing = sum(1 for i in mine if i.healthy and i.number <= step.instances), len(mine)
    if well == step.instances == existing:
        return Settled(done=True, note=f"{well} healthy")
    if _late(turn, step.timeout):
        version = turn.state.plan.version(step.release)
        limit = show_duration(step.timeout)
        what = f"{well} of {step.instances} instances of {version} were healthy after {limit}"
        return give_up(turn, _problem("not-healthy", what, ailment(turn, step.release)), e.Cause.UNHEALTHY)
    if not turn.state.back and _hopeless(turn, step):
        version = turn.state.plan.version(step.release)
        what = f"{version} keeps crashing before it becomes healthy"
        return give_up(turn, _problem("crash-loop", what, ailment(turn, step.release)), e.Cause.UNHEALTHY)
    turn.wake_in(SOON)
    return WAITING


def _hopeless(turn: Turn, step: Scale) -> bool:
    """A new instance that has crashed three times and never served will not get better by waiting."""
    if step.release != turn.state.plan.new.id:
        return False
    mine = of_release(turn.instances, step.release)
    return any(i.restarts >= 3 and i.phase in (Phase.CRASHED, Phase.STARTING) for i in mine)


def _verify(turn: Turn, step: Verify) -> Settled:
    state, report = turn.state, turn.seen.report
    if report is not None and report.release == step.release and report.attempt == state.attempts:
        turn.record(
            e.Checked(at=turn.now, release=report.release, failures=report.failures, passed=report.passed)
        )
        if not report.failures and report.passed == len(step.checks):
            return Settled(done=True, note="checks passed")
    state = turn.state
    if state.last_check is not None and not state.last_check:
        return Settled(done=True, note="checks passed")
    if state.attempts >= step.attempts:
        failed = "; ".join(f"{name}: {wrong}" for name, wrong in (state.last_check or {}).items())
        version = state.plan.version(step.release)
        what = f"{version} failed its checks before any user"
        return give_up(turn, _problem("checks-failed", what, failed))
    if _late(turn, timedelta(minutes=5)):
        return give_up(turn, _problem("checks-timeout", "the checks could not be made within 5m"))
    turn.wake_in(SOON if state.attempts == 0 else TICK)
    return WAITING


def _expose(turn: Turn, step: Expose) -> Settled:
    state = turn.state
    if turn.confirmed and (state.revision == turn.wanted.revision or not any(s.share for s in step.splits)):
        return Settled(done=True, note=_shares(turn, step))
    router = turn.seen.router
    intent = state.intents.get("route")
    refused = router.rejected if router is not None else None
    if refused is not None and intent is not None and intent.done and intent.value == turn.wanted.revision:
        return give_up(turn, refused)
    if _late(turn, step.timeout):
        what = f"the router did not confirm the new routing within {show_duration(step.timeout)}"
        why = state.problem.what if state.problem else (router.detail if router else None)
        return give_up(turn, _problem("not-confirmed", what, why))
    turn.wake_in(SOON)
    return WAITING


def _shares(turn: Turn, step: Expose) -> str:
    plan = turn.state.plan
    return ", ".join(f"{plan.version(s.release)} {percent(s.share)}" for s in step.splits) or "nobody"


def _judge(turn: Turn, step: Judge) -> Settled:
    state = turn.state
    if step.choose is not None:
        return choosing.settle(turn, step, step.choose)
    if state.continued or state.continue_all:
        return Settled(done=True, note="a person let it go on")
    verdict = turn.fresh_verdict
    passed = verdict is not None and verdict.outcome is Outcome.PASS
    if passed and _late(turn, step.at_least) and _enough(verdict, step):
        return Settled(done=True, note=_passed(turn), inputs=turn.seen.inputs)
    if state.plan.judge is None and _late(turn, step.at_least):
        return Settled(done=True, note="nothing to compare with")
    if step.at_most is not None and _late(turn, step.at_most):
        return _undecided(turn, step)
    turn.wake_in(TICK)
    return WAITING


def _enough(verdict: Verdict | None, step: Judge) -> bool:
    return verdict is not None and verdict.requests_new >= step.requests


def _passed(turn: Turn) -> str:
    state = turn.state
    looks = sight(state.plan, world.exposure(state))
    if state.compared_share == EVERYBODY or (looks.group and not looks.compared):
        return "below the error limit"
    return "not worse than the old version" if state.plan.feature is None else "not worse than without it"


def _undecided(turn: Turn, step: Judge) -> Settled:
    assert step.at_most is not None
    verdict = turn.seen.verdict
    missing = "; ".join(verdict.why) if verdict else "no telemetry"
    if verdict is not None and not _enough(verdict, step):
        missing = f"{verdict.requests_new} of the {step.requests} requests that the plan asks for; {missing}"
    what = f"the judge did not know after {show_duration(step.at_most)}"
    if step.undecided is Undecided.ROLLBACK:
        turn.turn_back(e.Cause.UNDECIDED, what, missing)
        return WAITING
    mend = "wait for more traffic, or decide yourself: `pilotage promote` or `pilotage abort`"
    turn.trouble(Problem(code="rollout.undecided", what=f"{what}: holding", why=missing, mend=mend))
    turn.wake_in(TICK)
    return WAITING


def _pause(turn: Turn, step: Pause) -> Settled:
    state = turn.state
    if state.continued or state.continue_all:
        return Settled(done=True, note=_said_yes(state) if step.ask or step.why else "a person let it go on")
    if step.duration is not None and _late(turn, step.duration):
        return Settled(done=True)
    turn.wake_in(TICK)
    return WAITING


def _said_yes(state: State) -> str:
    reason = f": {state.continue_reason}" if state.continue_reason else ""
    return f"{state.continued_by} said yes{reason}"


def _promote(turn: Turn, step: Promote) -> Settled:
    live = turn.state.plan.basis.live
    already = turn.state.promoted or (live.id if live else None)
    if already != step.release:
        if not turn.confirmed:
            # What is recorded as the environment's routing must be what was seen, not what was hoped for.
            turn.wake_in(SOON)
            return WAITING
        turn.record(e.Promoted(at=turn.now, release=step.release, routing=turn.wanted))
    return Settled(done=True, note=turn.state.plan.version(step.release))


def _retire(turn: Turn, step: Retire) -> Settled:
    state = turn.state
    if not world.retirement_due(state, step, turn.now):
        due = state.entered + step.keep_warm
        turn.wakes.append(min(due, turn.now + RECHECK))
        return WAITING
    gone = turn.seen.instances is not None and not of_release(turn.instances, step.release)
    if gone and turn.confirmed:
        return Settled(done=True)
    turn.wake_in(SOON)
    return WAITING


def _flag(turn: Turn, step: Flag) -> Settled:
    if flagging.confirmed(turn):
        return Settled(done=True, note=flagging.told(step.flag))
    turn.wake_in(SOON)
    if not _late(turn, step.timeout):
        return WAITING
    state = turn.state
    what = f"the flag {step.flag.key} was not seen to be as wanted within {show_duration(step.timeout)}"
    problem = Problem(
        code="rollout.flag-not-confirmed", what=what, why=state.problem.what if state.problem else None
    )
    if not (state.back or state.plan.restores):
        return give_up(turn, problem)
    turn.trouble(problem)
    # The old version ends the feature too; that it is not off yet must not keep users from it (guarantee 10).
    others = state.position + 1 < len(state.steps)
    return Settled(done=True, note="not confirmed, tried again at the end") if others else WAITING

"""Laws about what is recorded: each looks at one event, at the record before it, and at what was really seen.

Nothing here asks the heart whether it was right: every law is told in its own words.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pilotage.core import events as e
from pilotage.core.environment import Environment
from pilotage.core.fleet import Instance
from pilotage.core.judging import Outcome, Verdict
from pilotage.core.state import Status
from pilotage.core.steps import (
    Expose,
    Flag,
    Gate,
    Judge,
    Mirror,
    NoWinner,
    Pause,
    Prepare,
    Promote,
    Retire,
    Scale,
    Step,
    Verify,
)
from pilotage.ports import Change
from pilotage.simulate import features, windows
from pilotage.simulate.people import MINIMUM
from pilotage.simulate.place import Quality
from pilotage.simulate.trouble import now

if TYPE_CHECKING:
    from pilotage.simulate.laws import Laws, Record
    from pilotage.simulate.process import Process

ACTS = (e.StepFinished, e.Intended, e.Done, e.Failed, e.Promoted, e.Exposed, e.DrainStarted, e.TurnedBack)


def check(laws: Laws, record: Record, event: e.Event, after: Environment | None) -> None:
    """Every law about this one event."""
    state = record.state
    told = f"{state.id}: {event.kind} after the end"
    ended = state.status.final and not isinstance(event, e.Heard | e.Refused)
    laws.hold("a final state is final", told, when=not ended)
    if isinstance(event, ACTS):
        laws.hold("who waits does nothing", state.id, when=state.status is not Status.QUEUED)
        known = laws.environments.get(record.place.name)
        holders = {known.holder if known is not None else None, after.holder if after is not None else None}
        told = f"{state.id}: {event.kind} while {holders} hold {record.place.name}"
        laws.hold("one rollout changes an environment", told, when=state.id in holders)
    match event:
        case e.Started():
            known = laws.environments.get(record.place.name)
            free = known is None or known.holder in (None, state.id)
            laws.hold("one rollout changes an environment", f"{state.id} starts too early", when=free)
        case e.StepFinished():
            _step(laws, record, event)
        case e.Promoted():
            _promoted(laws, record, event)
        case e.TurnedBack():
            _turned(laws, record, event)
        case e.Heard():
            _heard(laws, record, event)
        case e.Finished():
            _finished(laws, record, event)
        case e.Done():
            intent = state.intents.get(event.key)
            told = f"{state.id}: {event.key} is done"
            laws.hold("an effect has its intent before it", told, when=intent is not None)
        case _:
            pass


def _step(laws: Laws, record: Record, event: e.StepFinished) -> None:
    state, told = record.state, f"{record.state.id}: step {event.index}"
    walked = sum(1 for x in record.events if isinstance(x, e.StepFinished) and x.back == event.back)
    in_order = event.index == walked and event.back == state.back
    laws.hold("steps are walked one by one", f"{told}, after {walked}", when=in_order)
    laws.hold("a pause holds", told, when=state.back or state.paused_by is None)
    step = state.step
    if step is None:
        return
    let_go = state.continued or state.continue_all
    held = event.at - state.entered
    if isinstance(step, Gate):
        windows.check_passed(laws, record, step, event)
    if isinstance(step, Judge | Pause) and not let_go:
        least = step.at_least if isinstance(step, Judge) else step.duration
        laws.hold("no step earlier than its hold", f"{told} after {held}", when=least is None or held >= least)
        _steady(laws, record, least, told)
    if isinstance(step, Judge) and not let_go and not state.back:
        _judged(laws, record, told)
        _chosen(laws, step, state.verdict, held, told)
    if isinstance(step, Retire) and not state.continued:
        laws.hold("no step earlier than its hold", f"{told} after {held}", when=held >= step.keep_warm)
        _steady(laws, record, step.keep_warm, told)
    windows.check_grown(laws, record, event)
    _holds(laws, record, step, told)
    _next(laws, record, told)


def _steady(laws: Laws, record: Record, least: timedelta | None, told: str) -> None:
    """By time as it really passed, when no clock was touched."""
    if least is None or {"jump", "skew"} & laws.world.scenario.weather.keys():
        return
    passed = now() - record.entered
    laws.hold(
        "no step earlier than its hold",
        f"{told} after {passed:.2f} s",
        when=passed >= least.total_seconds() - 0.5,
    )


def _judged(laws: Laws, record: Record, told: str) -> None:
    """Missing data never advances: figures were read in this step, enough of them, and not terrible ones."""
    plan, place = record.plan, record.place
    if plan.judge is None:
        return
    if plan.feature is not None:
        features.check_judged(laws, record, _holding(laws, record), told, MINIMUM)
        return
    holder = _holding(laws, record)
    fresh = holder.read.get(place.name, -1.0) if holder is not None else -1.0
    laws.hold(
        "missing data never advances", f"{told} passed; last read at {fresh:.1f}", when=fresh >= record.entered
    )
    place.router.flow()
    enough = place.router.totals.get(plan.new.id, 0.0) >= MINIMUM
    laws.hold("missing data never advances", f"{told} passed with too few requests", when=enough)
    bad = place.qualities.get(plan.new.id) is Quality.BAD
    laws.hold("a version that fails is never let go on", told, when=not bad)


def _chosen(laws: Laws, step: Judge, verdict: Verdict | None, held: timedelta, told: str) -> None:
    """An A/B test goes on by a choice: its measure speaks for the new version, or the horizon as planned."""
    choose = step.choose
    if choose is None:
        return
    bounds = [one.high for one in verdict.measures if one.name == choose.measure] if verdict else []
    shown = bool(bounds) and bounds[0] is not None and bounds[0] * choose.line < 1.0  # less is better here
    over = step.at_most is not None and held >= step.at_most and choose.no_winner is NoWinner.NEW
    laws.hold("nothing is chosen unshown", told, when=shown or over)


def _holds(laws: Laws, record: Record, step: Step, told: str) -> None:
    """The step holds in the world as it was last really seen."""
    state = record.state
    seen: Any = _saw(laws, record, "target")
    mine = [i for i in seen or () if isinstance(i, Instance) and i.exists]
    match step:
        case Scale():
            well = [i for i in mine if i.release == step.release and i.healthy and i.number <= step.instances]
            exact = len(well) == step.instances == sum(1 for i in mine if i.release == step.release)
            laws.hold("a step holds when it is seen to", f"{told}: {len(well)} of {step.instances}", when=exact)
        case Verify():
            laws.hold("nobody sees what is not proven", told, when=state.last_check == {})
        case Prepare():
            laws.hold("a step holds when it is seen to", told, when=step.release in state.prepared)
        case Expose():
            router = _saw(laws, record, "router")
            shown = router.revision if router is not None else None
            nobody = not any(split.share for split in step.splits)
            seen_so = shown is not None and shown == state.revision
            laws.hold("a share counts when the router shows it", told, when=nobody or seen_so)
        case Mirror():
            report = state.reconciled
            count = report.compared if report is not None and report.outcome is Outcome.PASS else 0
            laws.hold("a parallel run ends reconciled", told, when=count >= step.requests)
            signed = report is not None and state.signed_off == report.digest
            laws.hold("a parallel run ends signed off", told, when=signed or not step.sign_off)
            bad = record.place.qualities.get(record.plan.new.id) is Quality.BAD
            laws.hold("a version that answers differently is never let go on", told, when=not bad)
        case Flag():
            flag = _saw(laws, record, "flags")
            seen_so = flag is not None and flag.revision == step.flag.revision
            given_up = state.back or state.plan.restores  # the old version ends the feature too
            laws.hold("a share counts when the flag shows it", told, when=seen_so or given_up)
        case Gate():
            pass
        case Retire():
            left = [i.id for i in mine if i.release == step.release]
            laws.hold("a step holds when it is seen to", f"{told}: {left} still there", when=not left)
        case Promote():
            done = state.promoted or (record.plan.basis.live.id if record.plan.basis.live else None)
            laws.hold("a step holds when it is seen to", told, when=done == step.release)
        case _:
            pass


def _holding(laws: Laws, record: Record) -> Process | None:
    owner = record.owner[0] if record.owner is not None else ""
    return laws.world.processes.get(owner)


def _saw(laws: Laws, record: Record, port: str) -> Any:
    """What the worker that holds the rollout last saw."""
    process = _holding(laws, record)
    return process.saw.get((record.place.name, port)) if process is not None else None


def _next(laws: Laws, record: Record, told: str) -> None:
    """Nothing is widened while the old version is down, except by a person."""
    state = record.state
    following = state.steps[state.position + 1] if state.position + 1 < len(state.steps) else None
    live = state.plan.basis.live
    if state.back or live is None or state.plan.restores or not isinstance(following, Expose):
        return
    new = state.plan.new.id
    before = [s for s in state.steps[: state.position + 1] if isinstance(s, Expose)]
    shown = max((s.share(new) for s in before), default=0)
    seen = {(pin.group, pin.share) for s in before for pin in s.pins}
    groups = {(pin.group, pin.share) for pin in following.pins} - seen
    wider = following.share(new) > shown or bool(groups)
    let_go = state.continued or state.continue_all
    down = live.id in state.sick
    laws.hold("nothing is widened while the old version is down", told, when=not (wider and down) or let_go)


def _promoted(laws: Laws, record: Record, event: e.Promoted) -> None:
    state = record.state
    earlier = [x.release for x in record.events if isinstance(x, e.Promoted)]
    told = f"{state.id} promotes {event.release} after {earlier}"
    expected = [] if event.release == state.plan.new.id else [state.plan.new.id]
    laws.hold("nothing is promoted twice", told, when=earlier == expected)
    router = _saw(laws, record, "router")
    shown = router is not None and event.routing is not None and router.revision == event.routing.revision
    laws.hold("nothing is promoted unseen", told, when=shown)
    back = event.release != state.plan.new.id
    laws.hold("nothing is promoted twice", told, when=state.back == back)


def _turned(laws: Laws, record: Record, event: e.TurnedBack) -> None:
    state = record.state
    laws.hold("a rollout turns back once", state.id, when=not state.back)
    if event.cause is e.Cause.JUDGED:
        failed = state.verdict is not None and state.verdict.outcome is Outcome.FAIL
        laws.hold("only a verdict takes back as judged", state.id, when=failed)
    if event.cause is e.Cause.CHOSEN:
        chooses = isinstance(state.step, Judge) and state.step.choose is not None
        laws.hold("nothing is chosen unshown", state.id, when=chooses)


def _heard(laws: Laws, record: Record, event: e.Heard) -> None:
    """Whoever was heard was followed, or told why not."""
    state = record.state
    laws.hold("an order is heard once", state.id, when=event.upto > state.heard)
    for number in range(state.heard + 1, event.upto + 1):
        known = record.messages.get(number)
        if known is None or known[0].order not in (e.Order.ROLLBACK, e.Order.ABORT):
            continue
        refused = any(isinstance(x, e.Refused) for x in record.events[-8:])
        ended = state.back or state.status.final or refused
        laws.hold("a rollback is never blocked", f"{state.id} heard it and goes on", when=ended)


def _finished(laws: Laws, record: Record, event: e.Finished) -> None:
    state = record.state
    if event.ending is e.Ending.VOID:
        laws.hold("what began is never void", state.id, when=state.status is Status.QUEUED)
    elif event.handed_over:
        laws.hold("only what is promoted is handed over", state.id, when=state.warm)
    else:
        rolled = event.ending is e.Ending.ROLLED_BACK
        walked = state.step is None and state.back == rolled
        laws.hold("a rollout ends after its last step", f"{state.id}: {event.ending.value}", when=walked)


def check_end(laws: Laws, record: Record) -> None:
    """What was taken back is as it was before."""
    state = record.state
    if state.status is not Status.ROLLED_BACK:
        return
    known, before = laws.environments.get(record.place.name), state.plan.basis
    live = known.live.release.id if known is not None and known.live is not None else None
    expected = before.live.id if before.live is not None else None
    expected = state.plan.new.id if state.stays else expected
    laws.hold("a way back leads to what was", f"{state.id}: {live} is live", when=live == expected)


def check_outcome(laws: Laws, process: Process, change: Change) -> None:
    """The commit after an effect tells what came of it."""
    owed = process.owed.pop(process.caller, None)
    if owed is not None:
        told = any(isinstance(x, e.Done | e.Failed) and x.key == owed for x in change.events)
        laws.hold("an effect has its outcome after it", f"{change.state.id}: {owed}", when=told)

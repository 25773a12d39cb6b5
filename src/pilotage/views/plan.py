"""A plan before it is carried out: who is exposed when and for how long, what stops it, the way back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import assert_never

from pilotage.core.notation import show_duration
from pilotage.core.plan import Plan
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
from pilotage.core.values import EVERYBODY, Duration, Frozen
from pilotage.views import choosing, featuring, foresight, gates, mirroring
from pilotage.views.evidence import RehearsedView
from pilotage.views.figures import ZERO, counted, percent, rate
from pilotage.views.foresight import ForesightView
from pilotage.views.hooks import database_told, hook_stops, no_return_told
from pilotage.views.ink import EMPTY, Line, Span, Tone, fit, line, plain, span, table, wrap
from pilotage.views.titles import RESTORE, alone, asked, audience, title, version


class PlannedStep(Frozen):
    number: int
    kind: str
    title: str
    share: int | None = None
    """Of the new version after this step, in parts per million; None: as before."""
    of: str | None = None
    """``requests`` or ``users``."""
    at_least: Duration = ZERO
    at_most: Duration | None = None
    """None: as long as it takes."""
    stops: str | None = None
    """What would stop it here, and what then."""


class PlanView(Frozen):
    service: str
    environment: str
    method: str
    old: str | None
    new: str
    instances: int
    digest: str
    steps: tuple[PlannedStep, ...]
    way_back: tuple[PlannedStep, ...]
    promoted_after: Duration
    """The least time until everybody has the new version and it is promoted."""
    warming: Duration = ZERO
    """How much of that is only because the judge warms up for longer than the first steps are held."""
    keep_warm: Duration
    """How long the old version stays ready after that."""
    dark: int = 0
    """So many steps of the way back are enough once the new version is promoted: it stays."""
    warnings: tuple[str, ...]
    windows: str = ""
    """When exposure may grow, and when it may next; empty: always."""
    database: str = ""
    """Where it is, and what is done to it; empty when nothing is."""
    no_return: str = ""
    """From which step on the old version cannot come back, and why; empty when it always can."""
    sees: ForesightView | None = None
    """What the judge will see; None: nothing is judged, or there are no figures of the traffic."""
    rehearsed: RehearsedView | None = None
    """When the way back of this method was really walked last; None: nobody asked, or there is none."""
    choice: str = ""
    """What an A/B test chooses by and what it can see; empty: nothing is chosen."""
    feature: str | None = None
    """The flag whose shares of users the steps have, instead of the new version's."""


def view_of(
    plan: Plan,
    sees: ForesightView | None = None,
    rehearsed: RehearsedView | None = None,
    *,
    now: datetime | None = None,
) -> PlanView:
    """``now``: to say when its windows open."""
    planned = tuple(_planned(plan, s, n, alone=alone(plan, n - 1)) for n, s in enumerate(plan.steps, 1))
    steps = _warmed_up(plan, planned)
    return PlanView(
        service=plan.service,
        environment=plan.environment,
        method=plan.method,
        old=plan.old.version if plan.old else None,
        new=version(plan, plan.new.id),
        instances=plan.instances,
        digest=plan.digest,
        steps=steps,
        way_back=tuple(_planned(plan, step, number) for number, step in enumerate(plan.way_back, 1)),
        dark=plan.dark,
        promoted_after=_waited(steps),
        warming=_waited(steps) - _waited(planned),
        keep_warm=max((s.keep_warm for s in plan.steps if isinstance(s, Retire)), default=ZERO),
        warnings=(
            *_warnings(plan),
            *gates.warnings(plan, now),
            *(plan.database.warnings if plan.database else ()),
        ),
        windows=gates.told(plan, now),
        database=database_told(plan),
        no_return=no_return_told(plan),
        sees=sees,
        rehearsed=rehearsed,
        choice=choosing.told(plan),
        feature=plan.feature.key if plan.feature else None,
    )


WAITS = ("judge", "mirror", "pause")
"""Kinds of steps that take time by themselves."""


def earliest(view: PlanView) -> tuple[Duration, ...]:
    """For each step, how long after the start it can begin."""
    waits = [step.at_least if step.kind in WAITS else ZERO for step in view.steps]
    return tuple(sum(waits[:place], ZERO) for place in range(len(waits)))


def sees(view: PlanView) -> str:
    """What the shares of the steps are of: ``sees 2.0``, or ``has new-checkout`` of a flag."""
    return f"has {view.feature}" if view.feature else f"sees {view.new}"


def _waited(steps: Iterable[PlannedStep]) -> timedelta:
    return sum((one.at_least for one in steps if one.kind in WAITS), ZERO)


def _warmed_up(plan: Plan, steps: tuple[PlannedStep, ...]) -> tuple[PlannedStep, ...]:
    """With what the judge's warm-up adds: until that is over, counted from the first exposure, no judged step
    ends, however short it is held."""
    left, exposed, found = plan.judge.warm_up if plan.judge and (plan.old or plan.feature) else ZERO, False, []
    for step in steps:
        exposed = exposed or bool(step.share)
        least = max(step.at_least, left) if exposed and step.kind == "judge" else step.at_least
        left = max(ZERO, left - least) if exposed else left
        found.append(step.model_copy(update={"at_least": least}))
    return tuple(found)


def _planned(plan: Plan, step: Step, number: int, *, alone: bool = False) -> PlannedStep:
    at_least, at_most = _times(step)
    exposes = step if isinstance(step, Expose) and plan.feature is None else None
    had = featuring.shown_share(step) if plan.feature else None
    return PlannedStep(
        number=number,
        kind=step.kind,
        title=title(plan, step, alone=alone),
        share=exposes.share(plan.new.id) if exposes else had,
        of=audience(exposes) if exposes else "users" if had is not None else None,
        at_least=at_least,
        at_most=at_most,
        stops=_judge_stops(plan, step, alone=alone) if isinstance(step, Judge) else _stops(plan, step),
    )


def _times(step: Step) -> tuple[timedelta, timedelta | None]:
    match step:
        case Gate():
            return ZERO, None
        case Prepare() | Scale() | Expose() | Flag():
            return ZERO, step.timeout
        case Verify():
            return ZERO, timedelta(minutes=5)
        case Judge() | Mirror():
            return step.at_least, step.at_most
        case Pause():
            return step.duration or ZERO, step.duration
        case Hook():
            return ZERO, step.program.timeout
        case Promote():
            return ZERO, ZERO
        case Retire():
            return step.keep_warm, step.keep_warm + step.drain
        case _:
            assert_never(step)


def _stops(plan: Plan, step: Step) -> str | None:
    match step:
        case Gate():
            return gates.STOPS
        case Prepare():
            return f"not ready within {show_duration(step.timeout)}"
        case Scale(instances=0):
            return None
        case Scale():
            return f"not all healthy within {show_duration(step.timeout)}, or it keeps crashing"
        case Verify():
            tries = f" {step.attempts} times" if step.attempts > 1 else ""
            return f"one of {', '.join(check.name for check in step.checks)} fails{tries}"
        case Expose():
            return f"not confirmed by the router within {show_duration(step.timeout)}"
        case Flag():
            return f"the flag is not read back as wanted within {show_duration(step.timeout)}"
        case Pause(duration=None):
            nobody = f"{asked(step)} has not said" if step.ask else "nobody says"
            return f"{nobody} `pilotage promote`: waits"
        case Hook():
            return hook_stops(plan, step)
        case Mirror():
            return mirroring.stops(plan, step)
        case Judge() | Pause() | Promote() | Retire():
            return None
        case _:
            assert_never(step)


def _judge_stops(plan: Plan, step: Judge, *, alone: bool) -> str:
    new = plan.feature.key if plan.feature else version(plan, plan.new.id)
    if plan.judge is None or (plan.old is None and plan.feature is None):
        return f"{new} is not healthy any more"
    than = plan.old.version if plan.old and plan.feature is None else "it is without it"
    worse = f"{new} is shown to be worse than {than}"
    if alone:
        worse = f"{new} is shown to fail more than {rate(plan.judge.error_limit)} of requests"
    if step.choose is not None:
        return f"{worse}; {choosing.stops(plan, step, step.choose)}"
    if step.at_most is None:
        return f"{worse}; not known yet: waits"
    then = "goes back" if step.undecided is Undecided.ROLLBACK else "waits for a person"
    return f"{worse}; not known after {show_duration(step.at_most)}: {then}"


def _warnings(plan: Plan) -> list[str]:
    found = []
    exposes = [step for step in plan.steps if isinstance(step, Expose)]
    if plan.old is None:
        found.append("This is the first release here: there is no older version to go back to.")
    elif plan.old.version == plan.new.version:
        found.append(f"{plan.new.version} is live already; this releases it once more.")
    if not any(isinstance(step, Verify) for step in plan.steps) and plan.method != RESTORE:
        found.append("No checks: the first one to use the new version is a user. Add `checks`.")
    found += [mirroring.load(plan, step) for step in plan.steps if isinstance(step, Mirror)]
    if any(not step.splits for step in exposes):
        found.append("Nobody is served between the stop of the old version and the switch to the new one.")
    if plan.accepted_risk:
        found.append(f"Begins without a rehearsed way back, at an accepted risk: {plan.accepted_risk}")
    if plan.judge is None and plan.old is not None and plan.method not in (RESTORE, "big-bang"):
        found.append("Nothing is judged: only its health would take the new version back.")
    return found


def as_text(view: PlanView, width: int = 100) -> str:
    return plain(draw(view, width))


def draw(view: PlanView, width: int = 100) -> list[Line]:
    lines = [*_head(view, width), EMPTY, *_steps(view, width), EMPTY]
    lines += [*foresight.draw(view.sees, width), EMPTY] if view.sees else []
    for place, (told, numbers) in enumerate(_reasons(view).items()):
        label = "Goes back " if place == 0 else " " * 10
        at = span(f"{', '.join(map(str, numbers))}: ", Tone.DIM)
        lines += wrap(line(span(label, Tone.DIM), at, told), width, 12)
    if view.choice:
        lines += _labelled("Chooses", view.choice, width)
    lines += _labelled("Way back", _way_back(view), width)
    if view.rehearsed:
        lines += _labelled("Rehearsed", view.rehearsed.told, width)
    if view.windows:
        lines += _labelled("Windows", view.windows, width)
    if view.database:
        lines += _labelled("Database", view.database, width)
    if view.no_return:
        lines += _labelled("No return", view.no_return, width, Tone.WARN)
    lines += _labelled("Takes", _duration(view), width)
    lines.append(fit(line(span("Digest    ", Tone.DIM), view.digest), width))
    for warning in view.warnings:
        lines += _labelled("Warning", warning, width, Tone.WARN)
    return lines


def _labelled(label: str, text: str, width: int, tone: Tone = Tone.DIM) -> list[Line]:
    return wrap(line(span(f"{label:<10}", tone), text), width, 10)


def _head(view: PlanView, width: int) -> list[Line]:
    old = (span(view.old, Tone.OLD), " → ") if view.old else ()
    what = span(f"   {view.method}, {counted(view.instances, 'instance')}", Tone.DIM)
    where = (span(view.service, Tone.STRONG), " to ", span(view.environment, Tone.STRONG), ": ")
    return wrap(line(*where, *old, span(view.new, Tone.NEW), what), width)


def _steps(view: PlanView, width: int) -> list[Line]:
    """Number, step, who is exposed, how long; as many of these as the width allows."""
    bars = 10 if width >= 90 else 5 if width >= 76 else 0
    head = ["", "step", sees(view), "at least", "at most"] if bars else ["", "step", "share", "least"]
    rows = [[span(cell, Tone.DIM) for cell in head], *(_row(step, bars) for step in view.steps)]
    if width < 76:
        rows = [row[:4] for row in rows]
    return table(rows, width, right=frozenset({0}), indent=0)


def _row(step: PlannedStep, bars: int) -> list[Span]:
    waits = step.kind in ("judge", "mirror", "pause", "retire")
    least = show_duration(step.at_least) if waits and step.at_least else ""
    most = show_duration(step.at_most) if step.at_most else ("no limit" if step.at_most is None else "")
    return [
        span(f"{step.number:>2}", Tone.DIM),
        span(step.title, Tone.STRONG if step.share is not None else Tone.PLAIN),
        span(exposure_bar(step.share, bars), Tone.NEW),
        span(least, Tone.PLAIN),
        span(most, Tone.DIM),
    ]


def exposure_bar(share: int | None, size: int) -> str:
    """The new version's part, drawn and as a figure."""
    if share is None:
        return ""
    full = max(round(share / EVERYBODY * size), 1 if size else 0) if share else 0
    return f"{'█' * full}{'░' * (size - full)} {percent(share)}".lstrip()


def _reasons(view: PlanView) -> dict[str, list[int]]:
    """What stops it → the steps it stops at."""
    found: dict[str, list[int]] = {}
    for step in view.steps:
        if step.stops:
            found.setdefault(step.stops, []).append(step.number)
    return found


def _way_back(view: PlanView) -> str:
    whole = f"from anywhere: {_in_a_row(view.way_back)}"
    if not view.dark:
        return whole
    less = f"Once {view.new} is promoted and well: only {_in_a_row(view.way_back[: view.dark])}"
    return f"{whole}. {less}; the rest if `pilotage rollback` asks for it"


def _in_a_row(steps: tuple[PlannedStep, ...]) -> str:
    return "; ".join(step.title[:1].lower() + step.title[1:] for step in steps)


def _duration(view: PlanView) -> str:
    least = f"at least {show_duration(view.promoted_after)}" if view.promoted_after else "as long as it needs"
    warming = f" ({show_duration(view.warming)} of it until the judge is warmed up)" if view.warming else ""
    warm = f"; then {view.old} stays warm for {show_duration(view.keep_warm)}" if view.keep_warm else ""
    end = f"everybody has {view.feature}" if view.feature else f"{view.new} is promoted"
    return f"{least}{warming} until {end}{warm}"


def draw_way_back(plan: Plan, width: int = 100) -> list[Line]:
    """What a rollback does: the steps of a restore, or the way back of what is under way."""
    restoring = plan.method == RESTORE
    view = view_of(plan)
    here, there = (view.old, view.new) if restoring else (view.new, view.old)
    steps = view.steps if restoring else view.way_back
    names = (span(here or "nothing", Tone.NEW), " back to ", span(there or "nothing", Tone.OLD))
    head = line(span(view.service, Tone.STRONG), " in ", span(view.environment, Tone.STRONG), ": from ", *names)
    rows = [[span(f"{step.number:>2}", Tone.DIM), span(step.title, Tone.PLAIN)] for step in steps]
    return [*wrap(head, width), EMPTY, *table(rows, width, indent=0)]

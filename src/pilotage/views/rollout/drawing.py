"""A rollout's screen: its parts from top to bottom, as many of them as width and height allow."""

from __future__ import annotations

from datetime import UTC, tzinfo

from pilotage.core.events import Cause
from pilotage.core.fleet import Phase
from pilotage.core.state import Status
from pilotage.views.figures import clock, count, counted, lasting, percent, rate, seconds, ticking
from pilotage.views.ink import EMPTY, Line, Span, Tone, fit, line, plain, span, table, width_of, wrap
from pilotage.views.reconciliation import lines_of
from pilotage.views.rollout.judgement import judge_lines
from pilotage.views.rollout.model import InstanceView, Mark, RolloutView, StepView, TrafficView
from pilotage.views.story import Moment

LABEL = 10
"""Columns before the text of a labelled line."""
LEAST_STEPS = 3
"""Lines that the steps get on the smallest screen."""


def as_text(view: RolloutView, width: int = 100, zone: tzinfo = UTC) -> str:
    return plain(draw(view, width, zone=zone))


def draw(view: RolloutView, width: int = 100, height: int | None = None, *, zone: tzinfo = UTC) -> list[Line]:
    """No line is wider than ``width``; ``height``: no more lines than that, the least important left out."""
    head = [*_head(view, width), EMPTY]
    steps = _steps(view, width)
    middle = [*_traffic(view, width), *_compared(view, width), *judge_lines(view, width)]
    instances = _instances(view, width)
    foot = [EMPTY, *_foot(view, width, zone)]
    told = [one for one in view.timeline if not one.detail]
    if height is None:
        return [*head, *steps, *middle, *instances, *foot, *_timeline(told, width, zone)]
    room = height - len(head) - len(middle) - len(foot)
    if room < LEAST_STEPS:
        middle = [*_traffic(view, width), *_compared(view, width)[:2], *judge_lines(view, width, brief=True)]
        room = height - len(head) - len(middle) - len(foot)
    shown = _around_current(steps, view, max(room, LEAST_STEPS))
    room -= len(shown)
    kept = instances if len(instances) <= room else []
    room -= len(kept)
    recent = _timeline(told, width, zone, last=max(room - 2, 0))
    return [*head, *shown, *middle, *kept, *foot, *recent][:height]


def summary(view: RolloutView, width: int = 100, *, zone: tzinfo = UTC) -> list[Line]:
    """How it stands, without steps and timeline: for those who have read them pass by."""
    middle = [*_traffic(view, width), *_compared(view, width), *judge_lines(view, width)]
    return [*_head(view, width), *middle, EMPTY, *_foot(view, width, zone)]


_STATUS_TONE = {
    Status.QUEUED: Tone.WARN,
    Status.RUNNING: Tone.NEW,
    Status.ROLLING_BACK: Tone.BAD,
    Status.SUCCEEDED: Tone.GOOD,
    Status.ROLLED_BACK: Tone.BAD,
    Status.VOID: Tone.WARN,
}
_STATUS_SIGN = {
    Status.QUEUED: "○",
    Status.RUNNING: "●",
    Status.ROLLING_BACK: "←",
    Status.SUCCEEDED: "✓",
    Status.ROLLED_BACK: "←",
    Status.VOID: "○",
}


def _head(view: RolloutView, width: int) -> list[Line]:
    old = (span(view.old, Tone.OLD), " → ") if view.old else ()
    what = span(f"   {view.method}, {view.id}, by {view.by}", Tone.DIM)
    where = (span(view.service, Tone.STRONG), " to ", span(view.environment, Tone.STRONG), ": ")
    tone = Tone.GOOD if view.warm_until else _STATUS_TONE[view.status]
    sign = "✓" if view.warm_until else _STATUS_SIGN[view.status]
    took = span(f"   {_whole(view)}", Tone.DIM)
    title = line(*where, *old, span(view.new, Tone.NEW))
    one_line = width_of(title) + width_of((what,)) <= width
    names = (
        [line(*title, what)]
        if one_line
        else [*wrap(title, width), fit(line(span(what.text[3:], Tone.DIM)), width)]
    )
    return [*names, *wrap(line(span(f"{sign} {view.headline}", tone), took), width, 2)]


def _whole(view: RolloutView) -> str:
    took = view.figures.took
    if took is None:
        return ""
    return f"took {lasting(took)}" if view.finished else ticking(took)


_MARKS = {
    Mark.DONE: ("✓", Tone.GOOD),
    Mark.CURRENT: ("▶", Tone.NEW),
    Mark.NEXT: ("·", Tone.DIM),
    Mark.LEFT: ("✗", Tone.BAD),
    Mark.SKIPPED: ("–", Tone.DIM),
}


def _steps(view: RolloutView, width: int) -> list[Line]:
    forward = [step for step in view.steps if not step.back]
    back = [step for step in view.steps if step.back]
    lines = table([_step(step, width) for step in forward], width, right=frozenset({1}), indent=1)
    if back:
        lines.append(line(span(" Way back", Tone.DIM)))
        lines += table([_step(step, width) for step in back], width, right=frozenset({1}), indent=1)
    return lines


def _step(step: StepView, width: int) -> list[Span]:
    sign, tone = _MARKS[step.mark]
    quiet = Tone.DIM if step.mark in (Mark.NEXT, Mark.SKIPPED) else Tone.PLAIN
    name = Tone.STRONG if step.mark is Mark.CURRENT else quiet
    took = "" if step.took is None else ticking(step.took) if step.mark is Mark.CURRENT else lasting(step.took)
    return [
        span(sign, tone),
        span(str(step.number), Tone.DIM),
        span(step.title, name),
        span(took, Tone.PLAIN if step.mark is Mark.CURRENT else Tone.DIM),
        span(_remark(step) if width >= 72 else "", Tone.DIM),
    ]


def _remark(step: StepView) -> str:
    if step.mark is Mark.CURRENT and step.at_least:
        return f"at least {lasting(step.at_least)}"
    if step.mark is Mark.NEXT and step.at_least and step.kind == "judge":
        return f"at least {lasting(step.at_least)}"
    if step.mark is Mark.LEFT:
        return "turned back here"
    return step.note


def _around_current(steps: list[Line], view: RolloutView, room: int) -> list[Line]:
    """All steps if there is room; else those around the current one."""
    if len(steps) <= room:
        return steps
    current = next((i for i, step in enumerate(view.steps) if step.mark is Mark.CURRENT), len(view.steps) - 1)
    current += 1 if view.steps and view.steps[current].back else 0
    first = min(max(current - room // 2, 0), len(steps) - room)
    shown = steps[first : first + room]
    if first > 0:
        shown[0] = line(span(f" … {counted(first + 1, 'step')} before", Tone.DIM))
    after = len(steps) - first - room
    if after > 0:
        shown[-1] = line(span(f" … {counted(after + 1, 'step')} to come", Tone.DIM))
    return shown


def _traffic(view: RolloutView, width: int) -> list[Line]:
    shown = [one for one in view.traffic if one.confirmed is not None or one.requests is not None]
    if not shown:
        return []
    size = 30 if width >= 110 else 16 if width >= 80 else 8
    rows = [_traffic_row(one, size, narrow=width < 100) for one in shown]
    head = line(span(f"{'Traffic':<{LABEL}}", Tone.STRONG), *_setting(view))
    return [EMPTY, fit(head, width), *table(rows, width, right=frozenset({2, 3}), indent=2)]


def _compared(view: RolloutView, width: int) -> list[Line]:
    return [] if view.compared is None else lines_of(view.compared, view.new, width)


def _setting(view: RolloutView) -> tuple[str | Span, ...]:
    """What is set and not confirmed yet."""
    new = next((one for one in view.traffic if one.new), None)
    if new is None or new.set is None or new.set == (new.confirmed or 0):
        return (span("confirmed by the router", Tone.DIM),) if new and new.confirmed is not None else ()
    words = f"set {percent(new.set)}, confirmed {percent(new.confirmed or 0)}: waiting for the router"
    return (span(words, Tone.WARN),)


def _traffic_row(one: TrafficView, size: int, *, narrow: bool) -> list[Span]:
    tone = Tone.NEW if one.new else Tone.OLD
    share = one.confirmed
    row = [span(one.version, tone), span(share_bar(share, size), tone), span(_share(share), Tone.STRONG)]
    if one.requests is None:
        return row
    row.append(span(counted(one.requests, "request"), Tone.PLAIN))
    failed = one.failed or 0
    part = f" ({rate(failed / one.requests)})" if failed and one.requests and not narrow else ""
    words = f"{count(failed)} failed{part}"
    row.append(span(words, Tone.BAD if failed and one.new else Tone.PLAIN))
    if one.p95 is not None and not narrow:
        half = f"p50 ≤{seconds(one.p50)}  " if one.p50 is not None else ""
        row.append(span(f"{half}p95 ≤{seconds(one.p95)}", Tone.DIM))
    return row


def _share(share: int | None) -> str:
    return "–" if share is None else percent(share)


def share_bar(share: int | None, size: int) -> str:
    if share is None:
        return "░" * size
    full = min(max(round(share / 1_000_000 * size), 1 if share else 0), size)
    if share < 1_000_000:
        full = min(full, size - 1)
    return "█" * full + "░" * (size - full)


_PHASE_TONE = {
    Phase.STARTING: Tone.WARN,
    Phase.HEALTHY: Tone.GOOD,
    Phase.UNHEALTHY: Tone.BAD,
    Phase.CRASHED: Tone.BAD,
    Phase.STOPPING: Tone.DIM,
    Phase.STOPPED: Tone.DIM,
}


def _instances(view: RolloutView, width: int) -> list[Line]:
    if not view.instances or view.status.final:
        return []
    rows = [_instance(one) for one in view.instances]
    return [EMPTY, line(span("Instances", Tone.STRONG)), *table(rows, width, right=frozenset({1}), indent=2)]


def _instance(one: InstanceView) -> list[Span]:
    crashes = f"{counted(one.restarts, 'restart')}" if one.restarts else ""
    detail = "" if one.phase is Phase.HEALTHY else last_line(one.detail)
    return [
        span(one.version, Tone.NEW if one.new else Tone.OLD),
        span(str(one.number), Tone.DIM),
        span(one.phase.value, _PHASE_TONE[one.phase]),
        span(ticking(one.age) if one.age is not None else "", Tone.DIM),
        span(one.address, Tone.DIM),
        span(crashes, Tone.WARN),
        span(detail, Tone.DIM),
    ]


def labelled(label: str, text: str, width: int, tone: Tone = Tone.STRONG) -> list[Line]:
    return wrap(line(span(f"{label:<{LABEL}}", tone), text), width, LABEL)


def first_line(text: str | None) -> str:
    return text.strip().splitlines()[0] if text and text.strip() else ""


def last_line(text: str | None) -> str:
    return text.strip().splitlines()[-1] if text and text.strip() else ""


def _foot(view: RolloutView, width: int, zone: tzinfo) -> list[Line]:
    lines = _troubles(view, width) + _next(view, width, zone)
    for place, why in enumerate(view.why if view.cause is not None else ()):
        lines += labelled("Because" if place == 0 else "", first_line(why), width)
    if view.way_back:
        lines += labelled("Way back", view.way_back, width)
    return lines + _figures(view, width)


def _troubles(view: RolloutView, width: int) -> list[Line]:
    lines: list[Line] = []
    if view.unwatched is not None:
        silent = f"no worker has looked for {ticking(view.unwatched)}"
        lines += labelled("Warning", f"{silent}: `pilotage worker` runs one", width, Tone.WARN)
    if view.problem is not None:
        lines += labelled("Problem", view.problem.what, width, Tone.BAD)
        for label, text in (("  why", view.problem.why), ("  mend", view.problem.mend)):
            for place, told in enumerate((text or "").strip().splitlines()[:3]):
                lines += labelled(label if place == 0 else "", told, width, Tone.DIM)
    return lines


def _next(view: RolloutView, width: int, zone: tzinfo) -> list[Line]:
    if view.next is None:
        return []
    at = view.next.at
    when = f" {clock(at, zone)}" if at is not None else ""
    then = f"; then {view.next.then}" if view.next.then else ""
    tone = Tone.WARN if view.next.person else Tone.STRONG
    return labelled("Next", f"{view.next.what}{when}{then}", width, tone)


def _figures(view: RolloutView, width: int) -> list[Line]:
    figures, lines = view.figures, []
    if figures.to_verdict is not None:
        verdict = "until it was taken back" if view.cause is not None else "until the last pass"
        lines += labelled("Exposed", f"{lasting(figures.to_verdict)} from the first user {verdict}", width)
    if figures.to_rollback is not None:
        since = "verdict" if view.cause is Cause.JUDGED else "decision"
        text = f"{lasting(figures.to_rollback)} from the {since} until no user reached {view.new}"
        lines += labelled("Rollback", text, width)
    if figures.users_served is not None:
        failed = figures.users_failed or 0
        text = f"{counted(figures.users_served, 'request')} answered, {count(failed)} failed, since it began"
        lines += labelled("Users", text, width)
    return lines


def _timeline(told: list[Moment], width: int, zone: tzinfo, last: int | None = None) -> list[Line]:
    """Whole, or so many lines from its end."""
    if not told or last == 0:
        return []
    lines = [one for moment in told for one in moment_lines(moment, width, zone)]
    shown = lines if last is None else [fit(one, width) for one in lines[-last:]]
    return [EMPTY, line(span("Timeline", Tone.STRONG)), *shown]


def moment_lines(moment: Moment, width: int, zone: tzinfo = UTC) -> list[Line]:
    at = span(f"  {clock(moment.at, zone)}  ", Tone.DIM)
    return wrap(line(at, span(moment.text, moment.tone)), width, 12)

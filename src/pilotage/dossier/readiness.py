"""What is open of a release: one pure rule for each part of the release file.

A part that is not given at all is open where every release needs it, for nobody has said that it is not needed;
an empty list says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from pilotage.core.notation import show_duration
from pilotage.core.readiness import Item, Readiness, Standing, Tick
from pilotage.core.values import digest
from pilotage.dossier import covering
from pilotage.dossier.file import Location, ReleaseFile
from pilotage.dossier.people import When
from pilotage.dossier.policy import Policy
from pilotage.dossier.purpose import Acceptance, Accepted, WorkStatus
from pilotage.dossier.risks import Area, IssueStatus, RiskStatus, Severity
from pilotage.dossier.terms import ChangeKind, Phase, Rule

NEEDED = {
    "definition_of_done": "when the release is done",
    "stakeholders": "who has a stake in it",
    "communication": "who is told what",
    "training": "who must learn what",
    "support": "who stands by",
    "risks": "what may happen",
    "recovery": "how data come back",
    "vendors": "what of others it needs",
}
"""Parts that every release file speaks of, and what they say."""


@dataclass(frozen=True)
class Planned:
    """What the rules must know of the plan, and of the moment."""

    version: str
    judged: bool
    """The judge compares it with the old version, or holds it to limits."""
    goes_back: bool
    """There is a version to go back to."""
    start: datetime
    end: datetime
    """The earliest moment at which it can be promoted."""
    ticks: Mapping[str, Tick]


class _Owned(Protocol):
    @property
    def owner(self) -> str | None: ...
    @property
    def due(self) -> date | None: ...


@dataclass(frozen=True)
class _Of:
    owner: str | None
    due: date | None


@dataclass(frozen=True)
class Asked:
    """An item, and where the release file speaks of it."""

    item: Item
    where: Location = ()
    mend: str = ""


def assess(file: ReleaseFile, policy: Policy, planned: Planned) -> tuple[Readiness, tuple[Asked, ...]]:
    """How everything stands for a start at that moment."""
    asked = tuple(_weighed(one, policy) for one in _all(file, planned))
    items = tuple(one.item for one in asked)
    return Readiness(at=planned.start, release_file=digest(file), items=items), asked


def _weighed(one: Asked, policy: Policy) -> Asked:
    return Asked(one.item.model_copy(update={"weight": policy.weight(one.item.subject)}), one.where, one.mend)


def _all(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    if file.version != planned.version:
        why = f"it speaks of {file.version}, not of {planned.version}"
        mend = (
            f'write `version: "{planned.version}"` when all of it holds for that version, or name another file'
        )
        yield Asked(_item("version", "The release file is of this release", why), ("version",), mend)
        return
    yield from _criteria(file, planned)
    yield from _not_given(file)
    for rule in (_done, _people, _support, _risks, _recovery, _vendors, _terms, _residency, _runbook):
        yield from rule(file, planned)


def _item(
    subject: str,
    what: str,
    why: str,
    *,
    done: bool = False,
    owner: str | None = None,
    of: _Owned | None = None,
    on: datetime | None = None,
) -> Item:
    """``on``: the moment by which the due day of ``of`` has passed or not."""
    due, owner = (of.due if of else None), owner or (of.owner if of else None)
    late = due is not None and on is not None and due < on.date()
    standing = Standing.DONE if done else Standing.OVERDUE if late else Standing.OPEN
    return Item(subject=subject, what=what, standing=standing, owner=owner, due=due, why=why)


def _criteria(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    given = file.criteria
    for what, own, by_plan, key in (
        ("It is known when it is a success", given.success, planned.judged, "success"),
        ("It is known when it is taken back", given.rollback, planned.judged, "rollback"),
    ):
        told = [*(["the judge's limits"] if by_plan else []), *own]
        why = "; ".join(told) or "nothing is judged, and nobody has said it"
        mend = f"add `criteria: {{{key}: [...]}}`, or a method that is judged"
        yield Asked(_item("criteria", what, why, done=bool(told), owner=file.owner), ("criteria",), mend)
    why = "" if planned.goes_back else "there is no older version to go back to"
    if not planned.goes_back and not given.rollback:
        mend = "say in `criteria: {rollback: [...]}` what is done instead"
        yield Asked(_item("criteria", "There is a way back", why, owner=file.owner), ("criteria",), mend)


def _not_given(file: ReleaseFile) -> Iterator[Asked]:
    for name, says in NEEDED.items():
        if name not in file.model_fields_set:
            mend = f"add `{name}:`" + ("" if name in ("support", "recovery") else f", or `{name}: []` if none")
            yield Asked(_item(name, f"It is said {says}", f"`{name}` is not given"), (), mend)


def _done(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    yield from _accepted("definition_of_done", file.definition_of_done, planned)
    yield from _accepted("non_functional", file.non_functional, planned)
    for place, work in enumerate(file.work_items):
        done = work.status is WorkStatus.ACCEPTED
        why = "accepted" if done else "not accepted yet"
        made = _item("work_items", f"{work.id} {work.title}", why, done=done, of=work, on=planned.start)
        yield Asked(made, ("work_items", place), "write `status: accepted` when it is, or take it out")


def _accepted(subject: str, many: Iterable[Accepted], planned: Planned) -> Iterator[Asked]:
    for place, one in enumerate(many):
        done = one.status is not Acceptance.OPEN
        why = f"{one.status.value} by {one.by}" if done else "not accepted yet"
        made = _item(subject, one.what, why, done=done, of=one, on=planned.start)
        yield Asked(made, (subject, place), "write `status: accepted` and `by:`, or `waived`")


def _people(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    for place, one in enumerate(file.stakeholders):
        if one.signs_off:
            yes = one.signed_off
            why = f"on {yes}" if yes else "has not said yes"
            made = _item(
                "stakeholders",
                f"{one.name} says yes",
                why,
                done=yes is not None,
                of=_Of(one.name, one.due),
                on=planned.start,
            )
            yield Asked(made, ("stakeholders", place), "write `signed_off:` with the day of their yes")
    for place, message in enumerate(file.communication):
        if message.when is When.BEFORE:
            sent = message.sent
            why = f"on {sent}" if sent else "not sent yet"
            what = f"{message.audience} know of it ({message.channel})"
            made = _item("communication", what, why, done=sent is not None, of=message, on=planned.start)
            yield Asked(made, ("communication", place), "send it, and write `sent:` with the day")
    for place, training in enumerate(file.training):
        day = training.done
        why = f"on {day}" if day else "not done yet"
        what = f"{training.audience} know {training.what}"
        made = _item("training", what, why, done=day is not None, of=training, on=planned.start)
        yield Asked(made, ("training", place), "do it, and write `done:` with the day")


def _support(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    if file.support is None:
        return
    support = file.support
    gap = covering.first_gap(support.rota, support.at_least, planned.start, planned.end)
    people = f"{support.at_least} people stand by" if support.at_least > 1 else "Somebody stands by"
    what = f"{people} until it is promoted"
    why = "the rota says so" if gap is None else covering.told(gap)
    made = _item("support", what, why, done=gap is None, of=support, on=planned.start)
    yield Asked(made, ("support", "rota"), "add shifts to `rota`, or start when they stand by")


def _risks(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    for place, risk in enumerate(file.risks):
        done = risk.status is not RiskStatus.OPEN
        by = f" by {risk.accepted_by}" if risk.accepted_by else ""
        why = f"{risk.status.value}{by}" if done else f"nobody has accepted it (score {risk.score} of 100)"
        made = _item("risks", f"{risk.id} {risk.what}", why, done=done, of=risk, on=planned.start)
        yield Asked(made, ("risks", place), "write `status: accepted` and `accepted_by:`, or close it")
    for place, issue in enumerate(file.issues):
        grave = issue.severity in (Severity.HIGH, Severity.CRITICAL)
        if grave or issue.area in (Area.SECURITY, Area.COMPLIANCE):
            done = issue.status is not IssueStatus.OPEN
            why = issue.status.value if done else f"open, {issue.severity.value}"
            made = _item("issues", f"{issue.id} {issue.what}", why, done=done, of=issue, on=planned.start)
            yield Asked(made, ("issues", place), "mend it, or have it accepted: `status:`")


def _recovery(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    if file.recovery is None:
        return
    recovery, point = file.recovery, file.recovery.restore_point
    if point is None:
        fresh, why = False, "no restore point is given"
    else:
        age = planned.start - point.at
        fresh = age <= point.fresh_for and point.at <= planned.start
        old = f"it is {show_duration(age)} old at the start, and fresh for {show_duration(point.fresh_for)}"
        why = old if point.at <= planned.start else "it lies after the start"
    made = _item("recovery", "The restore point is fresh", why, done=fresh, of=recovery, on=planned.start)
    yield Asked(made, ("recovery", "restore_point"), "take one just before the start, and write when")
    rehearsed = recovery.rehearsed
    made = _item(
        "recovery",
        "Bringing data back was rehearsed",
        f"on {rehearsed}" if rehearsed else "never",
        done=rehearsed is not None,
        of=recovery,
        on=planned.start,
    )
    yield Asked(made, ("recovery",), "rehearse it, and write `rehearsed:` with the day")


def _vendors(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    for place, vendor in enumerate(file.vendors):
        valid, name = vendor.valid_until >= planned.end.date(), f"{vendor.name}, {vendor.product}"
        why = f"until {vendor.valid_until}" if valid else f"it ended on {vendor.valid_until}"
        made = _item(
            "vendors", f"{name}: the {vendor.kind.value} holds", why, done=valid, of=vendor, on=planned.start
        )
        yield Asked(made, ("vendors", place, "valid_until"), "renew it, or release before it ends")
        if vendor.uses is not None and vendor.allows is not None:
            why = f"uses {vendor.uses}, may use {vendor.allows}"
            made = _item(
                "vendors",
                f"{name}: the version may be used",
                why,
                done=vendor.allowed,
                of=vendor,
                on=planned.start,
            )
            yield Asked(made, ("vendors", place, "uses"), "use a version that is allowed")


def _terms(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    if file.change is not None and file.change.kind is not ChangeKind.STANDARD:
        change, on = file.change, file.change.approved_on
        why = (
            f"by {change.approved_by or 'somebody'} on {on}" if on else f"a {change.kind.value} change needs it"
        )
        made = _item("change", "The change is approved", why, done=on is not None, of=change, on=planned.start)
        yield Asked(made, ("change",), "have it approved, and write `approved_by:` and `approved_on:`")
    if file.windows:
        window = covering.window_of(file.windows, planned.start, planned.end)
        span = f"{covering.moment(planned.start)} to {covering.moment(planned.end)} at the earliest"
        why = f"{window.name}: {span}" if window else f"{span} is within none of them"
        made = _item(
            "windows", "It is within a cut-over window", why, done=window is not None, owner=file.owner
        )
        yield Asked(made, ("windows",), "start when a window is open that is long enough")
    yield from _rules(file.compliance, planned)
    for place, one in enumerate(file.interfaces):
        kept = one.keep_until >= planned.start.date()
        why = f"until {one.keep_until}" if kept else f"its day was {one.keep_until}"
        made = _item("interfaces", f"{one.name} is kept on purpose", why, done=kept, owner=one.owner)
        yield Asked(made, ("interfaces", place, "keep_until"), "remove it, or say until when it is kept")


def _rules(rules: Iterable[Rule], planned: Planned) -> Iterator[Asked]:
    for place, one in enumerate(rules):
        done = one.status is not Acceptance.OPEN
        why = one.how if done else "nobody has accepted that it is kept"
        made = _item("compliance", f"{one.rule} is kept", why, done=done, of=one, on=planned.start)
        yield Asked(made, ("compliance", place), "write `status: accepted` when it is shown")


def _residency(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    for place, one in enumerate(file.residency):
        outside = ", ".join(one.outside)
        why = (
            f"kept in {outside}, allowed are {', '.join(one.allowed)}" if outside else "nobody has confirmed it"
        )
        done = not outside and one.confirmed is not None
        why = f"confirmed on {one.confirmed}" if done else why
        made = _item(
            "residency", f"{one.data} stay where they may be", why, done=done, of=one, on=planned.start
        )
        yield Asked(made, ("residency", place), "look at it for this release, and write `confirmed:`")


def _runbook(file: ReleaseFile, planned: Planned) -> Iterator[Asked]:
    for place, step in enumerate(file.runbook):
        if step.when is Phase.BEFORE:
            tick = planned.ticks.get(step.id)
            why = f"by {tick.by}, {covering.moment(tick.at)}" if tick else "not ticked off"
            made = _item(
                "runbook", f"{step.id}: {step.what}", why, done=tick is not None, of=step, on=planned.start
            )
            yield Asked(made, ("runbook", place), f"do it, then `pilotage tick {step.id}`")

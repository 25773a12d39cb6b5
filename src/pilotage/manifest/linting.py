"""Settings of the judge that could never decide, would let anything go on, or would take too long.

Looked for environment by environment once everything is merged; each is told where it was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from pilotage.core.flags import FlagSeen
from pilotage.core.judging import JudgeSettings, Role
from pilotage.core.notation import parse_duration, show_duration
from pilotage.core.plan import Basis, Plan, TelemetrySpec
from pilotage.core.release import Release, Requirement, Run
from pilotage.core.steps import Flag, Judge
from pilotage.core.traffic import Traffic
from pilotage.core.values import EVERYBODY
from pilotage.judge.foresight import Path, Stage, Truth
from pilotage.judge.mends import nice, troubles
from pilotage.judge.planner import foresee, limit_at, stages
from pilotage.manifest import choice_rules
from pilotage.manifest.model import Environment
from pilotage.manifest.nodes import Location, Node, Spot, locate
from pilotage.manifest.source import Finding
from pilotage.strategies.method import Context

HALF = 0.5
"""A margin that lets half of all requests fail stops nothing."""
WIDE = 0.05
"""A pass margin beyond this share of requests is hardly meant."""
MANY_TIMES = 10.0
"""Nor is one beyond so many times the old version's."""
OFTEN = 0.1
"""A chance of false rollbacks beyond this teaches people to overrule the judge."""
LIKELY = 0.2
"""A chance of false passes beyond this is hardly a judgement."""
PLENTY = Traffic(requests=1e5, errors=0.001)
"""Traffic at which nothing but the settings themselves can be in the way."""


class Doubt(NamedTuple):
    """Something about the settings at ``key`` (below ``judge``, ``strategy`` or the environment itself)."""

    key: tuple[str, ...]
    code: str
    what: str
    mend: str
    why: str | None = None


Findings = list[Finding]


def lint(root: Node, environments: Mapping[str, Environment]) -> tuple[Findings, Findings]:
    """(what is refused, what is only warned of); what two environments inherit is told once."""
    found: dict[tuple[object, str], Finding] = {}
    for name, environment in environments.items():
        for doubt in _doubts(environment):
            span = _written(root, name, doubt.key).span
            found.setdefault((span, doubt.code), Finding(span, doubt.code, doubt.what, doubt.mend, doubt.why))
    refused = [one for one in found.values() if one.code in REFUSED]
    return refused, [one for one in found.values() if one.code not in REFUSED]


REFUSED = ("manifest.judge-never", "manifest.judge-always", "manifest.judge-twice", choice_rules.CODE)


def _written(root: Node, environment: str, key: tuple[str, ...]) -> Spot:
    """Where it stands for this environment; for what is a default, the nearest that is written."""
    own: Location = ("environments", environment)
    for place in ((*own, *key), key):
        spot = locate(root, place)
        if spot.key is not None and spot.key.text == key[-1]:
            return spot
    return locate(root, own)


def _doubts(environment: Environment) -> Iterator[Doubt]:
    settings, judged = environment.judge_settings(), _stages(environment)
    yield from _too_wide(settings)
    yield from _chances(settings)
    yield from _twice(settings)
    for one in choice_rules.unfit(environment.method, settings):
        yield Doubt(one.key, choice_rules.CODE, one.what, one.mend, one.why)
    impossible = list(_impossible(settings, judged))
    yield from impossible
    yield from _seldom(settings, judged)
    yield from _oftener(settings, environment.telemetry_specs())
    traffic = environment.expected()
    yield from _no_excess(settings, traffic)
    if traffic is not None and judged and not impossible:
        yield from _slow(settings, judged, traffic)


def _stages(environment: Environment) -> tuple[Stage, ...]:
    """The judged steps of any release here; which one does not matter to them."""
    old, new = (
        Release(
            service="service",
            version=version,
            artifact=Requirement(requirements=(f"service=={version}",)),
            run=Run(command=("service",), folder="/"),
        )
        for version in ("1", "2")
    )
    key = environment.method.flag_key
    plan = environment.method.compile(
        Context(
            environment=environment.name,
            new=new,
            instances=environment.instances,
            basis=Basis(
                live=old, instances=environment.instances, flag=FlagSeen(key=key) if key is not None else None
            ),
            checks=environment.checks,
            target=environment.target_spec(),
            router=environment.router_spec(),
            judge=environment.judge_settings(),
        )
    )
    if plan.judge is None:
        return ()
    return stages(plan) if plan.feature is None else tuple(_stages_of_feature(plan))


def _stages_of_feature(plan: Plan) -> Iterator[Stage]:
    """As ``stages``, with the share of the users who have the feature."""
    share = 0
    for number, step in enumerate(plan.steps, 1):
        if isinstance(step, Flag):
            share = step.flag.share
        elif isinstance(step, Judge) and share:
            most = None if step.at_most is None else step.at_most.total_seconds()
            yield Stage(number, share / EVERYBODY, step.at_least.total_seconds(), most)


def _too_wide(settings: JudgeSettings) -> Iterator[Doubt]:
    """Pass margins that an outage stays within, or nearly."""
    blocks = [("errors", settings.error_pass_excess, settings.error_pass_ratio, "fails")]
    if settings.latency:
        excess, ratio = settings.latency_pass_excess, settings.latency_pass_ratio
        blocks.append(("latency", excess, ratio, "is slow for"))
    for block, excess, ratio, verb in blocks:
        key = ("judge", block, "pass_excess")
        what = f"a version that {verb} {_percent(excess)} more of all requests would go on"
        if excess >= HALF:
            yield Doubt(key, "manifest.judge-always", what, "write 1% or less")
        elif excess > WIDE:
            yield Doubt(key, "manifest.judge-loose", what, "1% is wide already")
        if ratio > MANY_TIMES:
            what = f"a version that {verb} {ratio:g} times as many requests would go on"
            yield Doubt(("judge", block, "pass_ratio"), "manifest.judge-loose", what, "2 is wide already")
    yield from _limit(settings)


def _limit(settings: JudgeSettings) -> Iterator[Doubt]:
    key, why = ("judge", "errors", "limit"), "after the switch there is no old version left to compare with"
    limit = _percent(settings.error_limit)
    if settings.error_limit >= HALF:
        what = f"a version that fails {limit} of all requests would be kept"
        yield Doubt(key, "manifest.judge-always", what, "write 5%, or what users bear", why)
    elif settings.error_limit > LIKELY:
        yield Doubt(key, "manifest.judge-loose", f"{limit} of all requests may fail", "5% is wide already", why)


def _chances(settings: JudgeSettings) -> Iterator[Doubt]:
    if settings.false_pass > LIKELY:
        what = f"{_percent(settings.false_pass)} of the versions beyond the margins would go on all the same"
        yield Doubt(("judge", "false_pass"), "manifest.judge-loose", what, "5% is usual")
    if settings.false_rollback > OFTEN:
        what = f"{_percent(settings.false_rollback)} of the good versions could be taken back"
        yield Doubt(("judge", "false_rollback"), "manifest.judge-loose", what, "1% is usual")


def _twice(settings: JudgeSettings) -> Iterator[Doubt]:
    """The same counter under two names that both decide: one fact would count as two."""
    seen: dict[tuple[str, str, str], str] = {("count", "errors", "requests"): "errors"}
    for name, one in settings.measures.items():
        if one.role is not Role.MUST:
            continue
        counted = (one.kind.value, one.of or name, one.per)
        first = seen.setdefault(counted, name)
        if first != name:
            what = f"`{name}` counts the same as `{first}`"
            mend = "keep one of the two, or make one `role: watch`"
            yield Doubt(("judge", "measures", name), "manifest.judge-twice", what, mend)


def _impossible(settings: JudgeSettings, judged: tuple[Stage, ...]) -> Iterator[Doubt]:
    """A first step at which not even an outage, or a version without errors, is told in time at any traffic."""
    for stage in judged[:1]:
        limit = limit_at(settings, stage, 0.0)
        if limit is None:
            return
        own = stage.at_most is not None and limit >= stage.at_most
        key = ("strategy", "at_most") if own else ("judge", "horizon")
        warm = settings.warm_up.total_seconds()
        bad = Path(settings, PLENTY).stage(stage, Truth(1.0)).back
        good = Path(settings, PLENTY).stage(stage, Truth(0.0)).go
        needed = max(bad or 0.0, good or 0.0, stage.at_least)
        span = show_duration(timedelta(seconds=limit))
        mend = f"make `{key[-1]}` at least {show_duration(nice(needed))}"
        if limit <= warm:
            warming = show_duration(settings.warm_up)
            what = f"the new version is warming up for {warming}, and there are only {span}"
            yield Doubt(key, "manifest.judge-never", what, f"{mend}, or `warm_up` shorter")
        elif bad is None or bad > limit:
            why = f"looking every {show_duration(settings.interval)}, it takes {_about(bad)} to be so sure"
            what = f"not even an outage could be taken back within {span}"
            yield Doubt(key, "manifest.judge-never", what, mend, why)
        elif good is None or good > limit:
            why = f"looking every {show_duration(settings.interval)}, it takes {_about(good)} to be so sure"
            what = f"not even a version without an error could go on within {span}"
            yield Doubt(key, "manifest.judge-never", what, mend, why)


def _about(seconds: float | None) -> str:
    return "for ever" if seconds is None else show_duration(nice(seconds))


def _seldom(settings: JudgeSettings, judged: tuple[Stage, ...]) -> Iterator[Doubt]:
    interval = settings.interval.total_seconds()
    if any(0.0 < stage.at_least < interval for stage in judged):
        what = f"the judge looks every {show_duration(settings.interval)}, and a step may be shorter"
        yield Doubt(("judge", "interval"), "manifest.judge-interval", what, "let it look at least twice a step")


def _oftener(settings: JudgeSettings, telemetry: tuple[TelemetrySpec, ...]) -> Iterator[Doubt]:
    """Looks between two scrapes of a source: they see the same figures again."""
    for source in telemetry:
        try:
            between = parse_duration(source.settings.get("interval"))
        except ValueError:
            continue
        if isinstance(between, timedelta) and between > settings.interval:
            look, scrape = show_duration(settings.interval), show_duration(between)
            what = f"the judge looks every {look}, and {source.kind} has news every {scrape}"
            yield Doubt(("judge", "interval"), "manifest.judge-interval", what, f"write `interval: {scrape}`")


def _no_excess(settings: JudgeSettings, traffic: Traffic | None) -> Iterator[Doubt]:
    if settings.error_pass_excess > 0.0:
        return
    key, mend = ("judge", "errors", "pass_excess"), "allow a little, like 0.05%"
    if traffic is not None and traffic.errors <= 0.0:
        what = "no version can be shown to fail less often than never"
        yield Doubt(key, "manifest.judge-never", what, mend, "`expect` says that there are no errors")
    else:
        what = "while the old version has no errors, no version can be shown to be as good"
        yield Doubt(key, "manifest.judge-slow", what, mend)


def _slow(settings: JudgeSettings, judged: tuple[Stage, ...], traffic: Traffic) -> Iterator[Doubt]:
    """What takes too long at the traffic that ``expect`` says."""
    forecast = foresee(settings, judged, traffic)
    if forecast is None:
        return
    for trouble in troubles(settings, judged, forecast, traffic):
        mend = " or ".join(trouble.mends) or "more traffic, or another method"
        yield Doubt(
            ("expect", "requests"), "manifest.judge-slow", trouble.what, mend, "at the traffic given here"
        )
        return


def _percent(fraction: float) -> str:
    return f"{fraction * 100:g} %"

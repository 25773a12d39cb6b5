"""What the judge holds a new version to, in words that a person understands without statistics."""

from __future__ import annotations

from typing import assert_never

from pilotage.core.judging import JudgeSettings, Kind, MeasureSettings, Role, Slo, Worse
from pilotage.core.notation import show_duration
from pilotage.core.plan import Plan
from pilotage.views.figures import percent, rate

HEAD = ("Figure", "Taken back when it is shown that", "May go on when it is shown that", "Part")
WIDTHS = (3, 6, 6, 3)


def rows(plan: Plan) -> list[tuple[str, str, str, str]]:
    """One for each figure that the judge compares."""
    settings, old = plan.judge, plan.old
    if settings is None or old is None:
        return []
    found = [_errors(settings, old.version)]
    if settings.latency:
        found.append(_latency(settings, old.version))
    found += [_measure(name, one, old.version) for name, one in settings.measures.items()]
    found += [_slo(one) for one in settings.slos]
    if settings.traffic:
        found.append(("traffic", "it answers far fewer requests than its share of traffic", "", "takes back"))
    return found


def _times(ratio: float, old: str) -> str:
    return f"those of {old}" if ratio == 1.0 else f"{ratio:g} times those of {old}"


def _errors(settings: JudgeSettings, old: str) -> tuple[str, str, str, str]:
    worse = (
        f"more requests fail than {_times(settings.error_ratio, old)} plus {rate(settings.error_excess)} of all"
    )
    fine = (
        f"fewer fail than {_times(settings.error_pass_ratio, old)} plus "
        f"{rate(settings.error_pass_excess)} of all"
    )
    return "failed requests", worse, fine, "takes back and lets go on"


def _latency(settings: JudgeSettings, old: str) -> tuple[str, str, str, str]:
    on_top = f", {settings.latency_slower * 100:g} % added" if settings.latency_slower else ""
    slow = f"are slower than 50 to 99.9 % of the answers of {old}{on_top}"
    worse = (
        f"more than {settings.latency_ratio:g} times as many answers, plus "
        f"{rate(settings.latency_excess)}, {slow}"
    )
    fine = (
        f"fewer than {settings.latency_pass_ratio:g} times as many, plus "
        f"{rate(settings.latency_pass_excess)}, are so slow"
    )
    return "slow answers", worse, fine, "takes back and lets go on"


def _measure(name: str, one: MeasureSettings, old: str) -> tuple[str, str, str, str]:
    more = "less" if one.worse is Worse.LESS else "more" if one.worse is Worse.MORE else "less or more"
    of = {Kind.COUNT: f"of `{one.of or name}` per {one.per}", Kind.RATE: f"of `{one.of or name}` a second"}
    what = of.get(one.kind, f"`{one.of or name}`")
    ratio = f"{one.ratio:g} times " if one.ratio and one.ratio != 1 else ""
    worse = f"there is {more} {what} than {ratio}with {old}"
    return name, worse, "the same is shown not to be so" if one.role is Role.MUST else "", role(one.role)


def _slo(one: Slo) -> tuple[str, str, str, str]:
    spans = f"{show_duration(one.long)} and {show_duration(one.short)}"
    worse = f"its error budget burns {one.burn:g} times too fast over {spans}"
    return f"objective {one.objective * 100:g} %", worse, "", role(one.role)


def role(role: Role) -> str:
    match role:
        case Role.MUST:
            return "takes back and lets go on"
        case Role.GUARD:
            return "takes back"
        case Role.WATCH:
            return "is told, decides nothing"
        case _:
            assert_never(role)


def sureness(settings: JudgeSettings) -> list[str]:
    """How sure the judge is, and what it does when it does not know."""
    return [
        f"A version that is not worse is taken back in at most {rate(settings.false_rollback)} of all "
        "rollouts, "
        "however often one looks.",
        "A version that is worse than the limits for going on gets through in at most "
        f"{rate(settings.false_pass)}.",
        f"Before {settings.minimum_requests} requests and {show_duration(settings.warm_up)} of warming "
        "up nothing goes on.",
        f"Where there is nothing to compare with, more than {rate(settings.error_limit)} failed "
        "requests take it back.",
        f"A pass is the last word from {percent(round(settings.promote_share * 1_000_000))} of traffic on, "
        f"after {show_duration(settings.bake)} without suspicion.",
        "Missing, late or contradictory figures hold the rollout; they never let it go on.",
    ]

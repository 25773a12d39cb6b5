"""Whole screens, as files: what people see is compared to the last blank.

A changed screen is looked at, then kept: PILOTAGE_KEEP_SCREENS=1 pytest tests/views/test_screens.py
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pilotage.advisor import advise, settle
from pilotage.advisor.facts import Answer
from pilotage.core import events as e
from pilotage.core.comparing import Reconciliation
from pilotage.core.environment import Environment, Glance, follow
from pilotage.core.fleet import Phase
from pilotage.core.judging import Measure, Outcome, Verdict
from pilotage.core.traffic import Traffic
from pilotage.errors import Problem
from pilotage.judge import planner
from pilotage.judge.mends import troubles
from pilotage.manifest.advice_files import load_facts, shipped_table
from pilotage.usecases.diagnosing import Finding
from pilotage.views import advice, findings, foresight, history, plan, reconciliation, rollout, status, why
from pilotage.views.chart import Chart
from pilotage.views.ink import Line, cells, in_ascii, plain
from views import scripted as s
from views import side_by_side
from views.courses import COURSES

SCREENS = Path(__file__).parent / "screens"


Foreseen = Callable[[s.Plan], foresight.ForesightView]


def of_plan(made: s.Plan, foresee: Foreseen | None = None) -> Callable[[int], list[Line]]:
    return lambda width: plan.draw(plan.view_of(made, foresee(made) if foresee else None), width)


def foreseen(**traffic: Any) -> Foreseen:
    """What the judge will see of a plan at that traffic."""
    bounds, slow = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25), (0.99, 0.9, 0.5, 0.1, 0.01, 0.001)
    known = {"source": "as `expect` says", "bounds": bounds, "slow": slow, **traffic}

    def view(made: s.Plan) -> foresight.ForesightView:
        assert made.judge is not None
        judged, expected = planner.stages(made), Traffic(**known)
        found = planner.foresee(made.judge, judged, expected)
        assert found is not None
        return foresight.view_of(found, troubles(made.judge, judged, found, expected))

    return view


def of_rollout(
    play: s.Play, glance: Glance | None = None, height: int | None = None
) -> Callable[[int], list[Line]]:
    view = rollout.view_of(play.state, play.events, glance, play.now)
    return lambda width: rollout.draw(view, width, height)


def of_why(
    play: s.Play, verdict: Verdict | None = None, chart: Chart | None = None
) -> Callable[[int], list[Line]]:
    """``verdict``: of the last look; while it is judged the record knows less."""
    glance, now = (s.glance(play, verdict), play.now) if verdict else (None, None)
    return lambda width: why.draw(why.view_of(play.state, play.events, glance, now), width, chart=chart)


def of_report(play: s.Play, now: Reconciliation | None = None) -> Callable[[int], list[Line]]:
    view = reconciliation.view_of(play.state, play.events, now)
    assert view is not None
    return lambda width: reconciliation.draw(view, width)


def paused() -> s.Play:
    play = s.exposed_at_ten().at(30)
    return play.add(e.Paused(at=play.now, by="grace", reason="lunch")).at(45)


def undecided() -> s.Play:
    play = s.exposed_at_ten().at(20).judged(s.UNSURE).at(609)
    problem = Problem(
        code="rollout.undecided",
        what="the judge did not know after 10m: holding",
        why=s.UNSURE.why[0],
        mend="wait for more traffic, or decide yourself: `pilotage promote` or `pilotage abort`",
    )
    return play.add(e.ProblemRaised(at=play.now, problem=problem)).at(620)


def never_healthy() -> s.Play:
    play = s.Play().at(4).finish().at(4.1).finish().at(35)
    words = "0.65.5-1a2b3c4d.1: crashed. exit status 1\nModuleNotFoundError: No module named 'asgiref'"
    what = "0.65.5 keeps crashing before it becomes healthy"
    problem = Problem(code="rollout.crash-loop", what=what, why=words, mend="see `pilotage logs`")
    play.add(e.TurnedBack(at=play.now, cause=e.Cause.UNHEALTHY, why=(what, words), problem=problem)).at(
        35.1
    ).finish("2 healthy").at(35.2).finish().at(35.3).finish().at(38).finish()
    return play.ended(e.Ending.ROLLED_BACK, what)


def first_release() -> s.Play:
    play = s.Play(plan=s.plan(old=None)).at(4).finish().at(7).finish("2 healthy").at(8)
    play.add(e.Checked(at=play.now, release=s.NEW.id, passed=2)).finish("2 checks passed").at(9)
    play.expose(1_000_000, first=True).finish().at(9.1).promoted(s.NEW).finish().at(9.2)
    return play.ended(e.Ending.SUCCEEDED)


def not_known_in_time() -> s.Play:
    """The plan says to go back then; the outcome never changed, so it is not in the record."""
    play = s.exposed_at_ten().at(609)
    return play.turned_back(e.Cause.UNDECIDED, "the judge did not know after 10m: going back")


def taken_back(verdict: Verdict) -> s.Play:
    return s.exposed_at_ten().at(51).judged(verdict).turned_back(e.Cause.JUDGED, *verdict.why)


def over_the_limit() -> s.Play:
    play = s.warm().at(300).judged(s.LIMIT)
    return play.turned_back(e.Cause.JUDGED, *s.LIMIT.why)


def setting() -> s.Play:
    """The router has not confirmed the next share yet."""
    return s.exposed_at_ten().at(129).judged(s.FINE).finish("not worse than the old version").at(130)


def with_trouble(play: s.Play) -> Glance:
    """An old instance has crashed, and no worker has looked for a minute."""
    seen = s.glance(play, s.UNSURE)
    crashed = s.instance(s.OLD, 2, Phase.CRASHED, restarts=3, detail="exit status 1\nout of memory")
    return seen.model_copy(
        update={"at": play.now - timedelta(seconds=60), "instances": (seen.instances[0], crashed)}
    )


def environment(play: s.Play) -> Environment:
    old = s.Play(plan=s.plan(old=None, new=s.OLD)).at(5).promoted(s.OLD)
    before = follow(
        Environment(service="catalogue", name="production"), "catalogue-production-6", old.plan, old.events
    )
    return follow(before.model_copy(update={"holder": s.ID}), s.ID, play.plan, play.events)


def of_status(play: s.Play) -> Callable[[int], list[Line]]:
    unfinished = [] if play.state.status.final else [play.state]
    return lambda width: status.draw(status.view_of(environment(play), unfinished, play.now), width)


def of_history() -> Callable[[int], list[Line]]:
    plays = [paused(), s.rolled_back(), never_healthy(), s.succeeded(), s.warm(), first_release()]
    view = history.view_of([play.state for play in plays], plays[0].now)
    return lambda width: history.draw(view, width)


def of_advice(case: str, *, whole: bool = False, **found: str | int) -> Callable[[int], list[Line]]:
    """The facts of one of the adviser's cases, and what a manifest shows."""
    table = shipped_table()
    facts = load_facts(Path(__file__).parents[1] / "advisor" / "cases" / f"{case}.yaml", table)
    said = {name: Answer(value, "facts.yaml says") for name, value in facts.items()}
    shown = {name: Answer(value, "pilotage.yaml says") for name, value in found.items()}
    made = advise(table, settle(table, shown | said), {"canary", "blue-green", "rolling", "big-bang"})
    view = advice.view_of(made, "catalogue in production")
    return lambda width: advice.draw(view, width, whole=whole)


FOUND = [
    Finding("python", "ok", "Python 3.11.7 on linux"),
    Finding("worker", "warn", "none runs, and 1 rollout is unfinished", "`pilotage watch` starts one"),
    Finding("proxy", "fail", "no wheel for this platform", "install Envoy, or use another router"),
]

RUNNING = s.exposed_at_ten().at(75)
WARMING = Verdict(
    outcome=Outcome.UNDECIDED,
    why=("warming up: 13 s of 60 s; until then only a disaster counts",),
    measures=tuple(Measure(name=name, limit=1.1) for name in ("errors", "latency p95")),
)
DRAWN: dict[str, Callable[[int], list[Line]]] = {
    "plan-canary": of_plan(s.CANARY),
    "plan-shorter-than-warm-up": of_plan(s.plan(steps=["10%", "50%"], hold="10s")),
    "plan-foreseen": of_plan(s.CANARY, foreseen(requests=400.0, errors=0.004)),
    "plan-foreseen-slow": of_plan(
        s.plan(steps=["1%", "50%"]),
        foreseen(requests=0.5, errors=0.01, source="as catalogue-production-6 had it"),
    ),
    "plan-foreseen-slow-answers": of_plan(s.plan("blue-green", bake="5m"), foreseen(requests=90.0, errors=0.0)),
    "plan-first": of_plan(s.plan(old=None, checks=False)),
    "plan-big-bang": of_plan(s.plan("big-bang")),
    "plan-blue-green": of_plan(s.plan("blue-green", bake="5m", at_most="20m", by="user")),
    "plan-rolling": of_plan(s.plan("rolling", instances=3, hold="10s")),
    "plan-parallel-run": of_plan(side_by_side.PLAN),
    "parallel-run": of_rollout(
        side_by_side.compared(), side_by_side.glance(side_by_side.compared(), side_by_side.TOO_FEW)
    ),
    "parallel-run-reconciled": of_rollout(side_by_side.reconciled()),
    "parallel-run-different": of_rollout(side_by_side.different()),
    "report-so-far": of_report(side_by_side.compared(), side_by_side.TOO_FEW),
    "report": of_report(side_by_side.reconciled()),
    "report-signed-off": of_report(side_by_side.signed_off()),
    "report-different": of_report(side_by_side.different()),
    "why-different": of_why(side_by_side.different()),
    "canary-at-10": of_rollout(RUNNING, s.glance(RUNNING, s.UNSURE)),
    "canary-at-10-in-24-lines": of_rollout(RUNNING, s.glance(RUNNING, s.UNSURE), height=24),
    "judge-every-kind": of_rollout(RUNNING, s.glance(RUNNING, s.EVERY_KIND)),
    "judge-every-kind-in-24-lines": of_rollout(RUNNING, s.glance(RUNNING, s.EVERY_KIND), height=24),
    "judge-shared-trouble": of_rollout(RUNNING, s.glance(RUNNING, s.SHARED)),
    "judge-last-word": of_rollout(RUNNING, s.glance(RUNNING, s.FINE.model_copy(update={"last": True}))),
    "canary-with-trouble": of_rollout(RUNNING, with_trouble(RUNNING)),
    "warming-up": of_rollout(RUNNING, s.glance(RUNNING, WARMING)),
    "setting": of_rollout(setting(), s.glance(setting())),
    "judged-bad": of_rollout(s.judged_bad(), s.glance(s.judged_bad(), s.WORSE, new_errors=51)),
    "rolled-back": of_rollout(s.rolled_back(), s.glance(s.rolled_back(), new_errors=51)),
    "never-healthy": of_rollout(never_healthy()),
    "paused": of_rollout(paused(), s.glance(paused(), s.UNSURE)),
    "undecided": of_rollout(undecided(), s.glance(undecided(), s.UNSURE)),
    "warm": of_rollout(s.warm().at(260), s.glance(s.warm())),
    "succeeded": of_rollout(s.succeeded()),
    "first-release": of_rollout(first_release()),
    "queued": of_rollout(s.Play(queued_behind="catalogue-production-6")),
    "why-judged-worse": of_why(s.rolled_back()),
    "why-with-chart": of_why(s.rolled_back(), chart=COURSES["recorded"]()),
    "why-not-known-in-time": of_why(not_known_in_time(), s.UNSURE),
    "why-shared-trouble": of_why(RUNNING, s.SHARED),
    "why-missing-and-dry-run": of_why(RUNNING, s.EVERY_KIND),
    "why-over-the-limit": of_why(over_the_limit()),
    "why-time-is-over": of_why(taken_back(s.EXPIRED)),
    "why-never-healthy": of_why(never_healthy()),
    "why-undecided": of_why(undecided()),
    "why-judging": of_why(s.exposed_at_ten().at(20).judged(WARMING).at(75), s.UNSURE),
    "why-warming-up": of_why(RUNNING, WARMING),
    "why-paused": of_why(paused()),
    "why-succeeded": of_why(s.succeeded()),
    "why-queued": of_why(s.Play(queued_behind="catalogue-production-6")),
    "history": of_history(),
    "status-running": of_status(RUNNING),
    "status-warm": of_status(s.warm().at(260)),
    "advice": of_advice("pay-slips"),
    "advice-of-all-reasons": of_advice("web-shop-without-telemetry", whole=True),
    "advice-nothing-is-safe": of_advice("warehouse-never-rehearsed"),
    "advice-nothing-known": of_advice("nothing-known", instances=3, routing="shares"),
    "doctor": lambda width: findings.draw(findings.view_of(FOUND), width),
}


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", DRAWN)
def test_screen(name: str, width: int) -> None:
    lines = DRAWN[name](width)
    drawn = plain(lines)
    kept = SCREENS / f"{name}.{width}.txt"
    if os.environ.get("PILOTAGE_KEEP_SCREENS"):
        kept.write_text(drawn, encoding="utf-8")
    assert drawn == kept.read_text(encoding="utf-8")
    assert max(cells(row) for row in drawn.splitlines()) <= width


def test_no_screen_is_kept_that_nobody_draws() -> None:
    assert {path.stem.rsplit(".", 1)[0] for path in SCREENS.glob("*.txt")} == set(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_ascii_takes_the_same_room(name: str) -> None:
    for row in plain(DRAWN[name](100)).splitlines():
        assert len(in_ascii(row)) == cells(row)
        assert "?" not in in_ascii(row).replace(" ? ", "")

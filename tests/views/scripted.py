"""Histories written down as a play: a plan, and events at seconds from its beginning."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pilotage.core import events as e
from pilotage.core.environment import Glance
from pilotage.core.fleet import Instance, Phase
from pilotage.core.judging import JudgeSettings, Kind, Measure, Outcome, Role, Verdict
from pilotage.core.plan import Basis, Plan, RouterSpec, TargetSpec
from pilotage.core.release import Release, Requirement, Run
from pilotage.core.routing import Address, Counters, RouterSeen, Telemetry
from pilotage.core.state import State, fold
from pilotage.core.steps import Check
from pilotage.strategies.method import Context, Method
from pilotage.strategies.registry import METHODS

START = datetime(2026, 11, 21, 14, 0, 0, tzinfo=UTC)
ID = "catalogue-production-7"


def release(version: str, again: str = "") -> Release:
    return Release(
        service="catalogue",
        version=version,
        artifact=Requirement(requirements=(f"datasette=={version}",)),
        run=Run(command=("datasette", "serve", "--port", "{port}"), folder="/srv/catalogue"),
        again=again,
    )


OLD, NEW = release("0.65.4"), release("0.65.5")


def plan(
    method: str = "canary",
    *,
    old: Release | None = OLD,
    new: Release = NEW,
    instances: int = 2,
    checks: bool = True,
    **settings: Any,
) -> Plan:
    chosen: Method = METHODS[method].model_validate({"method": method, **settings})
    some = (Check(name="front page", path="/"), Check(name="search", path="/search?q=a"))
    return chosen.compile(
        Context(
            environment="production",
            new=new,
            instances=instances,
            basis=Basis(live=old, instances=instances if old else 0),
            target=TargetSpec(kind="process"),
            router=RouterSpec(kind="envoy", listen=Address(host="127.0.0.1", port=8080)),
            checks=some if checks else (),
            judge=JudgeSettings(),
        )
    )


CANARY = plan(steps=["10%", "50%"], hold="2m", at_most="10m")
WORSE = Verdict(
    outcome=Outcome.FAIL,
    why=("errors: new 4.1 %, old 0.02 %: shown to be more than 1.1 times + 0.01 %",),
    blame=("errors",),
    measures=(
        Measure(name="errors", old=0.0002, new=0.041, low=38.0, high=410.0, limit=1.1, against=1.0, for_=0.0),
        Measure(name="slower than p95", old=0.05, new=0.11, low=1.3, high=3.4, limit=1.1, against=0.62),
    ),
    requests_old=11_160,
    requests_new=1_240,
)
UNSURE = Verdict(
    outcome=Outcome.UNDECIDED,
    why=("errors: new 0.08 %, old 0.02 %; about 3 400 more requests",),
    measures=(
        Measure(
            name="errors",
            old=0.0002,
            new=0.0008,
            low=0.21,
            high=6.2,
            limit=1.1,
            against=0.12,
            for_=0.31,
            missing="about 3 400 more requests",
        ),
        Measure(name="slower than p50", old=0.5, new=0.49, low=0.93, high=1.06, limit=1.1, for_=1.0),
    ),
    requests_old=11_160,
    requests_new=1_240,
)
CPU = Measure(
    name="cpu",
    kind=Kind.GAUGE,
    role=Role.WATCH,
    old=0.412,
    new=0.618,
    low=1.41,
    high=1.59,
    limit=1.2,
    against=1.0,
)
EVERY_KIND = UNSURE.model_copy(
    update={
        "missing": ("no figures of orders",),
        "measures": (
            *UNSURE.measures,
            Measure(
                name="traffic",
                kind=Kind.RATE,
                role=Role.GUARD,
                old=98.2,
                new=91.4,
                low=None,
                high=None,
                limit=0.8,
            ),
            Measure(
                name="basket", kind=Kind.MEAN, old=41.7, new=42.1, low=0.98, high=1.04, limit=1.05, for_=0.4
            ),
            CPU,
        ),
    }
)
"""Counts, a rate, a mean and a gauge; one is only watched, one has no figures now."""
SHARED = UNSURE.model_copy(
    update={"why": ("the old version got worse too (0.02 % → 12 % of its requests fail): holding",)}
)
LIMIT = Verdict(
    outcome=Outcome.FAIL,
    why=("errors: 8.8 % of all requests fail, more than the limit of 5.0 %",),
    blame=("error limit",),
    measures=(Measure(name="error limit", new=0.088, ceiling=0.05, against=1.0),),
    requests_new=2_310,
)
EXPIRED = UNSURE.model_copy(
    update={
        "outcome": Outcome.FAIL,
        "why": ("the time for judging is over, and it is not shown to be good enough", *UNSURE.why),
        "blame": ("horizon",),
    }
)
FINE = Verdict(
    outcome=Outcome.PASS,
    why=("errors: new 0.02 %, old 0.02 %: shown to be less than 1.5 times + 0.05 %",),
    blame=("errors",),
    measures=(Measure(name="errors", old=0.0002, new=0.0002, low=0.4, high=1.3, limit=1.1, for_=1.0),),
    requests_old=11_160,
    requests_new=1_240,
)


@dataclass
class Play:
    """``play.at(4).finish("2 healthy")``: events in order, each at so many seconds."""

    plan: Plan = field(default_factory=lambda: CANARY)
    by: str = "ada"
    seconds: float = 0
    events: list[e.Event] = field(default_factory=list)
    queued_behind: str | None = None

    def __post_init__(self) -> None:
        self.add(
            e.Created(
                at=self.now,
                by=self.by,
                plan=self.plan,
                digest=self.plan.digest,
                queued_behind=self.queued_behind,
            )
        )

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    @property
    def state(self) -> State:
        return fold(ID, self.events)

    def at(self, seconds: float) -> Play:
        self.seconds = seconds
        return self

    def add(self, *events: e.Event) -> Play:
        self.events += events
        return self

    def finish(self, note: str = "") -> Play:
        state = self.state
        return self.add(e.StepFinished(at=self.now, index=state.position, back=state.back, note=note))

    def expose(self, ppm: int, *, first: bool = False) -> Play:
        old = self.plan.old
        shares = {self.plan.new.id: ppm}
        if old is not None:
            shares = {old.id: 1_000_000 - ppm, **shares}
        return self.add(e.Exposed(at=self.now, shares=shares, revision=f"{len(self.events):016x}", first=first))

    def judged(self, verdict: Verdict) -> Play:
        return self.add(e.Judged(at=self.now, verdict=verdict))

    def turned_back(self, cause: e.Cause, *why: str, by: str = e.PILOTAGE) -> Play:
        return self.add(e.TurnedBack(at=self.now, by=by, cause=cause, why=why))

    def promoted(self, of: Release) -> Play:
        return self.add(e.Promoted(at=self.now, release=of.id))

    def ended(self, ending: e.Ending, why: str = "") -> Play:
        took = timedelta(seconds=self.seconds)
        return self.add(e.Finished(at=self.now, ending=ending, why=why, took=took))


def exposed_at_ten(play: Play | None = None) -> Play:
    """A canary whose first 10 % were confirmed after 9 s."""
    play = play or Play()
    play.at(4).finish("sha256:1").at(4.1).finish("sha256:2").at(7).finish("2 healthy")
    play.at(8).add(e.Checked(at=play.now, release=NEW.id, passed=2)).finish("2 checks passed")
    return play.at(9).expose(100_000, first=True).finish("0.65.4 90 %, 0.65.5 10 %")


def judged_bad() -> Play:
    return exposed_at_ten().at(51).judged(WORSE).turned_back(e.Cause.JUDGED, *WORSE.why)


def rolled_back() -> Play:
    play = judged_bad().at(51.2).finish("2 healthy").at(52.3).expose(0).finish("everybody to 0.65.4")
    play.promoted(OLD) if play.state.promoted else play
    play.at(52.4).finish("0.65.4").at(54).add(e.DrainStarted(at=play.now, instances=(f"{NEW.id}.1",)))
    play.at(55).add(e.DrainEnded(at=play.now, instances=(f"{NEW.id}.1",))).at(57).finish()
    return play.ended(e.Ending.ROLLED_BACK, "; ".join(WORSE.why))


def warm() -> Play:
    play = exposed_at_ten().at(129).judged(FINE).finish("not worse than the old version")
    play.at(130).expose(500_000).finish().at(250).judged(FINE).finish("not worse than the old version")
    return play.at(251).expose(1_000_000).finish().at(251.2).promoted(NEW).finish("0.65.5")


def succeeded() -> Play:
    return warm().at(900).finish().ended(e.Ending.SUCCEEDED)


def instance(of: Release, number: int, phase: Phase = Phase.HEALTHY, **more: Any) -> Instance:
    return Instance(
        id=f"{of.id}.{number}",
        release=of.id,
        number=number,
        address=Address(host="127.0.0.1", port=40000 + number + (10 if of is NEW else 0)),
        phase=phase,
        pid=4000 + number,
        since=START - timedelta(hours=1) if of is OLD else START + timedelta(seconds=6),
        **more,
    )


def glance(play: Play, verdict: Verdict | None = None, *, new_errors: int = 1) -> Glance:
    bounds = (0.005, 0.01, 0.025, 0.05, 0.1)
    return Glance(
        at=play.now,
        instances=(instance(OLD, 1), instance(OLD, 2), instance(NEW, 1), instance(NEW, 2)),
        router=RouterSeen(running=True, revision=play.state.revision),
        telemetry=Telemetry(
            epoch="1",
            latency_bounds=bounds,
            counters={
                OLD.id: Counters(
                    requests=11_160, errors=2, latency_bucket=(6000, 10_000, 11_000, 11_150, 11_160, 11_160)
                ),
                NEW.id: Counters(
                    requests=1_240, errors=new_errors, latency_bucket=(700, 1_100, 1_200, 1_235, 1_240, 1_240)
                ),
            },
            users_failed=2 + new_errors,
            users_served=12_400,
        ),
        verdict=verdict,
    )

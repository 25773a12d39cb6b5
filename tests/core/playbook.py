"""A small world in memory for scripts about the heart: no clock, no threads, no ports.

    story = Story(canary(hold="10s"))
    story.run(until="exposed")           # walks pass by pass until an event of that kind
    story.verdict = worse()
    story.run()                          # to the end
    assert story.kinds() == [...]

Every pass looks, decides, performs; the invariants of docs/invariants.md are checked at every pass.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pilotage.core import events as e
from pilotage.core.comparing import Reconciliation
from pilotage.core.decide import decide
from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.core.fleet import Instance, Phase, Preparation
from pilotage.core.hooks import Phase as HookPhase
from pilotage.core.hooks import Sighting
from pilotage.core.inputs import Inputs
from pilotage.core.judging import JudgeSettings, Outcome, Verdict
from pilotage.core.plan import Basis, FlagsSpec, Plan, RouterSpec, TargetSpec
from pilotage.core.release import Release, Requirement, Run
from pilotage.core.routing import Address, RouterSeen, Routing
from pilotage.core.running import open_hooks
from pilotage.core.state import State, apply, begin, fold, run_key
from pilotage.core.steps import Hook
from pilotage.core.turn import (
    CheckReport,
    Effect,
    PrepareArtifact,
    Route,
    RunChecks,
    RunProgram,
    Seen,
    SetFlag,
    Start,
    Stop,
)
from pilotage.core.world import healthy
from pilotage.errors import Problem
from pilotage.flags import flagd
from pilotage.strategies.feature_flag import FeatureFlag
from pilotage.strategies.method import Context, Method

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def release(version: str) -> Release:
    run = Run(command=("serve", "{port}"), folder="/srv/shop")
    return Release(
        service="shop", version=version, artifact=Requirement(requirements=(f"shop=={version}",)), run=run
    )


OLD, NEW, WARM = release("1.0"), release("2.0"), release("0.9")


def plan(method: Method, *, first: bool = False, instances: int = 2, warm: bool = False, checks=()) -> Plan:
    flag = FlagSeen(key=method.flag) if isinstance(method, FeatureFlag) else None
    live = {} if first else {"live": OLD, "instances": instances, "warm": WARM if warm else None}
    basis = Basis(flag=flag, **live)
    return method.compile(
        Context(
            environment="prod",
            new=NEW,
            instances=instances,
            basis=basis,
            target=TargetSpec(kind="process"),
            router=RouterSpec(
                kind="envoy",
                listen=Address(host="127.0.0.1", port=8080),
                preview=Address(host="127.0.0.1", port=8081),
            ),
            checks=checks,
            flags=FlagsSpec(kind="file") if flag is not None else None,
            judge=JudgeSettings(),
        )
    )


def verdict(outcome: Outcome, *why: str) -> Verdict:
    return Verdict(outcome=outcome, why=why or (outcome.value,))


PASS, FAIL, UNDECIDED = (
    verdict(Outcome.PASS),
    verdict(Outcome.FAIL, "errors: 5 % against 0.1 %"),
    verdict(Outcome.UNDECIDED),
)


def compared(outcome: Outcome, count: int = 5_000, *why: str) -> Reconciliation:
    return Reconciliation(
        began=START, at=START, copies=count, compared=count, equal=count, outcome=outcome, why=why
    )


EQUAL = compared(Outcome.PASS)


@dataclass
class Story:
    plan: Plan
    verdict: Verdict | None = PASS
    now: datetime = START
    state: State = field(init=False)
    history: list[e.Event] = field(init=False)
    instances: dict[str, Instance] = field(default_factory=dict)
    routing: Routing | None = None
    proxy_runs: bool = True
    sick: set[str] = field(default_factory=set)
    """Releases whose instances do not get healthy."""
    refuses: Problem | None = None
    deaf: bool = False
    """The router accepts and does not apply."""
    blind: bool = False
    """Neither target nor router can be looked at."""
    broken: Problem | None = None
    """Every effect fails with this."""
    check_failures: dict[str, str] = field(default_factory=dict)
    inflight: dict[str, int] = field(default_factory=dict)
    inbox: list[e.Message] = field(default_factory=list)
    report: CheckReport | None = None
    stopped: list[str] = field(default_factory=list)
    build_problem: Problem | None = None
    half_up: bool = False
    """The proxy runs, but cannot listen: it never takes a routing, and says so."""
    judged_at: datetime | None = None
    """When the verdict's telemetry was read; None: just now."""
    flags: dict[str, object] = field(default_factory=dict)
    """Definitions of flags, by key."""
    flags_away: bool = False
    """The source of flags can neither be looked at nor changed."""
    compared: Reconciliation | None = EQUAL
    """What comes of copies, while they are made."""
    passes: int = 0
    memory: dict[str, Sighting] = field(default_factory=dict)
    """Of the runner of hooks: by key."""
    place: str = "here"
    did: list[str] = field(default_factory=list)
    """What was really run, in order: its key, without the rollout."""
    codes: dict[str, int] = field(default_factory=dict)
    """How the programs of a hook end, by its name."""
    stuck: set[str] = field(default_factory=set)
    """Hooks that do not come to their end."""
    checked: dict[str, bool] = field(default_factory=dict)
    revision: str | None = None
    acts: dict[str, str] = field(default_factory=dict)
    """To which revision the hook of that name brings the database."""

    def __post_init__(self) -> None:
        created = e.Created(at=self.now, by="ada", plan=self.plan, digest=self.plan.digest)
        self.history, self.state = [created], begin("shop-prod-1", created)
        basis = self.plan.basis
        for old in (basis.live, basis.warm):
            if old is not None:
                for number in range(1, basis.instances + 1):
                    self._spawn(old.id, number, Phase.HEALTHY)
        if basis.live is not None:
            from pilotage.core import world

            self.routing = world.routing(self.state, tuple(self.instances.values()), self.now)
        self.before = self.routing

    # The world

    def _spawn(self, release: str, number: int, phase: Phase) -> None:
        id = f"{release}.{number}"
        known = [OLD.id, NEW.id, WARM.id, *(copy.id for copy in self.plan.copies)]
        port = 20_000 + 1000 * known.index(release) + number
        self.instances[id] = Instance(
            id=id, release=release, number=number, address=Address(host="127.0.0.1", port=port), phase=phase
        )

    def set_phase(self, release: str, phase: Phase, restarts: int = 0) -> None:
        for id, instance in self.instances.items():
            if instance.release == release and instance.exists:
                self.instances[id] = instance.model_copy(update={"phase": phase, "restarts": restarts})

    def _pass_of_time(self) -> None:
        for id, instance in list(self.instances.items()):
            if instance.phase is Phase.STARTING and instance.release not in self.sick:
                self.instances[id] = instance.model_copy(update={"phase": Phase.HEALTHY})
            elif instance.phase is Phase.STOPPING:
                del self.instances[id]
        self._hooks_go_on()

    def send(self, order: e.Order, by: str = "ada", reason: str = "") -> None:
        number = len(self.inbox) + 1
        self.inbox.append(e.Message(number=number, order=order, by=by, at=self.now, reason=reason))

    def _seen(self) -> Seen:
        messages = tuple(m for m in self.inbox if m.number > self.state.heard)
        if self.blind:
            trouble = Problem(code="target.silent", what="the target does not answer")
            return Seen(messages=messages, trouble=(trouble,), verdict=None)
        revision = self.routing.revision if self.routing and self.proxy_runs else None
        router = RouterSeen(
            running=self.half_up or (self.proxy_runs and self.routing is not None),
            revision=revision,
            rejected=Problem(code="router.refused", what="cannot listen") if self.half_up else self.refuses,
            inflight=self.inflight,
            mirrored=self.compared if self.routing is not None and self.routing.mirror is not None else None,
        )
        preparations = {}
        for intent in self.state.intents:
            if intent.startswith("prepare:"):
                name = intent.removeprefix("prepare:")
                preparations[name] = (
                    Preparation(release=name, problem=self.build_problem)
                    if self.build_problem and name == NEW.id
                    else Preparation(release=name, digest="sha256:abc")
                )
        return Seen(
            instances=tuple(self.instances.values()),
            router=router,
            flag=self._flag(),
            preparations=preparations,
            report=self.report,
            verdict=self.verdict,
            judged_at=self.judged_at or self.now,
            inputs=Inputs(snapshots=max(self.passes, 1), digest="sha256:def") if self.verdict else None,
            messages=messages,
            hooks=self._sightings(),
            checked=self.checked,
            revision=self.revision,
        )

    def _sightings(self) -> dict[str, Sighting]:
        step = self.state.step
        wanted = {hook.name for hook in open_hooks(self.state)} | (
            {step.name} if isinstance(step, Hook) else set()
        )
        never = Sighting(phase=HookPhase.NEVER, place=self.place)
        keys = {name: run_key(name, self.state.attempt(name).attempt) for name in wanted}
        return {name: self.memory.get(key, never) for name, key in keys.items()}

    def _hooks_go_on(self) -> None:
        for key, seen in list(self.memory.items()):
            name = key.split(":")[1]
            if seen.phase is HookPhase.RUNNING and name not in self.stuck:
                code = self.codes.get(name, 0)
                self.memory[key] = seen.model_copy(update={"phase": HookPhase.ENDED, "code": code})
                if code == 0 and name in self.acts:
                    self.revision = self.acts[name]

    def lose(self, name: str) -> None:
        """Whatever runs it goes down unseen."""
        key = run_key(name, self.state.attempt(name).attempt)
        self.memory[key] = Sighting(phase=HookPhase.LOST, place=self.place)

    def _flag(self) -> FlagSeen | None:
        key = self.plan.flag_key
        return None if key is None or self.flags_away else flagd.seen(key, self.flags.get(key))

    def _set_flag(self, flag: FlagRule | FlagSeen) -> None:
        if isinstance(flag, FlagRule):
            self.flags[flag.key] = flagd.compiled(flag)
            self._check_flag(flag)
        elif flag.exists:
            self.flags[flag.key] = json.loads(flag.kept)
        else:
            self.flags.pop(flag.key, None)

    def _check_flag(self, rule: FlagRule) -> None:
        """2: a feature is never on for more users than the steps entered allow; none while it is taken back."""
        entered = [] if self.state.back else self.plan.steps[: self.state.position + 1]
        allowed = max([step.flag.share for step in entered if step.kind == "flag"], default=0)
        assert rule.share <= allowed, "on for more users than the plan allows by now"
        assert rule.nobody or self.state.promoted == NEW.id, "a feature before its version"

    def _perform(self, effect: Effect) -> None:
        assert effect.key in self.state.intents, "an effect without its intent in the history"
        if self.broken is not None:
            return self._note(e.Failed(at=self.now, key=effect.key, problem=self.broken))
        if self.flags_away and isinstance(effect.command, SetFlag):
            away = Problem(code="flags.unreadable", what="the flags are away")
            return self._note(e.Failed(at=self.now, key=effect.key, problem=away))
        match effect.command:
            case PrepareArtifact():
                pass
            case Start(release=name, numbers=numbers):
                for number in numbers:
                    assert f"{name}.{number}" not in self.instances
                    self._spawn(name, number, Phase.STARTING)
            case Stop(instances=ids):
                for id in ids:
                    self._check_not_serving(id)
                    self.stopped.append(id)
                    if id in self.instances:
                        instance = self.instances[id]
                        self.instances[id] = instance.model_copy(update={"phase": Phase.STOPPING})
            case Route(routing=routing):
                if not self.deaf and not self.half_up and self.refuses is None:
                    self.routing = routing
                    self._check_routing(routing)
            case RunProgram(key=key):
                key = key.split("/", 1)[1]
                assert key not in self.did, "done twice"
                self.did.append(key)
                self.memory[key] = Sighting(phase=HookPhase.RUNNING, place=self.place)
            case SetFlag(flag=flag):
                self._set_flag(flag)
            case RunChecks(step=step, attempt=attempt):
                passed = len(step.checks) - len(self.check_failures)
                self.report = CheckReport(step.release, attempt, passed, dict(self.check_failures))
        if not self.state.intents[effect.key].done:
            self._note(e.Done(at=self.now, key=effect.key, value=effect.value))
        return None

    def _note(self, event: e.Event) -> None:
        self.history.append(event)
        self.state = apply(self.state, event)

    # Invariants

    def _check_not_serving(self, id: str) -> None:
        """5: nothing is stopped while new requests may reach it."""
        if self.routing is None or not self.proxy_runs:
            return
        for backend in self.routing.backends:
            for endpoint in backend.endpoints:
                assert endpoint.instance != id or endpoint.draining, f"{id} is stopped while it serves"

    def _check_routing(self, routing: Routing) -> None:
        """1 and 2: nobody is sent to a version that is down if one that may serve is well; never too many."""
        seen = tuple(self.instances.values())
        for split in routing.splits:
            if split.share and not healthy(seen, split.release):
                others = [s.release for s in routing.splits if s.release != split.release]
                known = self.state.sick.get(split.release)
                late = known is not None and self.now - known >= timedelta(seconds=4)
                assert not (late and any(healthy(seen, other) for other in others)), "served by a dead version"
        allowed = max(
            [
                step.share(NEW.id)
                for step in self.plan.steps[: self.state.reached + 1]
                if hasattr(step, "share") and step.kind == "expose"
            ],
            default=0,
        )
        if routing.mirror is not None:
            served = {split.release for split in routing.splits if split.share} | set(routing.failover)
            assert routing.mirror.new not in served, "users see what is only compared"
        if not self.state.sick:
            assert routing.share(NEW.id) <= allowed, "exposed more than the plan allows by now"
        entered = [step for step in self.plan.steps[: self.state.reached + 1] if step.kind == "expose"]
        for pin in routing.pins:
            assert any(pin in step.pins for step in entered), "a group sees it that should not yet"
            assert healthy(seen, pin.release), "a group is sent to a dead version"

    # Running

    def step(self, seconds: float = 0.25) -> None:
        self.passes += 1
        self.now += timedelta(seconds=seconds)
        self._pass_of_time()
        before = self.state
        decision = decide(self.state, self._seen(), self.now)
        self.report = None
        self.history.extend(decision.events)
        self.state = decision.state
        if self.passes % 50 == 0 or self.state.status.final:
            assert fold(self.state.id, self.history) == self.state, "replaying gives another state"
        self._check_advance(before, decision.events)
        for effect in decision.effects:
            self._perform(effect)

    def _check_advance(self, before: State, events: tuple[e.Event, ...]) -> None:
        """3: a Judge step ends by a pass or by a person."""
        for event in events:
            if isinstance(event, e.StepFinished) and not event.back:
                step = self.plan.steps[event.index]
                let_go = (
                    before.continued
                    or before.continue_all
                    or any(m.order.value.startswith("promote") for m in self.inbox)
                )
                if step.kind == "judge" and not let_go:
                    assert self.verdict is not None
                    assert self.verdict.outcome is Outcome.PASS

    def run(self, until: str | None = None, *, seconds: float = 3600, tick: float = 0.5) -> Story:
        """Passes until an event of that kind happens, or to the end; fails after so many seconds."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            count = len(self.history)
            if self.state.status.final:
                if until is None:
                    return self
                break
            self.step(tick)
            if until is not None and any(event.kind == until for event in self.history[count:]):
                return self
        raise AssertionError(f"no {until or 'end'} within {seconds} s:\n" + "\n".join(self.told()[-15:]))

    def wait(self, seconds: float, tick: float = 0.5) -> Story:
        end = self.now + timedelta(seconds=seconds)
        while self.now < end and not self.state.status.final:
            self.step(tick)
        return self

    def kinds(self) -> list[str]:
        return [event.kind for event in self.history]

    def of(self, kind: str) -> list[e.Event]:
        return [event for event in self.history if event.kind == kind]

    def told(self) -> list[str]:
        return [event.model_dump_json(exclude={"plan", "routing"}) for event in self.history]

    def exposures(self) -> list[tuple[dict[str, int], int]]:
        """Groups that see the new version and its share of all others, as confirmed, without repeats."""
        found: list[tuple[dict[str, int], int]] = []
        for event in self.of("exposed"):
            seen = (event.groups, event.shares.get(NEW.id, 0))
            if not found or found[-1] != seen:
                found.append(seen)
        return found

    def shares(self) -> list[int]:
        """The new version's confirmed shares, in order, without repeats."""
        found: list[int] = []
        for event in self.of("exposed"):
            share = event.shares.get(NEW.id, 0)
            if not found or found[-1] != share:
                found.append(share)
        return found

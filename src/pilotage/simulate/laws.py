"""What must be true at every moment, whatever happens: docs/invariants.md, as code.

laws.py      who sees what, and the first law that is broken
history.py   laws about what is recorded: checked at every event
truth.py     laws about the world as it really is: checked at every effect and as time passes
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pilotage.core import events as e
from pilotage.core.environment import Environment
from pilotage.core.plan import Plan
from pilotage.core.state import State, apply, begin, fold
from pilotage.core.steps import Hook
from pilotage.ports import Change, Held
from pilotage.simulate import history, truth
from pilotage.simulate.place import Place
from pilotage.simulate.sentences import sentence
from pilotage.simulate.trouble import now

if TYPE_CHECKING:
    from pilotage.simulate.process import Process, Through
    from pilotage.simulate.world import World


@dataclass(frozen=True)
class Breach:
    """A law that was broken, when, and how."""

    law: str
    told: str
    at: float


@dataclass
class Record:
    """One rollout as the laws have followed it, by a fold of their own."""

    state: State
    place: Place
    events: list[e.Event] = field(default_factory=list)
    entered: float = 0.0
    """Virtual time when the current step began, or its time began anew."""
    ended: float = 0.0
    messages: dict[int, tuple[e.Message, float]] = field(default_factory=dict)
    owner: tuple[str, int] | None = None
    before: Any = None
    """What its environment was when it was created."""

    @property
    def plan(self) -> Plan:
        return self.state.plan


class Laws:
    """Follows everything; ``broken`` is the first breach."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.broken: Breach | None = None
        self.records: dict[str, Record] = {}
        self.environments: dict[str, Environment] = {}
        self.checked = 0
        """How many times a law was looked at."""

    def breach(self, law: str, told: str) -> None:
        if self.broken is None:
            self.broken = Breach(law, told, now())
            self.world.trouble.tell(f"LAW BROKEN: {law}: {told}")

    def hold(self, law: str, told: str, *, when: bool) -> None:
        """The law holds when ``when``; else it is broken."""
        self.checked += 1
        if not when:
            self.breach(law, told)

    # What is recorded

    def committed(self, change: Change, environment: Environment | None) -> None:
        id = change.state.id
        known = self.records.get(id)
        ended = known is not None and known.state.status.final
        self.hold("a final state is final", f"{id} goes on after its end", when=not ended)
        for event in change.events:
            if told := sentence(id, event):
                self.world.trouble.story.append((now(), told))
            if isinstance(event, e.Created):
                self._create(id, event)
            else:
                history.check(self, self.records[id], event, environment)
                self._follow(self.records[id], event)
        record = self.records[id]
        self.hold("a state is the fold of its events", id, when=record.state == change.state)
        if environment is not None:
            self.environments[environment.name] = environment
        if record.state.status.final:
            history.check_end(self, record)
            again = [e.EVENT.validate_json(event.model_dump_json()) for event in record.events]
            self.hold("replaying gives the same state", id, when=fold(id, again) == change.state)
            record.owner = None

    def tended(self, environment: Environment) -> None:
        """Somebody has written what it does about an environment at rest."""
        self.environments[environment.name] = environment

    def _create(self, id: str, event: e.Created) -> None:
        self.hold("a rollout is created once", id, when=id not in self.records)
        place = self.world.place(event.plan)
        record = Record(begin(id, event), place, [event], now(), before=self.environments.get(place.name))
        self.records[id] = record
        self.hold("the plan is what its digest says", id, when=event.digest == event.plan.digest)

    def _follow(self, record: Record, event: e.Event) -> None:
        before = record.state
        record.events.append(event)
        record.state = apply(before, event)
        if record.state.entered != before.entered or isinstance(event, e.StepFinished | e.TurnedBack):
            record.entered = now()
        if isinstance(event, e.Finished):
            record.ended = now()

    def claimed(self, held: Held) -> None:
        self.records[held.rollout].owner = (held.owner, held.epoch)

    def same(self, kept: State, again: State) -> None:
        self.hold("replaying gives the same state", kept.id, when=kept == again)

    def sent(self, rollout: str, message: e.Message) -> None:
        self.records[rollout].messages.setdefault(message.number, (message, now()))

    def stored(self, process: Process, name: str, arguments: Sequence[Any], fields: Any, answer: Any) -> None:
        """A call of the store by a process has succeeded."""
        if name == "claim":
            for held, _ in answer:
                process.confirmed[held.rollout] = now()
        elif name == "commit" and not arguments:
            process.tended[fields["environment"].name] = now()
        elif name == "commit":
            for change in arguments:
                if change.held is not None:
                    process.confirmed[change.state.id] = now()
                    process.epochs[process.caller] = change.held.epoch
                    history.check_outcome(self, process, change)
        elif name == "send" and arguments[0] in self.records:
            self.sent(arguments[0], answer)
        elif name == "renew":
            for id, record in self.records.items():
                if record.owner is not None and record.owner[0] == process.name:
                    process.confirmed[id] = now()

    # What is done

    def acting(self, process: Process, door: Through, name: str, arguments: Sequence[Any]) -> None:
        """A process begins an effect."""
        assert door.plan is not None
        if process.tends:
            truth.check_tending(self, process, door.plan.environment)
            return
        acting = [r for r in self.records.values() if r.plan.digest == door.plan.digest and len(r.events) > 1]
        if acting:
            # The same plan may have been started twice: by somebody who did not hear that it was.
            running = [r for r in acting if not r.state.status.final] or acting
            what = "flag" if door.port == "flags" else name
            truth.check_effect(self, process, running[-1], what, arguments)

    def routing_changed(self, place: Place) -> None:
        place.router.flow()
        if place.router.serving is not None:
            place.past.append(place.router.serving)
            truth.check_copies(self, place, place.router.serving)

    def errand_done(self, key: str) -> None:
        """A hook's work was really done."""
        rollout, name = key.split("/")[0], key.split(":")[1]
        record = self.records[rollout]
        steps = (*record.plan.steps, *record.plan.way_back)
        hook = next(step for step in steps if isinstance(step, Hook) and step.name == name)
        did = [one for one in record.place.runner.did if one.startswith(f"{rollout}/run:{name}:")]
        once = hook.repeatable or len(did) == 1
        self.hold("a hook that can not be repeated is done once", f"{rollout}: {did}", when=once)

    def holder(self, place: Place) -> Record | None:
        """The rollout that may change this place now."""
        known = self.environments.get(place.name)
        return self.records.get(known.holder) if known is not None and known.holder else None

    async def watch(self) -> None:
        """As time passes."""
        watch = truth.Watch(self)
        while True:
            await asyncio.sleep(0.5)
            for place in self.world.places:
                watch.look(place)

    async def at_the_end(self) -> None:
        if self.broken is None:
            for place in self.world.places:
                place.world.pass_time()
                known = await self.world.store.environment(place.service, place.name)
                truth.check_rest(self, place, known)

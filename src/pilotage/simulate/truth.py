"""Laws about the world as it really is: at every effect, as time passes, and at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pilotage.core import events as e
from pilotage.core.environment import Environment
from pilotage.core.routing import Routing
from pilotage.core.state import Status
from pilotage.core.steps import Expose
from pilotage.core.values import EVERYBODY
from pilotage.simulate import features
from pilotage.simulate.place import Place
from pilotage.simulate.trouble import now

if TYPE_CHECKING:
    from pilotage.simulate.laws import Laws, Record
    from pilotage.simulate.process import Process

REACTION = 8.0
"""Seconds that a worker which sees and may act is entitled to, from what happens to what it does about it: one
look a second while users see the new version, three seconds until a healthy version stands in, an effect, its
confirmation, and the drain of one pass."""
BACK_OFF = 31.0
"""After effects have failed in a row: the longest pause between two tries."""
AT_ONCE = 0.5
"""Seconds between hearing from the store that the lease holds and beginning an effect."""
CALM = 2.0
"""Seconds after a disturbance in which what was seen may be older than what is."""


def check_effect(laws: Laws, process: Process, record: Record, name: str, arguments: Sequence[Any]) -> None:
    """A process begins an effect: it may, it said so before, and it harms nobody."""
    state = record.state
    laws.checked += 1
    if name in ("probe", "prepare"):
        # Checks tell themselves; preparing is also how it is looked at how far an artifact is.
        return
    _fenced(laws, process, record, name)
    key = _intent(laws, record, name, arguments)
    if key is not None and not state.intents[key].done and _owns(process, record):
        process.owed[process.caller] = key
    if not _owns(process, record):
        return
    if name == "stop":
        _serves_nobody(laws, process, record, arguments[0])
    elif name == "apply":
        _exposes_no_more(laws, record, arguments[0])
    elif name == "flag":
        features.check_change(laws, record, arguments[0])


def check_tending(laws: Laws, process: Process, environment: str) -> None:
    """Who mends at rest has said so, and nobody has the environment, as far as it could know."""
    known, said = laws.environments.get(environment), process.tended.get(environment)
    told = f"{process.name} mends {environment}, confirmed at {said}: {known and known.care}"
    mine = known is not None and known.holder is None and known.care.by == process.name
    at_once = said is not None and now() - said <= AT_ONCE
    laws.hold("what is mended at rest is nobody's", told, when=mine or at_once)
    doing = known is None or known.holder is not None or bool(known.care.doing)
    laws.hold("an effect has its intent before it", told, when=doing)


def _owns(process: Process, record: Record) -> bool:
    """By its lease: a worker that has claimed a rollout anew has lost the lease that it had before."""
    if record.owner is None or record.owner[0] != process.name:
        return False
    return process.epochs.get(process.caller, record.owner[1]) == record.owner[1]


def _fenced(laws: Laws, process: Process, record: Record, name: str) -> None:
    """Who has lost its lease begins nothing, as soon as it could know."""
    known = process.confirmed.get(record.state.id)
    elapsed = now() - known if known is not None else None
    told = (
        f"{process.name} begins {name} for {record.state.id}, held by {record.owner}; confirmed {elapsed} s ago"
    )
    late = elapsed is None or elapsed > AT_ONCE
    laws.hold("who has lost its lease begins nothing", told, when=_owns(process, record) or not late)


def _intent(laws: Laws, record: Record, name: str, arguments: Sequence[Any]) -> str | None:
    """The key of the intent that stands in the history for this effect."""
    match name:
        case "apply":
            key, value = "route", arguments[0].revision
        case "flag":
            key, value = "flag", arguments[0].revision
        case "start":
            key, value = arguments[0].split("/", 1)[1], ""
        case "scale":
            key, value = f"start:{arguments[0].id}", ", ".join(map(str, arguments[1])) + " at step"
        case _:
            key, value = "stop", ",".join(arguments[0])
    intents = [x for x in record.events if isinstance(x, e.Intended) and x.key == key]
    said = any(x.value.startswith(value) for x in intents)
    told = f"{record.state.id}: {name} {value}"
    laws.hold("an effect has its intent before it", told, when=said)
    current = record.state.intents.get(key)
    return key if current is not None and current.value.startswith(value) else None


def _serves_nobody(laws: Laws, process: Process, record: Record, instances: Sequence[str]) -> None:
    """Nothing is retired while it gets traffic."""
    place = record.place
    serving, seen = place.router.serving, process.saw.get((place.name, "router"))
    unseen = serving is not None and seen is not None and seen.revision != serving.revision
    if serving is None or unseen or not place.router._running:
        return
    open_to = {x.instance for b in serving.backends for x in b.endpoints if not x.draining}
    told = f"{record.state.id} stops {', '.join(sorted(open_to & set(instances)))}"
    laws.hold("nothing is stopped while it serves", told, when=not open_to & set(instances))


def allowed(record: Record) -> int:
    """The greatest share of the new version that the steps entered so far allow."""
    state = record.state
    shares = [step.share(state.plan.new.id) for step in entered(record)]
    if state.back:
        way = [s for s in state.steps[: state.position + 1] if isinstance(s, Expose)]
        shares = [way[-1].share(state.plan.new.id)] if way else shares
    return max(shares, default=0)


def entered(record: Record) -> list[Expose]:
    """What users were to see in the forward steps entered so far."""
    state = record.state
    steps = state.plan.steps[: state.reached + 1] if state.back else state.plan.steps[: state.position + 1]
    return [step for step in steps if isinstance(step, Expose)]


def _exposes_no_more(laws: Laws, record: Record, routing: Routing) -> None:
    """Exposure never exceeds what the plan and the verdicts allow; a version that stands in is told of."""
    state, new = record.state, record.plan.new.id
    told = f"{state.id}: {routing.share(new)} of {allowed(record)}"
    stands_in = bool(state.sick)
    laws.hold("exposure stays within the plan", told, when=routing.share(new) <= allowed(record) or stands_in)
    known = [pin for step in entered(record) for pin in step.pins]
    early = [pin.group for pin in routing.pins if pin not in known]
    laws.hold("exposure stays within the plan", f"{state.id}: {early} see it", when=not early)
    unknown = {split.release for split in routing.splits if split.share} - {new, _live(record)}
    laws.hold("exposure stays within the plan", f"{state.id}: {unknown} serve", when=not unknown)


def _live(record: Record) -> str | None:
    live = record.plan.basis.live
    return live.id if live is not None else None


def check_copies(laws: Laws, place: Place, routing: Routing) -> None:
    """Users never get a mirrored answer; a release that is compared gets no user, whoever else is down."""
    if routing.mirror is None:
        return
    compared = {routing.mirror.new} | (set(routing.mirror.releases) if routing.mirror.writes else set())
    served = {split.release for split in routing.splits if split.share} | set(routing.failover)
    served |= {pin.release for pin in routing.pins}
    told = f"{place.name}: {sorted(compared & served)} serve users and are compared"
    laws.hold("no user sees what is only compared", told, when=not compared & served)


class Watch:
    """What may not last: each wrong is given its time from when it began, or from the last disturbance."""

    def __init__(self, laws: Laws) -> None:
        self.laws = laws
        self._since: dict[str, float] = {}

    def look(self, place: Place) -> None:
        record = self.laws.holder(place)
        self._lasting("somebody healthy serves", place.name, REACTION, self._unserved(place, record), record)
        self._lasting(
            "exposure stays within the plan", place.name, REACTION, self._exceeded(place, record), record
        )
        self._lasting(
            "a feature stays within the plan", place.name, REACTION, features.exceeded(place, record), record
        )
        self._lasting("a group is sent to nobody dead", place.name, REACTION, self._lost_group(place), record)
        for known in self.laws.records.values():
            self._lasting("orders are heard", known.state.id, REACTION, self._unheard(known), known)

    def _lasting(self, law: str, name: str, limit: float, told: str | None, record: Record | None) -> None:
        key = f"{law} {name}"
        self.laws.checked += 1
        if told is None:
            self._since.pop(key, None)
            return
        since = self._since.setdefault(key, now())
        since = max(since, self.laws.world.trouble.disturbed_until + CALM)
        if record is not None and record.state.failures:
            limit = max(limit, BACK_OFF + REACTION)
        if now() - since > limit:
            self.laws.breach(law, f"{told}, for more than {limit:g} s")

    def _unserved(self, place: Place, record: Record | None) -> str | None:
        """Users get errors from a version that is down, and one that they may see is healthy."""
        if record is None or place.router.serving is None:
            return None
        may_be_seen = {r for r, share in record.state.shares.items() if share} | set(place.router.asked())
        for release in place.router.asked():
            others = sorted(r for r in may_be_seen - {release} if place.world.well(r))
            # Only what is safe to repeat fails over inside the router: the rest is for Pilotage to move.
            if not place.router.serves(release) and others:
                return f"{place.name}: {release} does not answer while {others} would"
        return None

    def _lost_group(self, place: Place) -> str | None:
        """A group is sent to a version that is down, and the one that all others have is healthy."""
        serving = place.router.serving
        for pin in serving.pins if serving is not None and place.router._running else ():
            others = [release for release in place.router.asked() if place.world.well(release)]
            if not place.router.serves(pin.release) and others:
                return f"{place.name}: {pin.group} are sent to {pin.release}"
        return None

    def _exceeded(self, place: Place, record: Record | None) -> str | None:
        if record is None or record.state.status is Status.QUEUED or record.state.sick:
            return None
        share = place.router.asked().get(record.plan.new.id, 0)
        return f"{place.name}: {share} of {allowed(record)}" if share > allowed(record) else None

    def _unheard(self, record: Record) -> str | None:
        if record.state.status.final:
            return None
        unheard = sorted(number for number in record.messages if number > record.state.heard)
        return f"{record.state.id} has not heard {unheard}" if unheard else None


def plain(routing: Routing | None) -> object:
    """A routing without what comes and goes: which endpoints drain just now."""
    if routing is None:
        return None
    shares = sorted((split.release, split.share) for split in routing.splits if split.share)
    ends = sorted(
        (b.release, x.instance, str(x.address))
        for b in routing.backends
        for x in b.endpoints
        if b.release in dict(shares)
    )
    return shares, ends, routing.key, routing.pins, routing.listen, routing.preview, routing.timeouts


def check_rest(laws: Laws, place: Place, known: Environment) -> None:
    """When all has ended: what is recorded is what is, and nothing else is left."""
    began = (r for r in laws.records.values() if r.place is place and r.state.started is not None)
    last = sorted(began, key=lambda record: record.ended)
    features.check_rest(laws, place, last)
    if known.live is None:
        laws.hold(
            "what is recorded is what is",
            f"{place.name}: {place.router.asked()}",
            when=not place.router.asked(),
        )
        left = place.world.existing()
        laws.hold("nothing is left behind", f"{place.name}: {sorted(left)}", when=not left)
        return
    live = known.live
    laws.hold("who has ended holds nothing", place.name, when=known.holder is None)
    asked = place.router.asked()
    laws.hold(
        "what is recorded is what is", f"{place.name}: {asked}", when=asked == {live.release.id: EVERYBODY}
    )
    wanted = {f"{live.release.id}.{number}" for number in range(1, live.instances + 1)}
    left = place.world.existing()
    laws.hold("nothing is left behind", f"{place.name}: {sorted(left)}", when=left == wanted)
    if last and last[-1].state.status is Status.ROLLED_BACK and not last[-1].state.stays:
        before, after = last[-1].plan.basis.routing, place.router.serving
        same = before is None or plain(before) == plain(after)
        laws.hold("a way back restores the routing exactly", place.name, when=same)

"""Every door to the outside, on one page: what Pilotage asks of a target, a router, flags, a store and a clock.

Adapters register through entry points (``pilotage.targets``, ``pilotage.routers``, ``pilotage.telemetry``,
``pilotage.flags``), the built-in ones exactly as a stranger's would; wiring.py makes them with
``Adapter(Site)``. Each port has one contract suite in tests/contracts/ that its fake and every adapter pass.

All calls are wanted states: safe to repeat, safe after a crash at any point. All are quick: what takes long
(building an artifact, stopping an instance) is begun and then looked at again. A call that cannot reach its
other side raises the port's error class with a Problem; it never hangs longer than a few seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from pilotage.core.database import DatabaseSpec, Survey
from pilotage.core.environment import Environment, Glance
from pilotage.core.events import Event, Message, Order
from pilotage.core.evidence import Statement
from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.core.fleet import Instance, Preparation
from pilotage.core.hooks import Program, Sighting
from pilotage.core.judging import Snapshot
from pilotage.core.keeping import Row
from pilotage.core.plan import Plan
from pilotage.core.readiness import Tick
from pilotage.core.release import Release
from pilotage.core.retention import Pruned
from pilotage.core.routing import Address, RouterSeen, Routing, Telemetry
from pilotage.core.state import State
from pilotage.core.steps import Check
from pilotage.core.telemetry import Reading, Watched
from pilotage.errors import ExitCode, PilotageError, Problem


class TargetError(PilotageError):
    exit_code = ExitCode.UNREACHABLE


class RouterError(PilotageError):
    exit_code = ExitCode.UNREACHABLE


class TelemetryError(PilotageError):
    exit_code = ExitCode.UNREACHABLE


class FlagsError(PilotageError):
    exit_code = ExitCode.UNREACHABLE


class HookError(PilotageError):
    exit_code = ExitCode.UNREACHABLE


class DatabaseError(PilotageError):
    exit_code = ExitCode.UNREACHABLE


class StoreError(PilotageError):
    exit_code = ExitCode.UNREACHABLE


class Conflict(StoreError):
    """Somebody else changed it first: read again, decide again."""

    exit_code = ExitCode.BLOCKED


class LeaseLost(Conflict):
    """Another worker has this rollout now: stop at once, change nothing more."""


@dataclass(frozen=True)
class Site:
    """Where an adapter works: one service in one environment.

    ``folder`` is the adapter's own, below the state folder (private, mode 0700, made by wiring); ``cache`` is
    shared by all (artifacts). ``settings`` are the adapter's own from the manifest, already checked by it.
    """

    service: str
    environment: str
    folder: Path
    cache: Path
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """New events of one rollout. ``before`` is the number of events it must have now (0: it is new)."""

    state: State
    """After the events."""
    events: tuple[Event, ...]
    before: int
    held: Held | None = None
    """The lease under which a worker writes; None for what needs none (a new rollout, a handover)."""
    wake: datetime | None = None
    """When it wants to be looked at again; None: at once, or never when it is final."""


@dataclass(frozen=True)
class Held:
    """A lease on one rollout. ``epoch`` fences: a later lease has a greater one."""

    rollout: str
    owner: str
    epoch: int


class Store(Protocol):
    """Where history and leases are kept. Every method is one transaction."""

    async def commit(self, *changes: Change, environment: Environment | None = None) -> None:
        """All of it or nothing.

        ``environment`` is the new record; it is stored with its revision one higher, and only if the stored
        one still has that revision. Raises Conflict when a rollout or the environment has moved on meanwhile,
        or when a rollout would end with a message that it has not heard; LeaseLost when a change's lease is
        not the current one.
        """
        ...

    async def claim(
        self,
        owner: str,
        now: datetime,
        ttl: timedelta,
        limit: int,
        environments: Collection[str] | None = None,
    ) -> list[tuple[Held, State]]:
        """Leases rollouts that are not final, are due, and are nobody's (or whose lease has run out).

        ``environments``: only of these, by name or as ``service/name``; None: of all."""
        ...

    async def renew(self, owner: str, now: datetime, ttl: timedelta, rollouts: Collection[str]) -> None:
        """Keeps the leases of this owner on these rollouts that have not been taken away.

        Only on those that it drives: a lease whose claim was not heard, or that could not be given back, runs
        out."""
        ...

    async def take_over(self) -> None:
        """Ends all leases; everything unfinished is due. Only for a worker that knows it is the only one, when
        it begins: the one before may have been killed."""
        ...

    async def release(self, held: Held, wake: datetime) -> None:
        """Gives a lease back; due again at ``wake``, or at once if a message came meanwhile."""
        ...

    async def send(
        self, rollout: str, order: Order, by: str, at: datetime, reason: str = "", key: str | None = None
    ) -> Message:
        """Puts an order in a rollout's inbox and makes it due. The same ``key`` is stored once.

        Raises StoreError (code ``rollout.unknown``) when there is no such rollout, Conflict (code
        ``rollout.ended``) when it is final: nobody would hear it.
        """
        ...

    async def messages(self, rollout: str, after: int) -> tuple[Message, ...]: ...

    async def rollout(self, id: str) -> State:
        """Raises StoreError (code ``rollout.unknown``, with the nearest ids) when there is none."""
        ...

    async def rollouts(
        self,
        service: str | None = None,
        environment: str | None = None,
        *,
        unfinished: bool = False,
        limit: int = 50,
    ) -> list[State]:
        """The newest first."""
        ...

    async def events(self, rollout: str, after: int = 0) -> tuple[Event, ...]:
        """In order, without the first ``after``."""
        ...

    async def environment(self, service: str, name: str) -> Environment:
        """An empty one (revision 0) when nothing was ever released there."""
        ...

    async def environments(self) -> list[Environment]: ...

    async def tick(self, tick: Tick) -> None:
        """Keeps it for ever; an earlier one of the same step stays, and the last one counts."""
        ...

    async def ticks(self, plan: str) -> tuple[Tick, ...]:
        """Of the plan with that digest, in the order in which they were kept."""
        ...

    async def attest(self, statement: Statement) -> None:
        """Keeps it for ever; the same one again changes nothing."""
        ...

    async def statements(self, service: str) -> tuple[Statement, ...]:
        """On that service, in the order in which they were kept."""
        ...

    async def record(self, rollout: str, number: int, snapshot: Snapshot) -> None:
        """Keeps one snapshot of telemetry; the same number again changes nothing."""
        ...

    async def snapshots(self, rollout: str, after: int = 0) -> list[tuple[int, Snapshot]]:
        """By number, those greater than ``after``."""
        ...

    async def checkpoint(self, rollout: str, number: int, judge: dict[str, Any]) -> None:
        """The judge's memory after the snapshot of that number; replaces the one before."""
        ...

    async def last_checkpoint(self, rollout: str) -> tuple[int, dict[str, Any]] | None: ...

    async def put_glance(self, rollout: str, glance: Glance) -> None: ...

    async def glance(self, rollout: str) -> Glance | None: ...

    async def remembered(self) -> tuple[str, ...]:
        """Rollouts of which there is something that may be forgotten: telemetry, the judge's memory, orders."""
        ...

    async def weight(self, rollout: str) -> dict[str, int]:
        """How many records of each kind that may be forgotten are kept of it."""
        ...

    async def forget(self, rollout: str, at: datetime) -> None:
        """Its telemetry and its orders go, its history stays; that they are gone is kept.

        Conflict (code ``rollout.unfinished``) while it is not final.
        """
        ...

    async def pruned(self, rollout: str) -> Pruned | None:
        """When its recording was forgotten; None: it was not."""
        ...

    async def close(self) -> None: ...


class Vault(Protocol):
    """A store as a whole, for backups. No lease is taken out or put in."""

    def everything(self) -> Iterator[Row]:
        """All rows as of one moment, by table in the order of ``core.keeping.TABLES``, while others work."""
        ...

    async def put_everything(self, rows: Callable[[], Iterable[Row]], *, replace: bool) -> None:
        """In the place of what is there, all or nothing; what is unfinished is due at once.

        Conflict (code ``store.not-empty``) when there is something and ``replace`` does not say that it goes.
        Nobody may work here meanwhile. ``rows`` may be asked for more than once.
        """
        ...


class Bell(Protocol):
    """Wakes a worker when something came for a rollout: an order, a new release, an environment that is free.

    It may ring for nothing, and a ring may be lost: whoever rests looks again, and never rests for long.
    """

    def expect(self, rollout: str) -> None:
        """What comes for it from now on ends its next rest."""
        ...

    def forget(self, rollout: str) -> None: ...

    async def rest(self, rollout: str | None, seconds: float) -> None:
        """Until something came for this rollout (None: for any, or one is due), or so long, or less."""
        ...

    def ring(self) -> None:
        """Ends every rest."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC, which may jump."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Target(Protocol):
    """What runs the instances of a service in one environment."""

    def __init__(self, site: Site) -> None: ...

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with these settings, or with this machine for them; touches nothing."""
        ...

    async def prepare(self, release: Release) -> Preparation:
        """Begin to make the artifact ready, or say how far it is. Done work is never done again."""
        ...

    async def scale(self, release: Release, numbers: Sequence[int]) -> None:
        """See that the instances with these numbers (1, 2, …) of a prepared release are started.

        Starts what is missing or was stopped, leaves what runs alone, stops nothing.
        """
        ...

    async def observe(self) -> tuple[Instance, ...]:
        """All instances of all releases, also those that have crashed; also mends dead supervisors."""
        ...

    async def stop(self, instances: Sequence[str]) -> None:
        """Begin to stop these (SIGTERM, the release's grace, SIGKILL). Unknown ids are already stopped."""
        ...

    async def log(self, instance: str, lines: int) -> str:
        """The last lines that an instance wrote, also a stopped one's."""
        ...


class Router(Protocol):
    """What decides which release serves a request or a user.

    Guarantees, held by the contract suite under load: apply never fails or closes a request, a stream or an
    idle connection; after ``observe`` shows a revision no new request reaches a release at zero; a refused
    routing changes nothing; the router outlives us and serves its last routing after a restart of its own;
    raising a share by user only moves users from old to new.
    """

    def __init__(self, site: Site) -> None: ...

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]: ...

    async def check(self, routing: Routing) -> list[Problem]:
        """Dry run: would this be refused, and is its address free (or ours)? Touches nothing that serves."""
        ...

    async def apply(self, routing: Routing) -> None:
        """Make it so, atomically; starts the proxy if it is an embedded one and does not run."""
        ...

    async def observe(self) -> RouterSeen:
        """What is really in effect now; also restarts an embedded proxy that has died, as it was."""
        ...

    async def telemetry(self) -> Telemetry:
        """One reading of all counters.

        A release that is not routed any more keeps its counts: when it is routed again, what it counted long
        ago is told apart from what comes now.
        """
        ...

    async def stop(self) -> None:
        """End an embedded proxy. Only when a person takes the whole environment down."""
        ...


class Flags(Protocol):
    """What decides which users have a feature. One service's flags may be among others': each is changed alone.

    Guarantees, held by the contract suite: apply is atomic, a reader has the old flag or the new one, and no
    other flag is touched; after ``observe`` shows a revision, whoever evaluates the flag from here has that
    rule (when the clients out there have it is theirs: their polling); what was observed can be applied
    again, and is exactly what it was; a refused or failed apply changes nothing.
    """

    def __init__(self, site: Site) -> None: ...

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]: ...

    async def check(self, key: str) -> list[Problem]:
        """Dry run: could this flag be changed? Touches nothing."""
        ...

    async def apply(self, wanted: FlagRule | FlagSeen) -> None:
        """Make it so. A FlagSeen of what does not exist: there is to be no such flag."""
        ...

    async def observe(self, key: str) -> FlagSeen:
        """What is really in effect now."""
        ...


class TelemetrySource(Protocol):
    """Where figures of both versions come from, beside the router's own counters.

    What can not be told apart, is stale, doubled or contradictory is left out and noted, never guessed: the
    judge holds on what is missing. Several sources of one environment are merged field by field, the first
    that knows a field has it. Making one touches nothing: a worker reads, commands only look.

    Secrets are given by reference (``{env: NAME}``, ``{file: PATH}``) and read when they are needed; none may
    stand in a Problem or a note.
    """

    def __init__(self, site: Site) -> None: ...

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]: ...

    async def read(self, watched: Watched) -> Reading:
        """Both versions now. Raises TelemetryError when the source does not answer."""
        ...

    async def history(self, watched: Watched, since: datetime, until: datetime) -> tuple[Reading, ...]:
        """Readings of the past, in the order of time, from one epoch; empty when the source keeps none."""
        ...

    async def close(self) -> None: ...


class Prober(Protocol):
    """Makes one request as a user would, and says what is wrong with the answer (None: nothing)."""

    async def probe(self, address: Address, check: Check) -> str | None: ...


class Runner(Protocol):
    """Runs programs that must not be run twice: they outlive the worker that began them.

    A key is begun at most once for ever in one runner's memory, whoever asks and however often; how it ended is
    known as long as that memory is there. No secret may stand in a tail, a detail or a file.
    """

    async def start(self, key: str, program: Program) -> None:
        """Begin it, unless this key was ever begun. Raises HookError when it could not be begun."""
        ...

    async def sight(self, key: str) -> Sighting: ...

    async def check(self, program: Program) -> bool | None:
        """Runs a short program now: exit code 0 is True, 1 is False, everything else None."""
        ...

    async def log(self, key: str, lines: int) -> str: ...


class Database(Protocol):
    """What knows at which revision a database is."""

    async def revision(self, spec: DatabaseSpec) -> str:
        """``core.database.BASE``: none yet. Raises DatabaseError when it does not answer, or is at several."""
        ...


class Surveyor(Database, Protocol):
    """What also reads the changes that are still to be made."""

    async def survey(self, spec: DatabaseSpec) -> Survey:
        """The changes in its folder, read and not run. Raises DatabaseError when they cannot be read."""
        ...


@dataclass(frozen=True)
class Reach:
    """How the world of one environment is reached: its adapters, as a bundle."""

    target: Target
    router: Router
    prober: Prober
    telemetry: tuple[TelemetrySource, ...] = ()
    """The plan's sources in its order, without the router's own counters."""
    flags: Flags | None = None
    """None: the plan has to do with none."""
    runner: Runner | None = None
    database: Database | None = None


GroundOf = Callable[[Plan], Reach | None]
"""As ReachOf, for what is only tried before it begins; None: it is not reached from this machine."""

ReachOf = Callable[[Plan], Reach]
"""Finds the adapters that a plan names. Raises PilotageError when one is not installed."""

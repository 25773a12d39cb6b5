"""Which version serves whom: the one wanted state of a router, and what a router reports back."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from pilotage.core.comparing import CompareSettings, Reconciliation
from pilotage.core.values import EVERYBODY, Duration, Frozen, Growing, Instant, Share, digest
from pilotage.errors import Problem


class Address(Frozen):
    host: str
    port: int = Field(ge=1, le=65535)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Endpoint(Frozen):
    """One instance as the router sees it. A draining one gets no new request but keeps those it has."""

    instance: str
    address: Address
    draining: bool = False


class Backend(Frozen):
    """The endpoints of one release, in instance order."""

    release: str
    endpoints: tuple[Endpoint, ...] = ()


class ByRequest(Frozen):
    """Each request is drawn anew: the share is of requests."""

    kind: Literal["request"] = "request"


class ByUser(Frozen):
    """The share is of users, told apart by a cookie the router sets; monotone (a user who has seen the new
    version at 10 % still sees it at 50 %)."""

    kind: Literal["user"] = "user"
    cookie: str = "pilotage_uid"
    ttl: Duration = timedelta(days=30)


SplitKey = Annotated[ByRequest | ByUser, Field(discriminator="kind")]


class Pin(Growing):
    """Requests with this header (or cookie) value go to this release, whatever the split. The first pin that
    fits a request decides."""

    added: ClassVar[tuple[str, ...]] = ("more", "share", "group")

    release: str
    header: str | None = None
    cookie: str | None = None
    value: str
    more: tuple[str, ...] = ()
    """Other values that mean the same."""
    share: Share = Field(default=EVERYBODY, gt=0)
    """Of those who have the value; the others go by the split."""
    group: str = Field(default="", pattern=r"^[a-z0-9-]*$")
    """Whose requests these are. A group's are counted apart, and so are out of the comparison of the split."""

    @model_validator(mode="after")
    def _one_of(self) -> Pin:
        if (self.header is None) == (self.cookie is None):
            raise ValueError("a pin names either a header or a cookie")
        return self


class Timeouts(Frozen):
    upstream_idle: Duration = timedelta(seconds=1)
    """Half of the shortest keep-alive time-out among the services' servers, or less (the idle race)."""
    request: Duration = timedelta(0)
    """Zero: none."""
    stream_idle: Duration = timedelta(hours=1)
    connect: Duration = timedelta(seconds=1)


class Split(Frozen):
    release: str
    share: Share


class Mirroring(Frozen):
    """Copies of users' requests, asked of these releases and compared; nobody is ever answered with them.

    ``old`` is asked once, ``again`` once (the same release, or a copy of its own), ``new`` once. Only safe
    methods (RFC 9110, 9.2.1), unless ``writes``: then all three are isolated copies.
    """

    run: str = ""
    """Whose comparison it is: another run begins to count anew."""
    share: Share = EVERYBODY
    """Of users' requests that are copied."""
    old: str
    again: str
    new: str
    writes: bool = False
    most: float = Field(gt=0, lt=1)
    """The largest part of answers that may differ beyond noise."""
    skip: tuple[str, ...] = ()
    """Requests whose path begins like this are not copied on."""
    compare: CompareSettings = CompareSettings()

    @property
    def releases(self) -> tuple[str, ...]:
        """Those that are asked, each once."""
        return tuple(dict.fromkeys((self.old, self.again, self.new)))


class Routing(Growing):
    """Complete: a router that holds this needs no memory of what it held before.

    ``splits`` sum to EVERYBODY, or are all zero or empty: then nobody is served (maintenance, 503 with
    Retry-After). A zero is a hard zero. ``failover`` releases take, in order, the requests whose own release
    has no endpoint that answers. ``mirror`` is only there while a release that it asks serves no user.
    """

    added: ClassVar[tuple[str, ...]] = ("mirror",)

    listen: Address
    preview: Address | None = None
    """A second address that always serves ``preview_release``; 503 when that is None."""
    preview_release: str | None = None
    backends: tuple[Backend, ...] = ()
    splits: tuple[Split, ...] = ()
    key: SplitKey = ByRequest()
    pins: tuple[Pin, ...] = ()
    failover: tuple[str, ...] = ()
    timeouts: Timeouts = Timeouts()
    mirror: Mirroring | None = None

    @model_validator(mode="after")
    def _sound(self) -> Routing:
        total = sum(split.share for split in self.splits)
        if total not in (0, EVERYBODY):
            raise ValueError(f"shares sum to {total}, not to {EVERYBODY} or 0")
        known = {backend.release for backend in self.backends}
        named = {s.release for s in self.splits} | {p.release for p in self.pins} | set(self.failover)
        if self.preview_release:
            named.add(self.preview_release)
        if self.mirror is not None:
            named |= set(self.mirror.releases)
            if self.share(self.mirror.new):
                raise ValueError(f"{self.mirror.new} serves users and is compared at the same time")
        if named - known:
            raise ValueError(f"no backend for {', '.join(sorted(named - known))}")
        if any(pin.share < EVERYBODY for pin in self.pins) and not total:
            raise ValueError("a pin for some of a group needs a split for the others")
        return self

    @cached_property
    def revision(self) -> str:
        """Content address: the same routing has the same revision. 16 hex digits."""
        return digest(self)[7:23]

    def share(self, release: str) -> Share:
        return sum(split.share for split in self.splits if split.release == release)

    def shares_of(self, pin: Pin) -> dict[str, Share]:
        """Who serves those with this pin's value: its release, the split for the rest. Sums to EVERYBODY."""
        rest = EVERYBODY - pin.share
        others = self.splits if rest else ()
        shares = {split.release: rest * split.share // EVERYBODY for split in others if split.share}
        shares[pin.release] = shares.get(pin.release, 0) + EVERYBODY - sum(shares.values())
        return shares


class Counters(Frozen):
    """Cumulative counts of one release since the router began counting (``RouterSeen.epoch``).

    By the endpoint that really got the request, failed-over and mirrored ones apart:
    ``requests`` completed by this release's endpoints (any status) plus connects that failed;
    ``errors`` are 5xx answers, resets and failed connects. ``latency_bucket[i]`` counts answers that took at
    most ``Telemetry.latency_bounds[i]`` seconds; the last is +Inf.
    """

    requests: int = 0
    errors: int = 0
    by_status: dict[int, int] = Field(default_factory=dict)
    connect_failures: int = 0
    failed_over: int = 0
    latency_bucket: tuple[int, ...] = ()
    inflight: int = 0

    def since(self, earlier: Counters) -> Counters:
        """The difference; these counters as they are when they have begun anew (something decreased)."""
        if earlier.requests > self.requests or len(earlier.latency_bucket) not in (0, len(self.latency_bucket)):
            return self
        before = earlier.latency_bucket or (0,) * len(self.latency_bucket)
        return Counters(
            requests=self.requests - earlier.requests,
            errors=self.errors - earlier.errors,
            by_status={s: n - earlier.by_status.get(s, 0) for s, n in self.by_status.items()},
            connect_failures=self.connect_failures - earlier.connect_failures,
            failed_over=self.failed_over - earlier.failed_over,
            latency_bucket=tuple(n - b for n, b in zip(self.latency_bucket, before, strict=True)),
            inflight=self.inflight,
        )


class Telemetry(Frozen):
    """One reading of a router. ``epoch`` changes when the counters began anew (the proxy was restarted)."""

    epoch: str
    latency_bounds: tuple[float, ...]
    """Upper bounds in seconds, without the +Inf."""
    counters: dict[str, Counters]
    """By release id."""
    groups: dict[str, dict[str, Counters]] = Field(default_factory=dict)
    """Those who came by a pin with a group, by group and release; they are in no other count of a release."""
    users_failed: int = 0
    """5xx that clients really saw on the main address, after retries and failover."""
    users_served: int = 0
    """Requests that clients really finished on the main address."""

    def since(self, earlier: Telemetry | None) -> Telemetry:
        """What was counted after ``earlier``; all of it when the router has begun anew since then."""
        if earlier is None or earlier.epoch != self.epoch:
            return self
        return self.model_copy(
            update={
                "counters": _since(self.counters, earlier.counters),
                "groups": {
                    group: _since(counters, earlier.groups.get(group, {}))
                    for group, counters in self.groups.items()
                },
                "users_failed": self.users_failed - earlier.users_failed,
                "users_served": self.users_served - earlier.users_served,
            }
        )


def _since(now: dict[str, Counters], earlier: dict[str, Counters]) -> dict[str, Counters]:
    nothing = Counters()
    return {release: counters.since(earlier.get(release, nothing)) for release, counters in now.items()}


class RouterSeen(Frozen):
    """What the router shows when looked at. ``revision`` is what is in effect, proved by the data plane."""

    running: bool
    revision: str | None = None
    rejected: Problem | None = None
    """The last routing given to it, if it refused it: the one before still serves."""
    inflight: dict[str, int] = Field(default_factory=dict)
    """Requests and streams now in flight, by instance id."""
    since: Instant | None = None
    detail: str = ""
    mirrored: Reconciliation | None = None
    """What came of the copies, while they are made; None: nothing is compared, or nothing is known."""

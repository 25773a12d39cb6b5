"""From Envoy's stats to our counters.

Every number comes from the two stats loggers of listeners.py: one entry for every try at an endpoint
(``attempt``), one for every answer to a client (``answer``). Tags are parts of the stat's name:

    pilotage_main.attempt.at.<release>.meant.<cluster>.code.<status or 0>.flags.<flags or ->
    pilotage_main.took_us.at.<release>.meant.<cluster>.flags.<flags or ->      to the first byte of the answer
    pilotage_main.left_ms.at.<release>.meant.<cluster>.flags.<flags or ->      until a client gave up waiting
    pilotage_main.answer.code.<status or 0>.flags.<flags or ->

Requests through the preview listener are under ``pilotage_preview`` and never looked at. Envoy keeps the counts
of a release that is not routed any more, and so do we: when it is routed again, the difference to an earlier
reading is what came since then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pilotage.adapters.envoy import names
from pilotage.adapters.envoy.admin import Reading
from pilotage.adapters.envoy.listeners import ANSWER, ATTEMPT, LATENCY_MS, LATENCY_US, LEFT_MS
from pilotage.core.routing import Backend, Counters, Telemetry

CLIENT_LEFT = 499
"""By custom, the status of a request whose client went before it was answered."""
_BROKEN = {"UF", "UC", "UR", "UT", "UO", "UPE", "LR", "SI", "UMSDR"}
"""Response flags: the endpoint, or the way to it, failed."""
_CONNECT = "UF"
_NOWHERE = "-"
"""In place of a release: no endpoint was tried."""


@dataclass
class _Tally:
    requests: int = 0
    errors: int = 0
    by_status: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    connect_failures: int = 0
    failed_over: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_MS) + 1))

    def attempt(self, status: int, flags: set[str], count: int) -> None:
        self.requests += count
        broken = bool(flags & _BROKEN)
        if broken or status >= 500:
            self.errors += count
        if _CONNECT in flags:
            self.connect_failures += count
        if status:
            self.by_status[status] += count
        elif not broken:
            self.by_status[CLIENT_LEFT] += count

    def counters(self, inflight: int) -> Counters:
        return Counters(
            requests=self.requests,
            errors=self.errors,
            by_status=dict(sorted(self.by_status.items())),
            connect_failures=self.connect_failures,
            failed_over=self.failed_over,
            latency_bucket=tuple(self.buckets),
            inflight=inflight,
        )


_Tallies = defaultdict[tuple[str, str], _Tally]
"""By group (empty: everybody else) and label of the release."""


def read(admin: Reading, backends: Sequence[Backend]) -> Telemetry:
    """One reading. Envoy merges the histograms of its threads up to a second later than it counts."""
    epoch = admin.started()
    tries = rf"{names.MAIN}\.(?:{ATTEMPT}\.at|{ANSWER})\..*"
    # Asking for any stats makes Envoy merge its threads' histograms: mostly the next answer shows them.
    counted = admin.stats(tries, type="Counters")
    inflight = in_flight(admin)
    timed = admin.stats(
        rf"{names.MAIN}\.(?:{LATENCY_US}|{LEFT_MS})\.at\..*",
        type="Histograms",
        histogram_buckets="cumulative",
    )
    tallies: _Tallies = defaultdict(_Tally, {("", names.label(b.release)): _Tally() for b in backends})
    users = _count(counted, tallies)
    _time(timed[0]["histograms"] if timed else [], tallies)
    return Telemetry(
        epoch=epoch,
        latency_bounds=tuple(ms / 1000 for ms in LATENCY_MS),
        counters={
            (release := names.release_of(label)): tally.counters(_open_at(release, backends, inflight))
            for (group, label), tally in tallies.items()
            if not group
        },
        groups=_groups(tallies),
        users_failed=users.errors,
        users_served=users.requests - users.by_status[CLIENT_LEFT],
    )


def _groups(tallies: _Tallies) -> dict[str, dict[str, Counters]]:
    """Those of groups; how many are open is only known of an endpoint, whoever asked."""
    found: dict[str, dict[str, Counters]] = {}
    for (group, label), tally in sorted(tallies.items()):
        if group:
            found.setdefault(group, {})[names.release_of(label)] = tally.counters(0)
    return found


def _open_at(release: str, backends: Sequence[Backend], inflight: Mapping[str, int]) -> int:
    endpoints = (
        endpoint for backend in backends if backend.release == release for endpoint in backend.endpoints
    )
    return sum(inflight.get(endpoint.instance, 0) for endpoint in endpoints)


def in_flight(admin: Reading) -> dict[str, int]:
    """Requests and streams now open, by instance id; rather too many than too few.

    Envoy counts by endpoint and by cluster. An endpoint that was replaced (other timeouts, a new address)
    leaves the first while it still serves, but not the second: what is missing there is put on each instance of
    its release, so that none of them looks drained too early.
    """
    before = _active_by_cluster(admin)
    clusters = {
        cluster["name"]: {host["hostname"]: _active(host) for host in cluster.get("host_statuses", [])}
        for cluster in admin.get("/clusters", format="json").get("cluster_statuses", [])
        if cluster["name"] != names.MIRROR
    }
    if any(before.get(name, 0) > sum(hosts.values()) for name, hosts in clusters.items()):
        # Or a request ended between the two answers: then a later look does not miss it.
        after = _active_by_cluster(admin)
        before = {name: min(active, after.get(name, 0)) for name, active in before.items()}
    open_now: dict[str, int] = {}
    for name, hosts in clusters.items():
        missing = max(0, before.get(name, 0) - sum(hosts.values()))
        open_now |= {instance: active + missing for instance, active in hosts.items()}
    return open_now


def _active_by_cluster(admin: Reading) -> dict[str, int]:
    stats = admin.stats(rf"cluster\.{names.own('')}[^.]+\.upstream_rq_active", type="Gauges")
    return {str(stat["name"]).split(".")[1]: int(stat["value"]) for stat in stats}


def _active(host: Mapping[str, Any]) -> int:
    return next((int(stat.get("value", 0)) for stat in host["stats"] if stat["name"] == "rq_active"), 0)


def _tags(name: str) -> dict[str, str]:
    words = name.split(".")[2:]
    return dict(zip(words[::2], words[1::2], strict=True))


def _flags(tags: Mapping[str, str]) -> set[str]:
    return set(tags["flags"].split(",")) - {"-"}


def _count(stats: Iterable[Mapping[str, Any]], tallies: _Tallies) -> _Tally:
    """Fills the tallies of the releases, and returns that of the users."""
    users = _Tally()
    for stat in stats:
        tags, count = _tags(stat["name"]), int(stat["value"])
        status, flags = int(tags["code"]), _flags(tags)
        if "at" not in tags:
            users.attempt(status, flags, count)
        elif tags["at"] == _NOWHERE:
            continue
        elif tags["at"] == names.meant_for(tags["meant"]):
            tallies[names.group_of(tags["meant"]), tags["at"]].attempt(status, flags, count)
        else:
            tallies["", tags["at"]].failed_over += count
    return users


def _time(histograms: Iterable[Mapping[str, Any]], tallies: _Tallies) -> None:
    for histogram in histograms:
        tags = _tags(histogram["name"])
        if _flags(tags) or tags["at"] != names.meant_for(tags["meant"]):
            continue
        buckets = tallies[names.group_of(tags["meant"]), tags["at"]].buckets
        for place, bucket in enumerate(histogram["buckets"]):
            buckets[place] += int(bucket["cumulative"])

"""Clusters and endpoints (CDS and EDS): where a release's requests go.

Endpoints come by EDS and not inside the cluster, because a cluster that changes is built anew by Envoy: its
idle connections go, and what is in flight on it is no longer counted. With EDS an endpoint that comes, drains
or leaves touches nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from pilotage.adapters.envoy import names
from pilotage.adapters.tap.wanted import SOCKET
from pilotage.core.routing import Backend, Endpoint, Routing, Timeouts

Json = dict[str, Any]

_TYPE = "type.googleapis.com/"
# Generous: Envoy's defaults (3 retries at once, 1024 requests) answer 503 just when failover is needed.
_LIMITS = {
    "thresholds": [
        {"max_connections": 16384, "max_pending_requests": 16384, "max_requests": 65536, "max_retries": 4096}
    ]
}
# One healthy endpoint in a thousand still takes all of its release's requests: with the default of 140 a
# release that drains half of its endpoints would hand 30 % of its requests to the failover release.
_OVERPROVISIONING = 100_000
PRESERVE_CASE: Json = {
    "header_key_format": {
        "stateful_formatter": {
            "name": "preserve_case",
            "typed_config": {
                "@type": _TYPE
                + "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig"
            },
        }
    }
}


def seconds(duration: timedelta) -> str:
    """A duration as protobuf's JSON wants it: ``0.5s``."""
    return f"{duration.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"


def clusters(routing: Routing) -> list[Json]:
    """One cluster a release; when there is failover, one aggregate that tries its own endpoints first; and one
    for each group and release that serves it, so that their requests can be told apart."""
    plain = [_own(backend, routing.timeouts) for backend in routing.backends]
    aggregates = {
        names.any_of(b.release): b.release for b in routing.backends if fails_over(routing, b.release)
    }
    for pin in routing.pins:
        if pin.group:
            aggregates |= {names.pinned(pin.group, release): release for release in routing.shares_of(pin)}
    mirror = [_mirror()] if routing.mirror is not None else []
    made = [_aggregate(name, release, routing.failover) for name, release in aggregates.items()]
    return [*plain, *made, *mirror]


def fails_over(routing: Routing, release: str) -> bool:
    return any(other != release for other in routing.failover)


def target(routing: Routing, release: str, group: str = "") -> str:
    """The cluster that this release's requests are sent to; those of a group, when one is given."""
    if group:
        return names.pinned(group, release)
    return names.any_of(release) if fails_over(routing, release) else names.own(release)


def assignment(backend: Backend) -> Json:
    """The endpoints of one release. A draining one finishes what it has and gets nothing new."""
    return {
        "@type": _TYPE + "envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": names.own(backend.release),
        "policy": {"overprovisioning_factor": _OVERPROVISIONING},
        "endpoints": [{"lb_endpoints": [_endpoint(backend.release, e) for e in backend.endpoints]}],
    }


def union(routings: Iterable[Routing]) -> tuple[Backend, ...]:
    """All backends of all these routings, oldest first: what must be reachable while one replaces another.

    An endpoint drains only if all that know it say so: the release it belongs to may still be served by it
    until the new routes are in effect. The newest address of an instance is the only one.
    """
    merged: dict[str, dict[str, Endpoint]] = {}
    for routing in routings:
        for backend in routing.backends:
            endpoints = merged.setdefault(backend.release, {})
            for endpoint in backend.endpoints:
                before = endpoints.get(endpoint.instance)
                same = before is not None and before.address == endpoint.address
                draining = endpoint.draining and (not same or bool(before and before.draining))
                endpoints[endpoint.instance] = endpoint.model_copy(update={"draining": draining})
    return tuple(Backend(release=r, endpoints=tuple(e.values())) for r, e in merged.items())


def _own(backend: Backend, timeouts: Timeouts) -> Json:
    return {
        "@type": _TYPE + "envoy.config.cluster.v3.Cluster",
        "name": names.own(backend.release),
        "type": "EDS",
        "connect_timeout": seconds(timeouts.connect),
        "eds_cluster_config": {"eds_config": file_source(f"eds_{names.own(backend.release)}.json")},
        # Without it Envoy sends requests to draining endpoints when too few healthy ones are left.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "circuit_breakers": _LIMITS,
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": _TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": seconds(timeouts.upstream_idle)},
                "explicit_http_config": {"http_protocol_options": PRESERVE_CASE},
            }
        },
    }


def _mirror() -> Json:
    """Where copies go. Its limits are low on purpose: copies that are not taken at once are dropped, so that a
    process that hangs holds a hundred of them and no more."""
    return {
        "@type": _TYPE + "envoy.config.cluster.v3.Cluster",
        "name": names.MIRROR,
        "type": "STATIC",
        "connect_timeout": "0.25s",
        "circuit_breakers": {
            "thresholds": [
                {"max_connections": 32, "max_pending_requests": 32, "max_requests": 128, "max_retries": 0}
            ]
        },
        "load_assignment": {
            "cluster_name": names.MIRROR,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": f"./{SOCKET}"}}}}]}],
        },
    }


def _aggregate(name: str, release: str, failover: tuple[str, ...]) -> Json:
    others = [names.own(other) for other in failover if other != release]
    return {
        "@type": _TYPE + "envoy.config.cluster.v3.Cluster",
        "name": name,
        "connect_timeout": "1s",
        "lb_policy": "CLUSTER_PROVIDED",
        # Needed here as well: an aggregate has a budget of its own, and the default is 3 retries.
        "circuit_breakers": _LIMITS,
        "cluster_type": {
            "name": "envoy.clusters.aggregate",
            "typed_config": {
                "@type": _TYPE + "envoy.extensions.clusters.aggregate.v3.ClusterConfig",
                "clusters": [names.own(release), *others],
            },
        },
    }


def _endpoint(release: str, endpoint: Endpoint) -> Json:
    return {
        "endpoint": {
            "hostname": endpoint.instance,
            "address": socket_address(endpoint.address.host, endpoint.address.port),
        },
        "health_status": "DRAINING" if endpoint.draining else "HEALTHY",
        "metadata": {"filter_metadata": {"pilotage": {"release": names.label(release)}}},
    }


def socket_address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def file_source(name: str) -> Json:
    """A relative path: Envoy runs in the site's folder, so that the folder can be moved and be deep."""
    return {"resource_api_version": "V3", "path_config_source": {"path": f"./{name}"}}

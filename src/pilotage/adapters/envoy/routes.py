"""Route configurations (RDS): which release a request goes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotage.adapters.envoy import names
from pilotage.adapters.envoy.clusters import seconds, target
from pilotage.core.routing import ByUser, Pin, Routing

Json = dict[str, Any]

_TYPE = "type.googleapis.com/"
_SAFE_METHODS = "GET|HEAD|OPTIONS"
_RETRY_UNSENT = "connect-failure,refused-stream,reset-before-request"
"""What may be tried again for any method: the release has not seen the request."""
_REQUEST_ID = "x-request-id"
_RETRY_SAFE = _RETRY_UNSENT + ",reset"
_MAINTENANCE = "Under maintenance. Please try again in a moment.\n"


def main_routes(routing: Routing, token: str) -> Json:
    """The users' routes: our probe, then the pins, then the split."""
    routes = [_probe(routing.revision, token)]
    for pin in routing.pins:
        routes += _shares(routing, routing.shares_of(pin), _pin_headers(pin), pin.group)
    return _configuration(names.MAIN, routes + _split(routing))


def preview_routes(routing: Routing, token: str) -> Json:
    """The preview's routes. No failover here: whoever looks at the new release must see the new release."""
    routes = [_probe(routing.revision, token)]
    if routing.preview_release is None:
        routes.append(_maintenance())
    else:
        unseen = routing.model_copy(update={"mirror": None})
        routes += _both_methods(unseen, {"cluster": names.own(routing.preview_release)}, [])
    return _configuration(names.PREVIEW, routes)


def _configuration(name: str, routes: list[Json]) -> Json:
    return {
        "@type": _TYPE + "envoy.config.route.v3.RouteConfiguration",
        "name": name,
        # Without it a route to a cluster that Envoy does not know is taken, and answers 503.
        "validate_clusters": True,
        "virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}],
    }


def _probe(revision: str, token: str) -> Json:
    """Only who knows the token sees this; all others get the application's answer for that path."""
    return {
        "match": {
            "path": names.PROBE_PATH,
            "headers": [{"name": names.PROBE_HEADER, "string_match": {"exact": token}}],
        },
        "direct_response": {"status": 200, "body": {"inline_string": revision}},
    }


def _maintenance() -> Json:
    retry_after = {"key": "retry-after", "value": str(names.MAINTENANCE_AFTER)}
    return {
        "match": {"prefix": "/"},
        "direct_response": {"status": 503, "body": {"inline_string": _MAINTENANCE}},
        "response_headers_to_add": [{"header": retry_after}],
    }


def _split(routing: Routing) -> list[Json]:
    # A release at zero is not named at all: a hard zero. Sorted by release, so that the order in which the
    # hash of a user falls on the releases is the same in every routing (users move one way only).
    shares = {s.release: s.share for s in routing.splits if s.share}
    return _shares(routing, shares, []) if shares else [_maintenance()]


def _shares(routing: Routing, shares: Mapping[str, int], headers: list[Json], group: str = "") -> list[Json]:
    """The routes of everybody, or of those who have these headers, by shares."""
    parts = [(target(routing, release, group), shares[release]) for release in sorted(shares)]
    if len(parts) == 1:
        return _both_methods(routing, {"cluster": parts[0][0]}, headers)
    weights = [{"name": cluster, "weight": share} for cluster, share in parts]
    if isinstance(routing.key, ByUser):
        return _by_user(routing, routing.key, weights, headers)
    return _both_methods(routing, {"weighted_clusters": {"clusters": weights}}, headers)


def _by_user(routing: Routing, key: ByUser, weights: list[Json], headers: list[Json]) -> list[Json]:
    """Known users by the hash of their cookie; unknown ones by the hash of what becomes their cookie.

    Envoy's own way to set the cookie will not do: it sets none here, as its load balancers do not hash, and it
    would draw the release of the first answer without regard to the cookie. Its request id is a random UUID,
    is there before the route is chosen, and has the same hash as a header and as a cookie.
    """
    weighted = {"clusters": weights, "use_hash_policy": True}
    known = {"weighted_clusters": weighted, "hash_policy": [{"cookie": {"name": key.cookie}}]}
    fresh = {"weighted_clusters": weighted, "hash_policy": [{"header": {"header_name": _REQUEST_ID}}]}
    age = f"Max-Age={int(key.ttl.total_seconds())}"
    cookie = f"{key.cookie}=%REQ({_REQUEST_ID})%; Path=/; {age}; HttpOnly; SameSite=Lax"
    set_cookie = {"header": {"key": "Set-Cookie", "value": cookie}, "append_action": "APPEND_IF_EXISTS_OR_ADD"}
    unknown = _both_methods(routing, fresh, headers)
    return [
        *_both_methods(routing, known, [*headers, _cookie(key.cookie, "[^;,\\s]+")]),
        *({**route, "response_headers_to_add": [set_cookie]} for route in unknown),
    ]


def _both_methods(routing: Routing, action: Json, headers: list[Json]) -> list[Json]:
    """The same action twice: safe methods may be retried after the request was sent, others may not."""
    safe = {"name": ":method", "string_match": {"safe_regex": {"regex": _SAFE_METHODS}}}
    copied = _copied(routing)
    others = copied if routing.mirror is not None and routing.mirror.writes else {}
    return [
        {"match": _match([*headers, safe]), "route": _action(routing, action, _RETRY_SAFE) | copied},
        {"match": _match(headers), "route": _action(routing, action, _RETRY_UNSENT) | others},
    ]


def _copied(routing: Routing) -> Json:
    """Copies of requests to the process that compares. Envoy never waits for it, and drops its answers."""
    if routing.mirror is None:
        return {}
    share = {"default_value": {"numerator": routing.mirror.share, "denominator": "MILLION"}}
    policy = {"cluster": names.MIRROR, "runtime_fraction": share, "disable_shadow_host_suffix_append": True}
    return {"request_mirror_policies": [policy]}


def _match(headers: list[Json]) -> Json:
    return {"prefix": "/", "headers": headers} if headers else {"prefix": "/"}


def _action(routing: Routing, action: Json, retry_on: str) -> Json:
    return {
        **action,
        "timeout": seconds(routing.timeouts.request),
        "idle_timeout": seconds(routing.timeouts.stream_idle),
        "retry_policy": {
            "retry_on": retry_on,
            "num_retries": 8,
            "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.5s"},
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {
                        "@type": _TYPE + "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                    },
                }
            ],
            "host_selection_retry_max_attempts": 3,
            "retry_priority": {
                "name": "envoy.retry_priorities.previous_priorities",
                "typed_config": {
                    "@type": _TYPE
                    + "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
                    "update_frequency": _tries_before_failover(routing),
                },
            },
        },
    }


def _tries_before_failover(routing: Routing) -> int:
    """With other endpoints of the same release left, one of them is tried before another release is."""
    served = {split.release for split in routing.splits if split.share} | {pin.release for pin in routing.pins}
    healthy = [sum(not e.draining for e in b.endpoints) for b in routing.backends if b.release in served]
    return 2 if healthy and min(healthy) > 1 else 1


def _pin_headers(pin: Pin) -> list[Json]:
    values = "|".join(_literal(value) for value in (pin.value, *pin.more))
    if pin.header is None:
        return [_cookie(pin.cookie or "", f"(?:{values})" if pin.more else values)]
    if pin.more:
        return [{"name": pin.header, "string_match": {"safe_regex": {"regex": values}}}]
    return [{"name": pin.header, "string_match": {"exact": pin.value}}]


def _cookie(name: str, value: str) -> Json:
    """Matches a cookie of this name whose value matches the regular expression, wherever it stands."""
    regex = f"(?:.*[;,])?\\s*{_literal(name)}={value}\\s*(?:[;,].*)?"
    return {"name": "cookie", "string_match": {"safe_regex": {"regex": regex}}}


def _literal(text: str) -> str:
    """RE2 for exactly this text; RE2 refuses some of what ``re.escape`` makes."""
    return "".join(c if c.isascii() and c.isalnum() else f"\\x{{{ord(c):x}}}" for c in text)

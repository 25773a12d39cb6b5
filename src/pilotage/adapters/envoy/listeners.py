"""Bootstrap and listeners (LDS): addresses, protocol details, and what is counted.

A listener that changes is drained by Envoy, and its clients' connections are closed: so nothing in here but the
address may depend on a routing. Timeouts of streams stand in the routes for that reason.
"""

from __future__ import annotations

from typing import Any

from pilotage.adapters.envoy import names
from pilotage.adapters.envoy.clusters import PRESERVE_CASE, file_source, socket_address
from pilotage.core.routing import Address, Routing

Json = dict[str, Any]

_TYPE = "type.googleapis.com/"
_STATS_LOGGER = "envoy.extensions.access_loggers.stats.v3.Config"

LATENCY_MS = (0.5, 1, 2.5, 5, 10, 25, 50, 75, 100, 150, 250, 350, 500, 750, 1000, 2500, 5000, 10000)
"""Upper bounds of the latency buckets."""
_ENDLESS = 10**10
"""Envoy counts nothing above its last bound, so the last one is out of reach: 115 days."""

ADMIN_SOCKET = "admin.sock"
LATENCY_US = "took_us"
LEFT_MS = "left_ms"
ATTEMPT = "attempt"
ANSWER = "answer"


def bootstrap(service: str, environment: str) -> Json:
    return {
        "node": {"id": f"pilotage_{environment}", "cluster": f"pilotage_{service}"},
        # A unix socket that only we may open. Never TCP: whoever reaches the admin can end the proxy.
        "admin": {"address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}}},
        # Histograms are merged when we ask, not by a timer: a reading is then whole (see telemetry.py).
        "stats_flush_on_admin": True,
        "stats_config": {
            "histogram_bucket_settings": [
                {
                    "match": {"contains": f".{LATENCY_US}."},
                    "buckets": [ms * 1000 for ms in (*LATENCY_MS, _ENDLESS)],
                },
                {"match": {"contains": f".{LEFT_MS}."}, "buckets": [*LATENCY_MS, _ENDLESS]},
            ]
        },
        # A group may be a thousand users by name; with the default of 100 not even ten of them would be taken.
        "layered_runtime": {
            "layers": [{"name": "pilotage", "static_layer": {"re2.max_program_size.error_level": 1_000_000}}]
        },
        "dynamic_resources": {"cds_config": file_source("cds.json"), "lds_config": file_source("lds.json")},
    }


def listeners(routing: Routing, token: str) -> list[Json]:
    wanted = [_listener(names.MAIN, routing.listen, token)]
    if routing.preview is not None:
        wanted.append(_listener(names.PREVIEW, routing.preview, token))
    return wanted


def _listener(name: str, address: Address, token: str) -> Json:
    manager = _connection_manager(name, token)
    return {
        "@type": _TYPE + "envoy.config.listener.v3.Listener",
        "name": name,
        "address": socket_address(address.host, address.port),
        # Envoy's default lets a second proxy listen on the same port, and the kernel deal users out to both.
        "enable_reuse_port": False,
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _connection_manager(name: str, token: str) -> Json:
    package = _TYPE + "envoy.extensions.filters.network.http_connection_manager.v3."
    return {
        "@type": package + "HttpConnectionManager",
        "stat_prefix": name,
        "use_remote_address": True,
        "server_header_transformation": "PASS_THROUGH",
        # The route's own idle time-out takes its place; Envoy's five minutes would end idle websockets.
        "stream_idle_timeout": "0s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        # HTTP/1.0 clients are answered, and headers keep the case that old applications look for.
        "http_protocol_options": {
            "accept_http_10": True,
            "default_host_for_http_10": "localhost",
            **PRESERVE_CASE,
        },
        "rds": {"route_config_name": name, "config_source": file_source(f"rds_{name}.json")},
        "access_log": [_answers(name, token)],
        "local_reply_config": {"mappers": _unserved()},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": _TYPE + "envoy.extensions.filters.http.router.v3.Router",
                    "suppress_envoy_headers": True,
                    "upstream_log": _attempts(name),
                },
            }
        ],
    }


def _unserved() -> list[Json]:
    """No release could be reached, or it broke off: say so plainly, not in Envoy's inner words."""
    retry_after = {"header": {"key": "retry-after", "value": str(names.MAINTENANCE_AFTER)}}
    return [
        _mapper(
            ["UH", "UF", "UO", "NC"], "Not available just now. Please try again in a moment.\n", [retry_after]
        ),
        # Without Retry-After: the request may have been carried out.
        _mapper(["UC", "UR", "UPE"], "The service broke off before it answered.\n", []),
    ]


def _mapper(flags: list[str], text: str, headers: list[Json]) -> Json:
    return {
        "filter": {"response_flag_filter": {"flags": flags}},
        "body": {"inline_string": text},
        "headers_to_add": headers,
    }


def _answers(name: str, token: str) -> Json:
    """Counts what clients got, our own probes apart."""
    own_probe = {"name": names.PROBE_HEADER, "string_match": {"exact": token}, "invert_match": True}
    own_probe["treat_missing_header_as_empty"] = True
    tags = {"code": "%RESPONSE_CODE%", "flags": "%RESPONSE_FLAGS%"}
    return _counted(name, {"header_filter": {"header": own_probe}}, counters=[_counter(ANSWER, tags)])


def _attempts(name: str) -> list[Json]:
    """Counts every try at an endpoint, by the endpoint that had it: a retry is a try of its own.

    The counters of Envoy's clusters will not do: behind an aggregate cluster all of them count for the release
    that was meant, whoever answered, and a dead release looks healthy.
    """
    place = {"at": "%UPSTREAM_METADATA(pilotage:release)%", "meant": "%UPSTREAM_CLUSTER_RAW%"}
    outcome = {"code": "%RESPONSE_CODE%", "flags": "%RESPONSE_FLAGS%"}
    first_byte = "%COMMON_DURATION(US_TX_BEG:US_RX_BEG:us)%"
    took = _histogram(LATENCY_US, {**place, "flags": outcome["flags"]}, first_byte, "Microseconds")
    left = _histogram(LEFT_MS, {**place, "flags": outcome["flags"]}, "%DURATION%", "Milliseconds")
    return [
        _counted(name, None, counters=[_counter(ATTEMPT, {**place, **outcome})]),
        _counted(name, _code("GE", 100), histograms=[took]),
        _counted(name, _code("LE", 99), histograms=[left]),
    ]


def _code(comparison: str, bound: int) -> Json:
    value = {"default_value": bound, "runtime_key": f"pilotage.unused.{comparison}"}
    return {"status_code_filter": {"comparison": {"op": comparison, "value": value}}}


def _counted(
    name: str, only: Json | None, counters: list[Json] | None = None, histograms: list[Json] | None = None
) -> Json:
    config = {
        "@type": _TYPE + _STATS_LOGGER,
        "stats_scope": {"prefix": name},
        "counters": counters or [],
        "histograms": histograms or [],
    }
    return {"name": "envoy.access_loggers.stats", "typed_config": config, **({"filter": only} if only else {})}


def _counter(stat: str, tags: dict[str, str]) -> Json:
    return {"stat": {"name": stat, "tags": _tags(tags)}, "value_fixed": 1}


def _histogram(stat: str, tags: dict[str, str], value: str, unit: str) -> Json:
    return {"stat": {"name": stat, "tags": _tags(tags)}, "unit": unit, "value_format": value}


def _tags(tags: dict[str, str]) -> list[Json]:
    return [{"name": name, "value_format": value} for name, value in tags.items()]

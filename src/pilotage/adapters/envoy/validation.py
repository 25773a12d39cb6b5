"""Would Envoy take this routing? Asked of a second Envoy that checks and ends, without touching the first."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from pilotage.adapters.envoy import process
from pilotage.adapters.envoy.clusters import assignment, clusters
from pilotage.adapters.envoy.listeners import bootstrap, listeners
from pilotage.adapters.envoy.names import MAIN, own
from pilotage.adapters.envoy.routes import main_routes, preview_routes
from pilotage.core.routing import Routing
from pilotage.ports import Site

_TOKEN = "dry-run"


def refusal(site: Site, routing: Routing) -> str | None:
    """Envoy's own words, or None. Raises RouterError when there is no Envoy."""
    with tempfile.TemporaryDirectory(prefix="pilotage-") as folder:
        file = Path(folder, "dry-run.json")
        file.write_text(json.dumps(_all_in_one(site, routing)))
        return process.refusal(Path(folder), file)


def _all_in_one(site: Site, routing: Routing) -> dict[str, Any]:
    """The routing as one static configuration: what comes from files is not looked at in a dry run."""
    whole = bootstrap(site.service, site.environment)
    del whole["dynamic_resources"]
    endpoints = {own(b.release): assignment(b) for b in routing.backends}
    whole["static_resources"] = {
        "clusters": [_static(cluster, endpoints) for cluster in clusters(routing)],
        "listeners": [_with_routes(listener, routing) for listener in listeners(routing, _TOKEN)],
    }
    return whole


def _static(cluster: dict[str, Any], endpoints: dict[str, dict[str, Any]]) -> dict[str, Any]:
    plain = {key: value for key, value in cluster.items() if key not in ("@type", "eds_cluster_config")}
    if "eds_cluster_config" in cluster:
        load = {key: value for key, value in endpoints[cluster["name"]].items() if key != "@type"}
        plain |= {"type": "STATIC", "load_assignment": load}
    return plain


def _with_routes(listener: dict[str, Any], routing: Routing) -> dict[str, Any]:
    plain = {key: value for key, value in listener.items() if key != "@type"}
    manager = plain["filter_chains"][0]["filters"][0]["typed_config"]
    routes = (main_routes if plain["name"] == MAIN else preview_routes)(routing, _TOKEN)
    del manager["rds"], routes["@type"]
    manager["route_config"] = routes
    return plain

"""From whatever is in the folder to a wanted routing, in an order in which nothing is ever missing:

    1  endpoints and clusters of all routings that may be in effect, together; acknowledged
    2  listeners and routes of the wanted one; acknowledged
    3  endpoints and clusters of the wanted one alone

After each of these the files are whole: a crash of ours or of Envoy's at any point leaves a set that serves,
and the next pass begins again with all routings that the folder remembers.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from pilotage.adapters.envoy import names
from pilotage.adapters.envoy.admin import Reading, reading
from pilotage.adapters.envoy.clusters import assignment, clusters, union
from pilotage.adapters.envoy.folder import Folder
from pilotage.adapters.envoy.listeners import listeners
from pilotage.adapters.envoy.routes import main_routes, preview_routes
from pilotage.core.routing import Routing
from pilotage.errors import Problem
from pilotage.ports import RouterError

_PATIENCE = 5.0
"""Seconds for one acknowledgement; it usually takes 2 ms."""
_CDS = "cluster_manager.cds"
_LDS = "listener_manager.lds"
_VERSIONS = (
    r"(?:cluster_manager\.cds|listener_manager\.lds|http\.pilotage_[a-z]+\.rds\.pilotage_[a-z]+"
    r"|cluster\.pilotage_own_[^.]+)\.(?:version_text|update_rejected|update_failure)"
)

Versions = dict[str, str]
"""By the stat prefix of a subscription: the version that it should have, or has."""


class Refused(Exception):
    """Envoy does not take a version. Its reasons are in its log, and only there."""


def write_all(folder: Folder, before: list[Routing], wanted: Routing) -> None:
    """The same order without acknowledgements, for an Envoy that does not run (but might be started now)."""
    publish_clusters(folder, [*before, wanted])
    publish_routes(folder, wanted)
    publish_clusters(folder, [wanted])
    _forget_others(folder, wanted)


def converge(folder: Folder, before: list[Routing], wanted: Routing) -> None:
    """Raises Refused when Envoy does not take it, RouterError when it cannot be asked."""
    with reading(folder.path) as admin:
        subscriptions = _Subscriptions(admin)
        subscriptions.await_versions(publish_clusters(folder, [*before, wanted]))
        subscriptions.await_versions(publish_routes(folder, wanted))
        subscriptions.await_versions(publish_clusters(folder, [wanted]))
    _forget_others(folder, wanted)


def _forget_others(folder: Folder, wanted: Routing) -> None:
    folder.withdraw_endpoints({names.own(backend.release) for backend in wanted.backends})


def publish_clusters(folder: Folder, routings: list[Routing]) -> Versions:
    """Clusters and endpoints of all of these; where they differ the last one counts."""
    together: dict[str, Any] = {}
    for routing in routings:
        together |= {cluster["name"]: cluster for cluster in clusters(routing)}
    versions = {}
    for backend in union(routings):
        name = names.own(backend.release)
        versions[f"cluster.{name}"] = folder.publish(f"eds_{name}", [assignment(backend)])
    versions[_CDS] = folder.publish("cds", list(together.values()))
    return versions


def publish_routes(folder: Folder, routing: Routing) -> Versions:
    token = folder.token()
    folder.publish(f"rds_{names.MAIN}", [main_routes(routing, token)], routing.revision)
    if routing.preview is not None:
        folder.publish(f"rds_{names.PREVIEW}", [preview_routes(routing, token)], routing.revision)
    versions = {_LDS: folder.publish("lds", listeners(routing, token))}
    return versions | dict.fromkeys(route_prefixes(routing), routing.revision)


def route_prefixes(routing: Routing) -> list[str]:
    """The stat prefixes of the route subscriptions that a routing has."""
    used = [names.MAIN] if routing.preview is None else [names.MAIN, names.PREVIEW]
    return [f"http.{name}.rds.{name}" for name in used]


def versions_seen(admin: Reading) -> tuple[Versions, dict[str, int]]:
    """What each subscription has, and how often one was refused."""
    versions: Versions = {}
    refusals: dict[str, int] = {}
    for stat in admin.stats(_VERSIONS):
        prefix, _, what = stat["name"].rpartition(".")
        if what == "version_text":
            versions[prefix] = stat["value"]
        else:
            refusals[prefix] = refusals.get(prefix, 0) + int(stat["value"])
    return versions, refusals


class _Subscriptions:
    """Waits for Envoy to have taken what was published. Looks as seldom as it can: a look costs Envoy 1 ms."""

    def __init__(self, admin: Reading) -> None:
        self._admin = admin
        self._versions, self._refusals = versions_seen(admin)

    def await_versions(self, wanted: Versions) -> None:
        refusals = self._refusals
        until = time.monotonic() + _PATIENCE
        while missing := self._missing(wanted):
            if time.monotonic() > until:
                raise RouterError(_silent(missing))
            time.sleep(0.002)
            self._versions, self._refusals = versions_seen(self._admin)
            still = self._missing(wanted)
            if any(self._refusals.get(prefix, 0) > refusals.get(prefix, 0) for prefix in still):
                raise Refused(f"refused: {', '.join(sorted(still))}")

    def _missing(self, wanted: Versions) -> set[str]:
        return {prefix for prefix, version in wanted.items() if self._versions.get(prefix) != version}


def _silent(prefixes: Iterable[str]) -> Problem:
    return Problem(
        code="router.no-acknowledgement",
        what=f"Envoy has not taken the new configuration within {_PATIENCE:g} s",
        why=f"still on the version before: {', '.join(sorted(prefixes))}",
        mend="it keeps serving as before; look into its log",
    )

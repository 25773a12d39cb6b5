"""Routing → Envoy's configuration, and Envoy's stats → counters: pure, no process."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.adapters.envoy import clusters, listeners, names, routes, telemetry
from pilotage.core.routing import Address, Backend, ByUser, Endpoint, Pin, Routing, Split


def endpoint(instance: str, port: int = 1, draining: bool = False) -> Endpoint:
    return Endpoint(instance=instance, address=Address(host="127.0.0.1", port=port), draining=draining)


def routing(*endpoints: Endpoint, **others: Any) -> Routing:
    values: dict[str, Any] = {
        "listen": Address(host="127.0.0.1", port=8000),
        "backends": (Backend(release="a", endpoints=endpoints), Backend(release="b")),
    }
    return Routing(**values | others)


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, min_size=2, max_size=2))
def test_no_two_releases_share_a_label(ids: list[str]) -> None:
    first, second = map(names.label, ids)
    assert first != second
    assert "." not in first
    assert names.meant_for(names.own(ids[0])) == names.meant_for(names.any_of(ids[0])) == first


def test_ids_made_by_pilotage_are_labels_as_they_are() -> None:
    assert names.label("1-2-3-0a1b2c3d") == "1-2-3-0a1b2c3d"


@pytest.mark.parametrize(
    ("before", "wanted", "together"),
    [
        ([endpoint("a.1")], [], [endpoint("a.1")]),
        ([], [endpoint("a.1")], [endpoint("a.1")]),
        ([endpoint("a.1")], [endpoint("a.1", draining=True)], [endpoint("a.1")]),
        ([endpoint("a.1", draining=True)], [endpoint("a.1")], [endpoint("a.1")]),
        ([endpoint("a.1", draining=True)], [endpoint("a.1", draining=True)], [endpoint("a.1", draining=True)]),
        ([endpoint("a.1", 1)], [endpoint("a.1", 2)], [endpoint("a.1", 2)]),
        ([endpoint("a.1", 1)], [endpoint("a.1", 2, True)], [endpoint("a.1", 2, True)]),
    ],
)
def test_during_a_change_both_routings_have_what_they_need(
    before: list[Endpoint], wanted: list[Endpoint], together: list[Endpoint]
) -> None:
    merged = clusters.union([routing(*before), routing(*wanted)])
    assert merged[0].endpoints == tuple(together)


def test_only_releases_with_another_to_fail_over_to_get_an_aggregate() -> None:
    made = [c["name"] for c in clusters.clusters(routing(failover=("b",)))]
    assert made == ["pilotage_own_a", "pilotage_own_b", "pilotage_any_a"]


def test_both_kinds_of_clusters_have_room_for_retries() -> None:
    for cluster in clusters.clusters(routing(failover=("b",))):
        assert cluster["circuit_breakers"]["thresholds"][0]["max_retries"] > 1000


def test_a_release_at_zero_is_not_in_the_routes() -> None:
    splits = (Split(release="a", share=0), Split(release="b", share=1_000_000))
    assert "pilotage_own_a" not in str(routes.main_routes(routing(splits=splits), "token"))


def test_the_order_of_the_splits_does_not_matter_to_users() -> None:
    splits = (Split(release="a", share=1), Split(release="b", share=999_999))
    one, other = (routing(splits=order, key=ByUser()) for order in (splits, splits[::-1]))
    [mine, theirs] = (routes.main_routes(r, "token")["virtual_hosts"][0]["routes"][1:] for r in (one, other))
    assert mine == theirs


def test_pins_stand_between_the_probe_and_the_split() -> None:
    pins = (Pin(release="b", header="x-canary", value="yes"),)
    splits = (Split(release="a", share=1_000_000),)
    made = routes.main_routes(routing(splits=splits, pins=pins), "token")["virtual_hosts"][0]["routes"]
    targets = [route.get("route", {}).get("cluster", "probe") for route in made]
    assert targets == ["probe", *["pilotage_own_b"] * 2, *["pilotage_own_a"] * 2]


def test_nothing_in_a_listener_but_its_address_depends_on_the_routing() -> None:
    """Envoy closes connections when a listener changes."""
    splits = (Split(release="a", share=1_000_000),)
    one = listeners.listeners(routing(), "token")
    other = listeners.listeners(routing(endpoint("a.1"), splits=splits, failover=("b",)), "token")
    assert one == other


class Stats:
    """An admin interface that shows these counters and nothing else."""

    def __init__(self, **counted: int) -> None:
        self._counted = counted

    def started(self) -> str:
        return "2026-01-01T00:00:00Z"

    def stats(self, _pattern: str, type: str, **_query: str) -> list[dict[str, Any]]:
        counters = [{"name": name, "value": value} for name, value in self._counted.items()]
        return counters if type == "Counters" else []

    def get(self, _path: str, **_query: str) -> dict[str, Any]:
        return {}


def test_tries_are_counted_for_whom_they_were_meant_and_where_they_went() -> None:
    at_a, at_b = "pilotage_main.attempt.at.a.meant.pilotage", "pilotage_main.attempt.at.b.meant.pilotage"
    counted = {
        f"{at_a}_own_a.code.200.flags.-": 10,
        f"{at_a}_any_a.code.500.flags.-": 3,
        f"{at_a}_any_a.code.0.flags.UF": 2,
        f"{at_a}_any_a.code.200.flags.UC": 1,
        f"{at_a}_any_a.code.0.flags.-": 4,
        f"{at_b}_any_a.code.200.flags.-": 2,
        "pilotage_main.answer.code.200.flags.-": 12,
        "pilotage_main.answer.code.500.flags.-": 3,
        "pilotage_main.answer.code.200.flags.UC": 1,
        "pilotage_main.answer.code.0.flags.DC": 4,
    }
    reading = telemetry.read(Stats(**counted), routing().backends)  # type: ignore[arg-type]
    a, b = reading.counters["a"], reading.counters["b"]
    assert (a.requests, a.errors, a.connect_failures, a.failed_over) == (20, 6, 2, 0)
    assert a.by_status == {200: 11, 500: 3, 499: 4}
    assert (b.requests, b.errors, b.failed_over) == (0, 0, 2)
    assert (reading.users_served, reading.users_failed) == (16, 4)

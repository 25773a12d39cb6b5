"""Groups at the real proxy: who belongs to one, where they go, and that they are counted apart."""

from __future__ import annotations

import pytest
from envoy_stage import Stage, run
from router_load import Connection, ask, shares

from pilotage.core.routing import ByUser, Pin, Routing

pytestmark = pytest.mark.real

MANY = tuple(f"user-{number}@example.org" for number in range(1000))


@pytest.mark.parametrize("carrier", ["header", "cookie"])
def test_a_thousand_users_by_name_are_a_group(stage: Stage, carrier: str) -> None:
    first, *more = MANY
    name = {"header": "x-user", "cookie": "user"}[carrier]

    def carried(value: str) -> dict[str, str]:
        return {"x-user": value} if carrier == "header" else {"cookie": f"a=b; user={value}"}

    async def story() -> None:
        pin = Pin(release="new-1", value=first, more=tuple(more), group="pilot", **{carrier: name})
        await stage.serve(stage.routing(0, pins=(pin,)))
        for value in (MANY[0], MANY[1], MANY[-1]):
            assert (await ask(stage.listen, **carried(value))).text == "new-1"
            assert (await ask(stage.listen, "/", "POST", b"x", **carried(value))).text == "new-1"
        for value in (
            "user-1000@example.org",
            "user-1@example.orgx",
            "xuser-1@example.org",
            "user-1@exampleXorg",
        ):
            assert (await ask(stage.listen, **carried(value))).text == "old-1"

    run(story)


def test_a_group_is_counted_apart_by_status_and_time(stage: Stage) -> None:
    async def story() -> None:
        pin = Pin(release="new-1", header="x-site", value="berlin", group="berlin")
        await stage.serve(stage.routing(500_000, pins=(pin,), failover=("old-1", "new-1")))
        async with Connection(stage.listen) as connection:
            for status in [200] * 20 + [500] * 5:
                await connection.ask(f"/status/{status}", **{"x-site": "berlin"})
            for _ in range(40):
                await connection.ask("/")
        reading = await stage.settled(40)
        berlin = reading.groups["berlin"]["new-1"]
        assert (berlin.requests, berlin.errors, berlin.latency_bucket[-1]) == (25, 5, 25)
        assert sum(one.requests for one in reading.counters.values()) == 40
        assert sum(one.errors for one in reading.counters.values()) == 0
        assert (reading.users_served, reading.users_failed) == (65, 5)

    run(story)


def test_a_group_whose_version_dies_is_served_by_the_other(stage: Stage) -> None:
    async def story() -> None:
        pin = Pin(release="new-1", header="x-site", value="berlin", group="berlin")
        await stage.serve(stage.routing(0, pins=(pin,), failover=("old-1", "new-1")))
        stage.releases[1].kill()
        assert await shares(stage.listen, 30, X_Site="berlin") == {"old-1": 30}

    run(story)


def test_as_the_part_of_a_group_grows_nobody_of_it_goes_back(stage: Stage) -> None:
    """And neither do those who have it already, when all others follow."""

    def routing(part: int, everybody: int = 0) -> Routing:
        pin = Pin(release="new-1", header="x-site", value="berlin", share=part, group="berlin")
        return stage.routing(everybody, pins=(pin,), key=ByUser(cookie="uid"))

    async def of_berlin() -> set[int]:
        async with Connection(stage.listen) as connection:
            heads = [{"x-site": "berlin", "cookie": f"uid=user-{user}"} for user in range(400)]
            answers = [await connection.ask(**head) for head in heads]
        return {user for user, answer in enumerate(answers) if answer.text == "new-1"}

    async def story() -> None:
        before: set[int] = set()
        sizes = []
        for part, everybody in ((100_000, 0), (500_000, 0), (500_000, 200_000), (1_000_000, 200_000)):
            await stage.serve(routing(part, everybody))
            now = await of_berlin()
            assert before <= now
            before = now
            sizes.append(len(now))
        assert 0 < sizes[0] < sizes[1] < sizes[2] < sizes[3] == 400
        fresh = await ask(stage.listen, **{"x-site": "berlin"})
        assert fresh.text == "new-1"
        await stage.serve(routing(500_000))
        assert (await ask(stage.listen, **{"x-site": "berlin"})).headers["set-cookie"].startswith("uid=")

    run(story)

"""OTLP in: services of both versions send with OpenTelemetry's own SDK."""

from __future__ import annotations

import asyncio
import socket
import zlib
from collections.abc import Awaitable, Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest
from documented import example
from otlp_bench import JSON, Service, counters, point, post
from telemetry_stage import SECRET, WATCHED, run, says, sees, site

from pilotage.adapters.telemetry.otlp.source import OtlpSource
from pilotage.core.telemetry import Arm, Reading
from pilotage.ports import TelemetryError
from ports import free_port

pytestmark = pytest.mark.real

SETTINGS: dict[str, Any] = {
    "requests": "shop.seconds",
    "errors": {"metric": "shop.seconds", "where": {"http.response.status_code": "5*"}, "absent": "zero"},
    "latency_bucket": "shop.seconds",
    "counters": {"orders": "shop.orders"},
    "gauges": {"memory": "shop.memory"},
}


class Stage:
    """A source that listens, and what it is told."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.port = free_port()
        self.settings = {"listen": f"127.0.0.1:{self.port}", **SETTINGS, **settings}
        assert OtlpSource.check_settings(self.settings) == []
        self.source = OtlpSource(site(folder, self.settings))

    def service(self, version: str, **others: Any) -> Service:
        return Service(self.port, version, **others)

    async def sent(self, *services: Service) -> Reading:
        """What is seen after these have sent."""
        for service in services:
            await asyncio.to_thread(service.flush)
        return await self.source.read(WATCHED)

    async def post(self, *arguments: Any, **others: Any) -> int:
        return await asyncio.to_thread(post, self.port, *arguments, **others)

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            try:
                await self.source.read(WATCHED)
                await story()
            finally:
                await self.source.close()

        run(whole)


def known(arm: Arm | None) -> dict[str, Any]:
    return {} if arm is None else arm.model_dump(exclude_none=True)


@pytest.mark.parametrize("delta", [False, True])
def test_both_versions_are_told_apart_and_counted(tmp_path: Path, delta: bool) -> None:
    stage = Stage(tmp_path)
    old, new = stage.service("1.0", delta=delta), stage.service("2.0", delta=delta)

    async def story() -> None:
        old.answer(10, 0.05)
        old.answer(2, 5, status=503)
        old.orders.add(4)
        old.memory.set(7)
        new.answer(3, 0.005)
        seen = await stage.sent(old, new)
        assert seen.latency_bounds == (0.01, 0.1, 1.0)
        wanted = {"requests": 12, "errors": 2, "latency_bucket": (0, 10, 10, 12), "orders": 4, "memory": 7}
        assert known(seen.old) == wanted
        assert known(seen.new) == {"requests": 3, "errors": 0, "latency_bucket": (3, 3, 3, 3)}
        assert seen.notes == ()
        old.answer(1, 0.05)
        old.orders.add(1)
        new.answer(1, 0.05, status=500)
        later = await stage.sent(old, new)
        assert known(later.old) == wanted | {"requests": 13, "latency_bucket": (0, 11, 11, 13), "orders": 5}
        assert known(later.new)["requests"] == 4
        assert later.epoch == seen.epoch

    stage.play(story)


@pytest.mark.parametrize("delta", [False, True])
def test_exponential_histograms_merge_their_buckets_and_keep_their_bounds(tmp_path: Path, delta: bool) -> None:
    """At first all is near to 0.1 s: very fine buckets. Then come values from 2 ms to 30 s."""
    stage = Stage(tmp_path)
    service = stage.service("1.0", delta=delta, exponential=160)

    def up_to(reading: Reading, bound: float) -> float:
        assert reading.old is not None
        assert reading.old.latency_bucket is not None
        return reading.old.latency_bucket[[*reading.latency_bounds, inf].index(bound)]

    async def story() -> None:
        service.answer(5, 0.1)
        fine = await stage.sent(service)
        assert [up_to(fine, 0.0625), up_to(fine, 0.125)] == [0, 5]
        for seconds in (0.002, 0.1, 30.0):
            service.answer(2, seconds)
        coarse = await stage.sent(service)
        assert coarse.latency_bounds == fine.latency_bounds
        assert [up_to(coarse, bound) for bound in (2.0**-8, 0.0625, 0.125, 16.0, 32.0)] == [2, 2, 9, 9, 11]
        assert coarse.notes == ()

    stage.play(story)


def test_buckets_too_coarse_to_compare_are_left_out(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    service = stage.service("1.0", exponential=4)

    async def story() -> None:
        service.answer(5, 0.1)
        await stage.sent(service)
        service.answer(5, 30)
        lost = await stage.sent(service)
        assert "latency_bucket" not in known(lost.old)
        assert known(lost.old)["requests"] == 10
        assert says(lost, "do not fit")

    stage.play(story)


def test_a_process_that_begins_anew_counts_from_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    async def story() -> None:
        first = stage.service("1.0")
        first.answer(10)
        await stage.sent(first)
        first.forget()
        second = stage.service("1.0")
        second.answer(15)
        seen = await stage.sent(second)
        assert known(seen.old)["requests"] == 25, "though its counter is higher than the old one's"
        third = stage.service("1.0", instance="b")
        third.answer(5)
        assert known((await stage.sent(third)).old)["requests"] == 30

    stage.play(story)


@pytest.mark.parametrize("delta", [False, True])
def test_two_processes_that_send_as_one_are_not_counted(tmp_path: Path, delta: bool) -> None:
    stage = Stage(tmp_path, stale="1s")
    one, other = (stage.service("1.0", instance=None, delta=delta) for _ in range(2))

    def go_on() -> None:
        other.answer(1)
        other.flush()

    async def story() -> None:
        one.answer(10)
        other.answer(1000)
        await stage.sent(one)
        for service in (other, one, other):
            service.answer(10)
            seen = await stage.sent(service)
        assert "requests" not in known(seen.old)
        assert says(seen, "more than once")
        one.forget()
        seen = await sees(stage.source, lambda r: "requests" in known(r.old), resend=go_on)
        assert 10 <= known(seen.old)["requests"] < 1000, "what the other had counted is nobody's traffic now"

    stage.play(story)


def test_the_same_once_more_counts_once_and_late_ones_not_at_all(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    async def story() -> None:
        first, later = point(100), point(120)
        for sent in (first, first, later, later, first):
            assert await stage.post(counters("1.0", {"shop.orders": [sent]}), zipped=True) == 200
        seen = await stage.source.read(WATCHED)
        assert known(seen.old) == {"orders": 120}
        assert says(seen, "late")

    stage.play(story)


def test_increments_that_were_lost_are_said(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    now = point(0)
    at = int(now["timeUnixNano"]) / 1e9

    async def story() -> None:
        for start, end in ((-60, -50), (-50, -40), (-20, -10)):
            one = counters("1.0", {"shop.orders": [point(10, at + end, at + start)]}, aggregationTemporality=1)
            await stage.post(one)
        seen = await stage.source.read(WATCHED)
        assert known(seen.old) == {"orders": 30}
        assert says(seen, "a gap: 20.0 s")
        assert says(seen, "behind ours")

    stage.play(story)


def test_a_sum_that_may_fall_is_no_counter(tmp_path: Path) -> None:
    stage = Stage(tmp_path, gauges={"queue": "shop.queue"})

    async def story() -> None:
        sums = {"shop.orders": [point(5)], "shop.queue": [point(9)]}
        await stage.post(counters("1.0", sums, isMonotonic=False))
        assert known((await stage.source.read(WATCHED)).old) == {"queue": 9}

    stage.play(story)


def test_a_series_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    stage = Stage(tmp_path, stale="1s")

    async def story() -> None:
        await stage.post(counters("1.0", {"shop.orders": [point(5), point(7, host="b")]}))
        assert known((await stage.source.read(WATCHED)).old) == {"orders": 12}
        await stage.post(counters("1.0", {"shop.orders": [point(0, host="b") | {"flags": 1}]}))

        async def go_on() -> None:
            count = 5
            while True:
                count += 1
                await stage.post(counters("1.0", {"shop.orders": [point(count)]}))
                await asyncio.sleep(0.1)

        going = asyncio.create_task(go_on())
        seen = await sees(stage.source, lambda r: says(r, "has ended"))
        assert known(seen.old)["orders"] > 12
        going.cancel()

    stage.play(story)


def test_silence_of_one_is_missing_and_of_all_is_no_answer(tmp_path: Path) -> None:
    stage = Stage(tmp_path, stale="1s")

    async def story() -> None:
        await stage.post(counters("1.0", {"shop.orders": [point(5)]}))
        await stage.post(counters("2.0", {"shop.orders": [point(1)]}))
        count = 1.0
        async with asyncio.timeout(30):
            while True:
                count += 1
                await stage.post(counters("2.0", {"shop.orders": [point(count)]}))
                seen = await stage.source.read(WATCHED)
                if "orders" not in known(seen.old):
                    break
                await asyncio.sleep(0.05)
        assert says(seen, "stale")
        assert known(seen.new) == {"orders": count}
        with pytest.raises(TelemetryError) as caught:
            await sees(stage.source, lambda _: False)
        assert caught.value.problems[0].code == "telemetry.no-answer"

    stage.play(story)


def test_a_taken_address_is_one_clear_problem(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        source = OtlpSource(site(tmp_path, {"listen": listen, **SETTINGS}))

        async def story() -> None:
            with pytest.raises(TelemetryError) as caught:
                await source.read(WATCHED)
            (problem,) = caught.value.problems
            assert problem.code == "telemetry.address-taken"
            assert listen in problem.what
            await source.close()

        run(story)


def test_closed_it_listens_no_more_and_may_be_opened_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    async def story() -> None:
        await stage.source.close()
        with pytest.raises(ConnectionRefusedError):
            await stage.post({})
        await stage.source.read(WATCHED)
        assert await stage.post({}) == 200

    stage.play(story)


def test_a_token_is_asked_for_and_never_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, token={"env": "SHOP_TOKEN"})
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    friend = stage.service("1.0", token=SECRET)

    async def story() -> None:
        body = counters("1.0", {"shop.orders": [point(5)]})
        assert await stage.post(body) == 401
        assert await stage.post(body, Authorization="Bearer other") == 401
        assert known((await stage.source.read(WATCHED)).old) == {}
        friend.orders.add(5)
        assert known((await stage.sent(friend)).old) == {"orders": 5}
        monkeypatch.delenv("SHOP_TOKEN")
        assert await stage.post(body, Authorization=f"Bearer {SECRET}") == 503

    stage.play(story)


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (404, {"body": {}, "path": "/v1/traces"}),
        (400, {"body": b"{"}),
        (400, {"body": b'{"resourceMetrics": 5}'}),
        (400, {"body": b"\xff\xff\xff", "kind": "application/x-protobuf"}),
        (415, {"body": {}, "kind": "text/plain"}),
        (415, {"body": {}, "Content_Encoding": "br"}),
        (400, {"body": {}, "Content_Encoding": "gzip"}),
        (400, {"body": b"\x1f\x8b\x08", "Content_Encoding": "gzip"}),
        (413, {"body": b"0" * 40_000_000, "zipped": True}),
        (413, {"body": b"", "Content_Length": "99999999999"}),
        (411, {"body": b"", "Content_Length": "many"}),
        (200, {"body": {}}),
        (200, {"body": {"unknown": [1, 2]}}),
    ],
)
def test_what_is_no_export_is_refused_and_harms_nobody(
    tmp_path: Path, status: int, request_: dict[str, Any]
) -> None:
    stage = Stage(tmp_path)

    async def story() -> None:
        assert await stage.post(**request_) == status
        await stage.post(counters("1.0", {"shop.orders": [point(5)]}))
        assert known((await stage.source.read(WATCHED)).old) == {"orders": 5}

    stage.play(story)


def test_the_example_of_the_page_works(tmp_path: Path) -> None:
    settings = example("otlp.md")
    stage = Stage(tmp_path, **settings | {"listen": f"127.0.0.1:{free_port()}"})
    stage.port = int(str(stage.settings["listen"]).rpartition(":")[2])

    async def story() -> None:
        duration = {
            "name": "http.server.request.duration",
            "histogram": {
                "aggregationTemporality": 2,
                "dataPoints": [
                    point(0, **{"http.response.status_code": "200"})
                    | {"count": "3", "bucketCounts": ["2", "1"], "explicitBounds": [0.1]}
                ],
            },
        }
        request = counters("1.0", {"shop.orders": [point(5)]})
        request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].append(duration)
        for one in request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][1]["histogram"]["dataPoints"]:
            one.pop("asDouble")
        assert await stage.post(request, JSON) == 200
        seen = await stage.source.read(WATCHED)
        assert known(seen.old) == {"requests": 3, "errors": 0, "latency_bucket": (2, 3), "orders": 5}

    stage.play(story)


@pytest.mark.parametrize("scale", [2_000_000_000, -2_000_000_000, 21, -11])
def test_histograms_of_an_absurd_scale_harm_nobody(tmp_path: Path, scale: int) -> None:
    stage = Stage(tmp_path)

    async def story() -> None:
        request = counters("1.0", {"shop.orders": [point(5)]})
        absurd = point(0) | {"count": "3", "scale": scale, "positive": {"offset": 5, "bucketCounts": ["3"]}}
        del absurd["asDouble"]
        data = {"aggregationTemporality": 2, "dataPoints": [absurd]}
        metrics = request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
        metrics.append({"name": "shop.seconds", "exponentialHistogram": data})
        assert await stage.post(request) == 200
        assert known((await stage.source.read(WATCHED)).old) == {"orders": 5}

    stage.play(story)


def test_a_zip_bomb_is_small_here() -> None:
    assert len(zlib.compress(b"0" * 40_000_000)) < 100_000

"""Prometheus asked: its past, its halves, what began when, who may ask, and what it says beside the answer."""

from __future__ import annotations

import http.server
import json
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from documented import example
from prometheus_bench import Prometheus
from servers import binary
from telemetry_stage import SECRET, WATCHED, run, says, sees, site

from pilotage.adapters.telemetry.prometheus.past import MOST_POINTS, chunks
from pilotage.adapters.telemetry.prometheus.source import PrometheusSource
from pilotage.ports import TelemetryError

SETTINGS = {
    "requests": 'shop_requests_total{version="{version}"}',
    "interval": "200ms",
    "stale": "3s",
}
HASH = "$2b$04$WmiejZOpAQSKFTsWOT4p6.VLk0/.wX/8oTdg7X/oL4a.D4j8apGWK"
"""bcrypt of SECRET."""


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    made = Prometheus(tmp_path / "prometheus")
    try:
        yield made
    finally:
        made.close()


def source_of(prometheus: Prometheus, **settings: Any) -> PrometheusSource:
    chosen = {"url": prometheus.url, **SETTINGS, **settings}
    assert PrometheusSource.check_settings(chosen) == []
    return PrometheusSource(site(prometheus.folder, chosen))


def backfill(prometheus: Prometheus, lines: list[str]) -> None:
    """History in the OpenMetrics format, before Prometheus runs."""
    text = prometheus.folder / "past.txt"
    text.parent.mkdir(parents=True, exist_ok=True)
    text.write_text("\n".join(["# TYPE shop_requests counter", *lines, "# EOF", ""]))
    tool = binary("promtool", "prometheus")
    data = str(prometheus.folder / "data")
    command = [tool, "tsdb", "create-blocks-from", "openmetrics", str(text), data]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.real
def test_the_past_is_read_with_its_restarts(prometheus: Prometheus) -> None:
    """Two hours and a half, every 15 seconds, 10 requests a scrape; one restart, one gap."""
    now = datetime.now(UTC).replace(microsecond=0)
    since = now - timedelta(hours=2, minutes=30)
    ticks = range(0, 9000, 15)
    restart, gap = 3000, range(6000, 6090)
    lines = [
        f'shop_requests_total{{version="1.0",instance="a"}} {10 * (t if t < restart else t - restart) // 15}'
        f" {since.timestamp() + t:.0f}"
        for t in ticks
        if t not in gap
    ]
    backfill(prometheus, lines)

    async def story() -> None:
        source = source_of(prometheus, interval="15s", stale="60s")
        past = await source.history(WATCHED, since, now)
        assert len(past) > 590
        assert since <= past[0].at < since + timedelta(seconds=30)
        assert [one.at for one in past] == sorted({one.at for one in past})
        totals = [None if one.old is None else one.old.requests for one in past]
        assert totals[0] in (0, 10)
        known = [total for total in totals if total is not None]
        assert known == sorted(known)
        assert known[-1] == 10 * (ticks[-1] // 15) - 10, "a restart hides one scrape's increase at most"
        assert len({one.epoch for one in past}) == 1
        assert all(one.new is None for one in past)
        await source.close()

    with prometheus:
        run(story)


@pytest.mark.parametrize(("seconds", "step"), [(0, 15.0), (1, 15.0), (3600, 15.0), (864_000, 15.0), (100, 0.1)])
def test_the_past_is_asked_in_pieces_that_the_server_takes(seconds: float, step: float) -> None:
    pieces = list(chunks(1000.0, 1000.0 + seconds, step))
    steps = [start + n * step for start, end in pieces for n in range(round((end - start) / step) + 1)]
    assert all((end - start) / step < MOST_POINTS for start, end in pieces)
    assert len(steps) == int(seconds / step + 1e-6) + 1
    assert steps == pytest.approx([1000.0 + n * step for n in range(len(steps))])


def test_there_is_no_past_of_the_future() -> None:
    assert list(chunks(1000.0, 999.0, 15.0)) == []


@pytest.mark.real
def test_series_that_only_come_with_the_first_error(prometheus: Prometheus) -> None:
    exporter = prometheus.exporter("one")
    exporter.write('shop_requests_total{version="1.0"} 100')
    text = 'shop_errors_total{version="{version}"}'

    async def story() -> None:
        source = source_of(prometheus, errors={"query": text, "absent": "zero"})
        plain = source_of(prometheus, errors=text)
        with prometheus:
            prometheus.scraped()
            seen, unsaid = await source.read(WATCHED), await plain.read(WATCHED)
            assert seen.old is not None
            assert seen.old.errors == 0
            assert seen.new is None, "a version that is not seen has no errors either"
            assert unsaid.old is not None
            assert unsaid.old.errors is None
            exporter.write('shop_requests_total{version="1.0"} 200\nshop_errors_total{version="1.0"} 3')
            prometheus.scraped()
            seen = await sees(source, lambda r: r.old.requests == 200)
            assert seen.old is not None
            assert seen.old.errors == 0, "its first value may be old"
            await plain.close()
            await source.close()

    run(story)


@pytest.mark.real
def test_series_that_say_when_they_began_count_from_nothing(prometheus: Prometheus) -> None:
    exporter = prometheus.exporter("one")
    exporter.write('shop_requests_total{version="1.0",code="200"} 100')

    async def story() -> None:
        source = source_of(prometheus, started='shop_requests_created{version="{version}"}')
        with prometheus:
            prometheus.scraped()
            await source.read(WATCHED)
            began = datetime.now(UTC).timestamp()
            exporter.write(
                'shop_requests_total{version="1.0",code="200"} 100\n'
                'shop_requests_total{version="1.0",code="500"} 5\n'
                f'shop_requests_created{{version="1.0",code="500"}} {began}\n'
                'shop_requests_total{version="1.0",code="404"} 70\n'
                f'shop_requests_created{{version="1.0",code="404"}} {began - 1000}\n'
            )
            prometheus.scraped()
            seen = await sees(source, lambda r: r.old.requests != 100)
            assert seen.old is not None
            assert seen.old.requests == 105
            await source.close()

    run(story)


@pytest.mark.real
def test_the_old_version_in_two_fixed_halves_and_levels_as_means(prometheus: Prometheus) -> None:
    exporter = prometheus.exporter("one")

    def page(each: int) -> str:
        lines = [f'shop_requests_total{{version="1.0",pod="pod-{n}"}} {each * n}' for n in range(10)]
        return "\n".join([*lines, *(f'shop_cpu{{version="1.0",pod="pod-{n}"}} {n / 10}' for n in range(10))])

    exporter.write(page(100))

    async def story() -> None:
        source = source_of(prometheus, shards="pod", gauges={"cpu": 'shop_cpu{version="{version}"}'})
        with prometheus:
            prometheus.scraped()
            first = await source.read(WATCHED)
            exporter.write(page(200))
            prometheus.scraped()
            later = await sees(source, lambda r: r.old.requests == 9000)
            for reading in (first, later):
                assert reading.old is not None
                assert reading.old.shards is not None
                halves = [shard.requests for shard in reading.old.shards]
                assert len(halves) == 2
                assert all(halves)
                assert sum(half or 0 for half in halves) == reading.old.requests
                assert (reading.old.model_extra or {})["cpu"] == pytest.approx(0.45)
            assert first.old is not None
            assert first.old.shards is not None
            assert later.old is not None
            assert later.old.shards is not None
            twice = [2 * (shard.requests or 0) for shard in first.old.shards]
            assert [shard.requests for shard in later.old.shards] == twice, "each instance stays in its half"
            await source.close()

    run(story)


@pytest.mark.real
def test_a_password_and_a_certificate_of_our_own(
    prometheus: Prometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([binary("openssl", "openssl"), *words, *names], check=True, capture_output=True)
    web = tmp_path / "web.yml"
    tls = {"cert_file": str(certificate), "key_file": str(key)}
    web.write_text(json.dumps({"tls_server_config": tls, "basic_auth_users": {"pilotage": HASH}}))
    prometheus.options = (f"--web.config.file={web}",)
    context = ssl.create_default_context(cafile=str(certificate))
    handlers = [urllib.request.HTTPSHandler(context=context)]
    prometheus.opened_by(urllib.request.build_opener(*handlers), "https", ("pilotage", SECRET))
    exporter = prometheus.exporter("one")
    exporter.write('shop_requests_total{version="1.0"} 100')
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    basic = {"user": "pilotage", "password": {"env": "SHOP_PASSWORD"}}

    async def story() -> None:
        source = source_of(prometheus, basic=basic, ca=str(certificate))
        seen = await source.read(WATCHED)
        assert seen.old is not None
        assert seen.old.requests == 100
        await source.close()
        for others in ({"basic": basic}, {"ca": str(certificate)}, {"ca": str(key), "basic": basic}):
            source = source_of(prometheus, **others)
            with pytest.raises(TelemetryError) as caught:
                await source.read(WATCHED)
            assert caught.value.problems[0].code == "telemetry.no-answer"
            assert SECRET not in repr(caught.value.problems)
            await source.close()

    with prometheus:
        prometheus.scraped()
        run(story)


@pytest.mark.real
def test_warnings_of_the_server_are_passed_on(prometheus: Prometheus) -> None:
    exporter = prometheus.exporter("one")
    exporter.write('shop_requests_total{version="1.0"} 100')
    prometheus.others = {"remote_read": [{"url": "http://127.0.0.1:9/read", "read_recent": True}]}

    async def story() -> None:
        source = source_of(prometheus)
        seen = await sees(source, lambda r: says(r, "the server says"))
        assert says(seen, "remote")
        await source.close()

    with prometheus:
        run(story)


@contextmanager
def answering(status: int, answer: Any) -> Iterator[tuple[str, list[Any]]]:
    """A server that answers everything alike, and what it was asked with."""
    asked: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.headers)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (302, b""),
        (200, b"<html>"),
        (200, {"status": "success"}),
        (200, {"status": "success", "data": {"resultType": "scalar", "result": ["x"]}}),
        (200, {"status": "success", "data": {"resultType": "vector", "result": []}}),
        (200, b"[" * 100_000),
        (400, {"status": "error", "errorType": "bad_data", "error": f"no {SECRET} here"}),
        (401, {"status": "error", "errorType": "auth", "error": f"bad token: Bearer {SECRET}"}),
        (503, {"status": "error", "errorType": "unavailable", "error": "later"}),
    ],
)
def test_an_answer_that_is_none_is_told_without_the_token(
    status: int, answer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", SECRET)

    async def story() -> None:
        with answering(status, answer) as (url, asked):
            chosen = {"url": url, **SETTINGS, "bearer": {"env": "SHOP_TOKEN"}}
            source = PrometheusSource(site(tmp_path, chosen))
            with pytest.raises(TelemetryError) as caught:
                await source.read(WATCHED)
            assert SECRET not in repr(caught.value.problems) + str(caught.value)
            assert asked[0]["Authorization"] == f"Bearer {SECRET}"
            assert len(asked) == 1, "nobody is followed elsewhere"
            await source.close()

    run(story)


SOUND = {"url": "http://127.0.0.1:9090", **SETTINGS}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "ftp://x"}, "begins with http"),
        ({"url": f"http://me:{SECRET}@x"}, "no user and password"),
        ({"url": "http://x/?a=1"}, "without ?"),
        ({"requests": "rate(x)"}, "tell the two versions apart"),
        ({"errors": {"query": SETTINGS["requests"], "absent": "one"}}, "errors"),
        ({"gauges": {"requests": SETTINGS["requests"]}}, "are no names"),
        ({"gauges": {"a": SETTINGS["requests"]}, "counters": {"a": SETTINGS["requests"]}}, "same name"),
        ({"bearer": {"env": "A"}, "basic": {"user": "x", "password": {"env": "B"}}}, "only one of"),
        ({"interval": "10"}, "interval"),
        ({"interval": "1ms"}, "interval is from"),
        ({"timeout": "5s"}, "timeout is from"),
        ({"requets": "x"}, "did you mean `requests`"),
        ({"requests": None}, "nothing is asked for"),
    ],
)
def test_settings_that_can_not_be_used(change: dict[str, Any], words: str) -> None:
    assert PrometheusSource.check_settings(SOUND) == []
    problems = PrometheusSource.check_settings({**SOUND, **change})
    told = " ".join(f"{one.what} {one.why} {one.mend}" for one in problems)
    assert words in told
    assert SECRET not in told


@pytest.mark.real
def test_the_example_of_the_page_works(prometheus: Prometheus) -> None:
    exporter = prometheus.exporter("one")
    labels = 'service="shop",version="1.0"'
    exporter.write(
        f'http_requests_total{{{labels},code="200"}} 100\n'
        f'http_request_duration_seconds_bucket{{{labels},le="0.1"}} 90\n'
        f'http_request_duration_seconds_bucket{{{labels},le="+Inf"}} 100\n'
        'shop_orders_total{version="1.0"} 7\n'
        'process_resident_memory_bytes{version="1.0"} 5000\n'
    )

    async def story() -> None:
        settings = {**example("prometheus.md"), "url": prometheus.url}
        assert PrometheusSource.check_settings(settings) == []
        source = PrometheusSource(site(prometheus.folder, settings))
        seen = await source.read(WATCHED)
        assert seen.old is not None
        assert seen.notes == ()
        assert seen.old.model_dump(exclude_none=True) == {
            "requests": 100,
            "errors": 0,
            "latency_bucket": (90, 100),
            "conversions": 7,
            "memory": 5000,
        }
        await source.close()

    with prometheus:
        prometheus.scraped()
        run(story)

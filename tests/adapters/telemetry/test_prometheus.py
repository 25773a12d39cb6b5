"""Prometheus as it is: scrapes that fail, exporters that restart, labels that change, two of the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import protobuf_page
import pytest
from prometheus_bench import Exporter, Prometheus
from telemetry_stage import WATCHED, run, says, sees, site, watched

from pilotage.adapters.telemetry.prometheus import source as source_module
from pilotage.adapters.telemetry.prometheus.source import PrometheusSource
from pilotage.core.telemetry import Reading

pytestmark = pytest.mark.real

SETTINGS = {
    "requests": 'shop_requests_total{version="{version}"}',
    "errors": 'shop_errors_total{version="{version}"}',
    "interval": "200ms",
    "stale": "3s",
}


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    """Not running yet: tests choose their exporters first."""
    made = Prometheus(tmp_path / "prometheus", "--enable-feature=native-histograms")
    try:
        yield made
    finally:
        made.close()


def source_of(prometheus: Prometheus, **settings: Any) -> PrometheusSource:
    chosen = {"url": prometheus.url, **SETTINGS, **settings}
    assert PrometheusSource.check_settings(chosen) == []
    return PrometheusSource(site(prometheus.folder, chosen))


def page(old: float | str, new: float | None = None, *, label: str = "", errors: float = 0) -> str:
    lines = [
        f'shop_requests_total{{version="1.0"{label}}} {old}',
        f'shop_errors_total{{version="1.0"}} {errors}',
    ]
    if new is not None:
        lines += [f'shop_requests_total{{version="2.0"{label}}} {new}', 'shop_errors_total{version="2.0"} 0']
    return "\n".join(lines)


def requests(reading: Reading) -> tuple[float | None, float | None]:
    return (
        None if reading.old is None else reading.old.requests,
        None if reading.new is None else reading.new.requests,
    )


def show(prometheus: Prometheus, exporter: Exporter, text: str) -> None:
    exporter.write(text)
    prometheus.scraped(exporter)


def test_an_exporter_that_is_not_reached_is_missing_and_its_restart_counts(prometheus: Prometheus) -> None:
    """Of two instances one stops to answer: nothing is known of the whole until it answers again."""
    one, other = prometheus.exporter("one"), prometheus.exporter("other")
    one.write(page(100, 10))
    other.write(page(200))

    async def story() -> None:
        source = source_of(prometheus)
        with prometheus:
            prometheus.scraped()
            assert requests(await source.read(WATCHED)) == (300, 10)
            other.stop()
            show(prometheus, one, page(110, 11))
            gone = await sees(source, lambda r: requests(r)[0] is None)
            assert says(gone, "stale")
            assert says(gone, other.address)
            assert gone.new is None or gone.new.requests == 11, "the new version has no instance there"
            other.write(page(7))
            other.start()
            back = await sees(source, lambda r: requests(r)[0] is not None)
            assert requests(back) == (317, 11)
            await source.close()

    run(story)


def test_a_renamed_label_is_no_traffic(prometheus: Prometheus) -> None:
    """All series end and others begin with the same high counts: an increase of nothing."""
    exporter = prometheus.exporter("one")
    exporter.write(page(1_000_000, 1_000_000, label=',code="200"'))

    async def story() -> None:
        source = source_of(prometheus)
        with prometheus:
            prometheus.scraped()
            await source.read(WATCHED)
            show(prometheus, exporter, page(1_000_000, 1_000_000, label=',status="200"'))
            small = 1_000_100
            await sees(source, lambda r: says(r, "has ended"), lambda r: (requests(r)[0] or 0) < small)
            show(prometheus, exporter, page(1_000_005, 1_000_001, label=',status="200"'))
            after = await sees(source, lambda r: requests(r)[1] == 1_000_001)
            assert requests(after) == (1_000_005, 1_000_001)
            assert after.notes == ()
            await source.close()

    run(story)


def test_a_target_that_two_jobs_scrape_is_not_counted_twice(prometheus: Prometheus) -> None:
    exporter = prometheus.exporter("one", "shop", "shop-again")
    exporter.write(page(100, 10))

    async def story() -> None:
        source = source_of(prometheus)
        with prometheus:
            prometheus.scraped()
            seen = await sees(source, lambda r: says(r, "more than once"))
            assert requests(seen) == (None, None)
            prometheus.configure([("shop", exporter)])
            show(prometheus, exporter, page(150, 15))
            await sees(source, lambda r: requests(r) == (150, 15))
            await source.close()

    run(story)


def test_series_of_both_versions_are_left_out_of_both(prometheus: Prometheus) -> None:
    exporter = prometheus.exporter("one")
    exporter.write(page(100, 10))

    async def story() -> None:
        source = source_of(prometheus, requests='shop_requests_total{version=~"1.0|{version}"}')
        with prometheus:
            prometheus.scraped()
            seen = await source.read(WATCHED)
            assert requests(seen) == (None, None)
            assert says(seen, "not told apart")
            assert seen.new is not None
            assert seen.new.errors == 0, "what can be told apart is not lost with it"
            await source.close()

    run(story)


@pytest.mark.parametrize("version", ['2"} or vector(1000000) #', "2\\", "2.+", "{release}"])
def test_a_strange_version_is_only_a_strange_version(prometheus: Prometheus, version: str) -> None:
    exporter = prometheus.exporter("one")
    quoted = version.replace("\\", "\\\\").replace('"', '\\"')
    other = 'shop_requests_total{version="2xx"} 99\nshop_requests_total{version="9"} 99'
    exporter.write(f'shop_requests_total{{version="{quoted}"}} 5\n{other}')

    async def story() -> None:
        for text in (SETTINGS["requests"], 'shop_requests_total{version=~"{version}"}'):
            source = source_of(prometheus, requests=text)
            seen = await source.read(watched(version, None))
            assert requests(seen) == (None, 5)
            await source.close()

    with prometheus:
        prometheus.scraped()
        run(story)


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-5"])
def test_what_is_no_count_is_left_out_and_spanned(prometheus: Prometheus, value: str) -> None:
    exporter = prometheus.exporter("one")
    exporter.write(page(100, 10))

    async def story() -> None:
        source = source_of(prometheus)
        with prometheus:
            prometheus.scraped()
            await source.read(WATCHED)
            exporter.write(page("nothing", 20).replace("nothing", value))
            prometheus.scraped()
            seen = await sees(source, lambda r: requests(r)[1] == 20, lambda r: requests(r)[0] in (100, None))
            assert says(seen, "no count")
            assert requests(await sees(source, lambda r: requests(r)[0] is None))[0] is None
            show(prometheus, exporter, page(130, 25))
            assert requests(await sees(source, lambda r: requests(r)[0] is not None)) == (130, 25)
            await source.close()

    run(story)


def test_timestamps_of_an_exporter_are_believed_and_old_ones_are_stale(prometheus: Prometheus) -> None:
    exporter = prometheus.exporter("one")

    def stamped(value: int, seconds_ago: float) -> str:
        return f'shop_requests_total{{version="1.0"}} {value} {int((time.time() - seconds_ago) * 1000)}'

    async def story() -> None:
        source = source_of(prometheus)
        with prometheus:
            prometheus.scraped()
            show(prometheus, exporter, stamped(100, 0))
            assert requests(await source.read(WATCHED))[0] == 100
            # The exporter's clock stands still: every scrape shows the same old sample.
            late = await sees(source, lambda r: requests(r)[0] is None, lambda r: requests(r)[0] in (100, None))
            assert says(late, "stale")
            exporter.write(stamped(120, 0))
            prometheus.scraped(exporter)
            assert requests(await sees(source, lambda r: requests(r)[0] is not None))[0] == 120
            await source.close()

    run(story)


def test_a_clock_of_ours_that_is_wrong_changes_nothing(
    prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = prometheus.exporter("one")
    exporter.write(page(100, 10))
    wrong = SimpleNamespace(time=lambda: time.time() - 3600, monotonic=time.monotonic)
    monkeypatch.setattr(source_module, "time", wrong)

    async def story() -> None:
        source = source_of(prometheus)
        seen = await source.read(WATCHED)
        assert requests(seen) == (100, 10)
        assert says(seen, "3600 s ahead of ours")
        await source.close()

    with prometheus:
        prometheus.scraped()
        run(story)


def test_native_histograms_keep_their_bounds_when_their_resolution_falls(prometheus: Prometheus) -> None:
    exporter = prometheus.exporter("one")

    def put(schema: int, buckets: dict[int, int]) -> None:
        exporter.number += 1
        exporter.put(
            protobuf_page.page(
                [
                    protobuf_page.histogram("shop_seconds", {"version": "1.0"}, schema, buckets, zero=1),
                    protobuf_page.gauge("bench_page", {}, exporter.number),
                ]
            ),
            protobuf_page.CONTENT_TYPE,
        )

    def up_to(reading: Reading, bound: float) -> float:
        assert reading.old is not None
        assert reading.old.latency_bucket is not None
        return reading.old.latency_bucket[reading.latency_bounds.index(bound)]

    put(3, {-24: 5, -23: 7, -8: 3})

    async def story() -> None:
        query = 'shop_seconds{version="{version}"}'
        source = source_of(prometheus, requests=query, latency_bucket=query)
        with prometheus:
            prometheus.scraped()
            fine = await source.read(WATCHED)
            assert requests(fine)[0] == 16
            assert [up_to(fine, 2.0**-3), up_to(fine, 2.0**-2), up_to(fine, 0.5)] == [6, 13, 16]
            # Merged to pairs, and ten more between 0.5 and 1 second.
            put(2, {-12: 5, -11: 7, -4: 3, 0: 10})
            prometheus.scraped()
            coarse = await sees(source, lambda r: requests(r)[0] == 26)
            assert coarse.latency_bounds == fine.latency_bounds
            assert [up_to(coarse, 2.0**-3), up_to(coarse, 2.0**-2), up_to(coarse, 0.5)] == [6, 13, 16]
            assert up_to(coarse, 1.0) == 26
            # Coarser than the bounds: not known any more.
            put(1, {-6: 5, -5: 7, -2: 3, 0: 20})
            prometheus.scraped()
            lost = await sees(source, lambda r: says(r, "do not fit"))
            assert lost.old is not None
            assert lost.old.latency_bucket is None
            await source.close()

    run(story)


def test_buckets_of_another_version_are_compared_only_where_they_are_the_same(prometheus: Prometheus) -> None:
    exporter = prometheus.exporter("one")
    buckets = "\n".join(
        f'shop_seconds_bucket{{version="{version}",le="{le}"}} {count}'
        for version, counts in (
            ("1.0", {"0.1": 5, "0.5": 8, "+Inf": 9}),
            ("2.0", {"0.1": 1, "1": 2, "+Inf": 2}),
        )
        for le, count in counts.items()
    )
    exporter.write(buckets)

    async def story() -> None:
        query = 'shop_seconds_bucket{version="{version}"}'
        source = source_of(prometheus, latency_bucket=query)
        other = source_of(prometheus, latency_bucket=query, latency_bounds=[0.1, 0.5])
        seen = await source.read(WATCHED)
        assert seen.latency_bounds == (0.1,)
        assert seen.old is not None
        assert seen.new is not None
        assert (seen.old.latency_bucket, seen.new.latency_bucket) == ((5, 9), (1, 2))
        chosen = await other.read(WATCHED)
        assert chosen.old is not None
        assert chosen.old.latency_bucket == (5, 8, 9)
        assert chosen.new is None or chosen.new.latency_bucket is None
        assert says(chosen, "do not fit")
        await source.close()
        await other.close()

    with prometheus:
        prometheus.scraped()
        run(story)

"""What every source of telemetry keeps to, the fake one included. Add a driver to ``DRIVERS``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from telemetry_command_driver import CommandDriver
from telemetry_driver import BOUNDS, NEW, WATCHED, Driver, FakeDriver
from telemetry_http_driver import HttpDriver, HttpEachDriver
from telemetry_servers import SERVERS

from pilotage.core.telemetry import Arm, Reading, Watched
from pilotage.ports import TelemetryError, TelemetrySource

DRIVERS: dict[str, Any] = {
    "fake": FakeDriver,
    "command": pytest.param(CommandDriver, marks=pytest.mark.real),
    "http": pytest.param(HttpDriver, marks=pytest.mark.real),
    "http-each": pytest.param(HttpEachDriver, marks=pytest.mark.real),
    **SERVERS,
}
"""A driver that needs servers or processes stands in a ``pytest.param(…, marks=pytest.mark.real)``."""

OLD_FIGURES = {"requests": 1000, "errors": 10, "latency_bucket": [700, 900, 990, 1000], "conversions": 50}
NEW_FIGURES = {"requests": 100, "errors": 2, "latency_bucket": [60, 80, 98, 100], "conversions": 4}
LESS = {"requests": 7, "errors": 0, "latency_bucket": [5, 6, 7, 7], "conversions": 1}
PLENTY = 20.0
"""Seconds in which even a silent other side is given up."""


def _named(name: str, driver: Any) -> Any:
    marks = getattr(driver, "marks", ())
    return pytest.param(driver.values[0] if marks else driver, id=name, marks=marks)


@pytest.fixture(params=[_named(name, driver) for name, driver in DRIVERS.items()])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    made: Driver = request.param(tmp_path / "site")
    return made


def play(driver: Driver, story: Callable[[TelemetrySource], Awaitable[None]]) -> None:
    """A story with the other side running and one source, which is closed after it."""

    async def whole() -> None:
        async with driver:
            source = driver.source()
            try:
                await story(source)
            finally:
                await source.close()

    asyncio.run(whole())


def served(driver: Driver, figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if name in driver.serves}


def known(arm: Arm | None) -> dict[str, Any]:
    """The fields that are known; latency as a list."""
    if arm is None:
        return {}
    fields = arm.model_dump(exclude_none=True, exclude={"shards"})
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


async def told(call: Awaitable[object]) -> str:
    """What a source says when it can not answer: everything that a person could see of it."""
    with pytest.raises(TelemetryError) as caught:
        async with asyncio.timeout(PLENTY):
            await call
    assert all(problem.code.startswith("telemetry.") for problem in caught.value.problems)
    return repr(caught.value.problems) + str(caught.value)


def test_both_versions_are_read_as_they_are_counted(driver: Driver) -> None:
    async def story(source: TelemetrySource) -> None:
        await driver.show(served(driver, OLD_FIGURES), served(driver, NEW_FIGURES))
        before = datetime.now(UTC)
        reading = await source.read(WATCHED)
        assert known(reading.old) == served(driver, OLD_FIGURES)
        assert known(reading.new) == served(driver, NEW_FIGURES)
        assert reading.latency_bounds == (BOUNDS if "latency_bucket" in driver.serves else ())
        assert before - timedelta(seconds=30) < reading.at < datetime.now(UTC) + timedelta(seconds=30)
        assert reading.notes == ()

    play(driver, story)


def test_looking_again_counts_nothing_twice(driver: Driver) -> None:
    async def story(source: TelemetrySource) -> None:
        await driver.show(served(driver, OLD_FIGURES), served(driver, NEW_FIGURES))
        first, second = await source.read(WATCHED), await source.read(WATCHED)
        assert (first.old, first.new, first.epoch) == (second.old, second.new, second.epoch)
        assert first.at <= second.at

    play(driver, story)


def test_a_version_that_is_not_there_is_not_known(driver: Driver) -> None:
    async def story(source: TelemetrySource) -> None:
        await driver.show(served(driver, OLD_FIGURES), None)
        reading = await source.read(WATCHED)
        assert known(reading.old) == served(driver, OLD_FIGURES)
        assert known(reading.new) == {}

    play(driver, story)


def test_a_first_release_has_no_old_version(driver: Driver) -> None:
    async def story(source: TelemetrySource) -> None:
        await driver.show(None, served(driver, NEW_FIGURES))
        alone = Watched(service="shop", environment="production", new=NEW)
        reading = await source.read(alone)
        assert known(reading.old) == {}
        assert known(reading.new) == served(driver, NEW_FIGURES)

    play(driver, story)


def test_a_figure_that_is_missing_is_not_zero(driver: Driver) -> None:
    name = next(name for name in ("conversions", "errors") if name in driver.serves)

    async def story(source: TelemetrySource) -> None:
        partly = {key: value for key, value in served(driver, NEW_FIGURES).items() if key != name}
        await driver.show(served(driver, OLD_FIGURES), partly)
        reading = await source.read(WATCHED)
        assert known(reading.new) == partly
        assert known(reading.old)[name] == OLD_FIGURES[name]

    play(driver, story)


def test_counters_that_began_anew_are_not_made_up_for(driver: Driver) -> None:
    if not driver.tells_restarts:
        pytest.skip("it has no counters that could begin anew")

    async def story(source: TelemetrySource) -> None:
        await driver.show(served(driver, OLD_FIGURES), served(driver, NEW_FIGURES))
        before = await source.read(WATCHED)
        await driver.restart(served(driver, LESS), served(driver, LESS))
        after = await source.read(WATCHED)
        assert known(after.new) == served(driver, LESS)
        assert after.epoch != before.epoch or fell(before, after)

    play(driver, story)


def fell(before: Reading, after: Reading) -> bool:
    earlier, later = known(before.new), known(after.new)
    return any(later[name] < earlier[name] for name in earlier if name in later)


def test_nonsense_is_left_out_and_noted_or_refused(driver: Driver) -> None:
    async def story(source: TelemetrySource) -> None:
        tried = 0
        async for what in driver.nonsense():
            tried += 1
            try:
                async with asyncio.timeout(PLENTY):
                    reading = await source.read(WATCHED)
            except TelemetryError:
                continue
            else:
                assert "requests" not in known(reading.new), what
                assert reading.notes, what
        assert tried > 2
        await driver.show(served(driver, OLD_FIGURES), served(driver, NEW_FIGURES))
        again = await source.read(WATCHED)
        assert known(again.new) == served(driver, NEW_FIGURES)
        assert again.notes == ()

    play(driver, story)


@pytest.mark.parametrize("trouble", ["go_down", "fall_silent"])
def test_an_other_side_that_does_not_answer_is_told(driver: Driver, trouble: str) -> None:
    async def story(source: TelemetrySource) -> None:
        await driver.show(served(driver, OLD_FIGURES), served(driver, NEW_FIGURES))
        await source.read(WATCHED)
        await getattr(driver, trouble)()
        words = await told(source.read(WATCHED))
        assert driver.secret not in words

    play(driver, story)


def test_history_is_in_order_within_its_time_and_from_one_epoch(driver: Driver) -> None:
    async def story(source: TelemetrySource) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        since = now - timedelta(minutes=30)
        if not driver.keeps_history:
            await driver.show(served(driver, OLD_FIGURES), served(driver, NEW_FIGURES))
            assert await source.history(WATCHED, since, now) == ()
            return
        first, later = served(driver, LESS), served(driver, OLD_FIGURES)
        await driver.keep([(since - timedelta(minutes=30), first), (since + timedelta(minutes=10), later)])
        past = await source.history(WATCHED, since, now)
        times = [reading.at for reading in past]
        assert times == sorted(set(times))
        assert since <= times[0]
        assert times[-1] <= now
        assert len({reading.epoch for reading in past}) == 1
        assert known(past[-1].old) == later
        assert all(known(reading.new) == {} for reading in past)

    play(driver, story)


def test_settings_are_checked_and_near_misses_are_named(driver: Driver) -> None:
    assert driver.kind.check_settings(dict(driver.settings())) == []
    wrong, right = driver.misspelt()
    words = [f"{problem.what} {problem.mend}" for problem in driver.kind.check_settings(dict(wrong))]
    assert any(right in word for word in words), words


def test_secrets_are_nowhere(driver: Driver) -> None:
    async def story(source: TelemetrySource) -> None:
        assert driver.secret not in repr(driver.settings())
        await driver.show(served(driver, OLD_FIGURES), served(driver, NEW_FIGURES))
        assert driver.secret not in repr(await source.read(WATCHED)) + repr(source)
        async for _ in driver.nonsense():
            try:
                async with asyncio.timeout(PLENTY):
                    words = repr(await source.read(WATCHED))
            except TelemetryError as error:
                words = repr(error.problems) + str(error)
            assert driver.secret not in words

    play(driver, story)


def test_a_source_can_be_closed_twice(driver: Driver) -> None:
    async def story(source: TelemetrySource) -> None:
        await source.close()

    play(driver, story)

"""Where the record is: a folder or a database; who works on it; what is not told or done from afar."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from databases import PASSWORD, Databases
from factories import make_created, make_plan
from pilotage.core.state import begin
from pilotage.errors import ExitCode, PilotageError
from pilotage.ports import Change
from pilotage.wiring import App, open_app
from pilotage.workplaces import ManyMachines, OneMachine


def refusal(state: str) -> PilotageError:
    with pytest.raises(PilotageError) as caught:
        open_app(state=state)
    return caught.value


def in_app(work: Callable[[App], Awaitable[Any]], state: str | None = None) -> Any:
    async def run() -> Any:
        app = open_app(state=state)
        try:
            return await work(app)
        finally:
            await app.close()

    return asyncio.run(run())


@pytest.fixture
def shared(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Databases:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PILOTAGE_STATE", databases.emptied().uri)
    monkeypatch.setenv("PILOTAGE_FOLDER", str(tmp_path / "own"))
    return databases


def test_a_folder_is_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def look(app: App) -> None:
        assert isinstance(app.place, OneMachine)
        assert app.place.name.startswith("SQLite")
        assert app.place.reaches("shop", "production")

    in_app(look, state="there")
    assert (tmp_path / "there" / "pilotage.db").exists()


def test_other_databases_are_refused() -> None:
    error = refusal("mysql://db/x")
    assert error.problems[0].code == "store.uri"
    assert error.exit_code is ExitCode.USAGE


def test_a_password_on_the_command_line_is_refused_and_not_told() -> None:
    error = refusal("postgresql://ada:hunter2@db/x")
    assert error.problems[0].code == "store.password"
    assert "hunter2" not in str([problem.model_dump() for problem in error.problems])


@pytest.mark.real
def test_in_the_variable_it_may_stand(shared: Databases) -> None:
    async def look(app: App) -> None:
        assert isinstance(app.place, ManyMachines)
        assert PASSWORD not in app.place.name
        found = {one.name: one for one in await app.diagnose()}
        assert found["store"].detail == app.place.name
        assert found["worker"].state == "ok"

    in_app(look)


@pytest.mark.real
def test_a_release_that_nobody_would_work_on_is_refused(shared: Databases) -> None:
    async def release(app: App) -> None:
        plan = make_plan()
        with pytest.raises(PilotageError) as caught:
            await app.release(plan, by="ada")
        assert caught.value.problems[0].code == "worker.none"
        assert caught.value.exit_code is ExitCode.BLOCKED
        assert await app.store.rollouts() == []

    in_app(release)


@pytest.mark.real
def test_a_worker_that_is_not_told_what_it_reaches_does_not_begin(shared: Databases) -> None:
    async def work(app: App) -> None:
        with pytest.raises(PilotageError) as caught:
            await app.run_worker()
        assert caught.value.problems[0].code == "worker.serve-what"

    in_app(work)


@pytest.mark.real
def test_what_is_elsewhere_is_not_touched_from_here(shared: Databases) -> None:
    async def touch(app: App) -> None:
        plan = make_plan()
        created = make_created(plan)
        state = begin("shop-production-1", created)
        await app.store.commit(Change(state=state, events=(created,), before=0))
        with pytest.raises(PilotageError) as caught:
            await app.logs(state.id, None, 5)
        assert caught.value.problems[0].code == "environment.elsewhere"
        with pytest.raises(PilotageError):
            app.reach_of(plan)
        assert app._ground(plan) is None
        (app.state_folder / "environments" / "shop" / "production").mkdir(parents=True)
        assert app.place.reaches("shop", "production")
        assert not app.place.reaches("shop", "staging")

    in_app(touch)

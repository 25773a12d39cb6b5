"""What is forgotten, and that every way back is still there afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import NOW, at, make_change, make_context, make_finished, make_release, make_snapshot
from pilotage import tidying
from pilotage.adapters.process.artifacts import BUILD_LOCK, COMPLETE, ROOT, key
from pilotage.adapters.process.depot import ArtifactDepot
from pilotage.adapters.supervisor import files
from pilotage.cli.main import main
from pilotage.core import events as e
from pilotage.core.environment import Environment, follow
from pilotage.core.plan import Plan
from pilotage.core.release import Artifact, Release
from pilotage.core.retention import Retention
from pilotage.core.routing import Address, Backend, Routing, Split
from pilotage.errors import ExitCode, PilotageError
from pilotage.store.sqlite import SqliteStore
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.canary import Canary
from pilotage.testing.store import MemoryStore
from pilotage.usecases.planning import plan_restore
from pilotage.usecases.proving import recorded
from pilotage.usecases.pruning import Pruning, prune

DAY = timedelta(days=1)
LATER = NOW + 400 * DAY
SHORT = Retention(recordings=DAY, releases=2, artifacts=timedelta())


@dataclass
class FakeDepot:
    """A depot whose artifacts are all old."""

    there: set[Artifact] = field(default_factory=set)
    aside: set[Artifact] = field(default_factory=set)
    meanwhile: Any = None

    def unneeded(self, keep: Collection[Artifact], older_than: timedelta) -> dict[str, int]:
        return {key(one): 1 for one in self.there if one not in keep}

    def set_aside(self, names: Collection[str]) -> None:
        self.aside = {one for one in self.there if key(one) in names}
        self.there -= self.aside
        if self.meanwhile:
            self.meanwhile()

    def let_go(self, keep: Collection[Artifact]) -> None:
        self.there |= {one for one in self.aside if one in keep}
        self.aside = set()


def pruned(store: Any, depot: Any, retention: Retention = SHORT, *, dry_run: bool = False) -> Pruning:
    return asyncio.run(prune(store, depot, lambda _: None, retention, LATER, dry_run=dry_run))


class Site:
    """One environment, in which versions are released, promoted, taken back."""

    def __init__(self) -> None:
        self.store, self.depot = MemoryStore(), FakeDepot()
        self.second = 0

    def run(self, work: Any) -> Any:
        return asyncio.run(work)

    @property
    def known(self) -> Environment:
        return self.run(self.store.environment("shop", "production"))

    def plan(self, release: Release) -> Plan:
        method = Canary() if self.known.live else BigBang()
        return method.compile(make_context(new=release, basis=self.known.basis))

    def begin(self, plan: Plan) -> str:
        self.second += 1
        known, id = self.known, f"shop-production-{self.known.rollouts + 1}"
        created = e.Created(at=at(self.second), by="ada", plan=plan, digest=plan.digest)
        self.depot.there |= {one.artifact for one in (plan.new, plan.basis.live) if one}
        self.write(id, plan, known, make_change(id, created), created)
        self.run(self.store.record(id, 1, make_snapshot(1)))
        return id

    def end(self, id: str, *, promoted: bool) -> None:
        self.second += 1
        state, known = self.run(self.store.rollout(id)), self.known
        moment = at(self.second)
        told: list[e.Event] = []
        if promoted:
            told.append(e.Promoted(at=moment, release=state.plan.new.id, routing=routing(state.plan.new)))
        ending = e.Ending.SUCCEEDED if promoted else e.Ending.ROLLED_BACK
        told.append(make_finished(ending, at=moment))
        self.write(id, state.plan, known, make_change(state, *told), *told)

    def write(self, id: str, plan: Plan, known: Environment, change: Any, *events: e.Event) -> None:
        self.run(self.store.commit(change, environment=follow(known, id, plan, events)))


def routing(release: Release) -> Routing:
    return Routing(
        listen=Address(host="127.0.0.1", port=1),
        preview=Address(host="127.0.0.1", port=2),
        backends=(Backend(release=release.id),),
        splits=(Split(release=release.id, share=1_000_000),),
    )


def ways_back(site: Site) -> list[Plan]:
    """Every rollback that could be made one after the other, until there is no earlier version."""
    known, found = site.known, []
    while True:
        try:
            plan = plan_restore(known)
        except PilotageError:
            return found
        found.append(plan)
        promoted = e.Promoted(at=LATER, release=plan.new.id, routing=routing(plan.new))
        known = follow(
            known, "back", plan, [e.Created(at=LATER, by="ada", plan=plan, digest=plan.digest), promoted]
        )


moves = st.lists(st.sampled_from(["promoted", "taken back", "rollback", "prune"]), min_size=1, max_size=14)


@settings(deadline=None, max_examples=25)
@given(moves=moves, releases=st.integers(2, 5), under_way=st.booleans())
def test_every_way_back_is_there_after_pruning(moves: list[str], releases: int, under_way: bool) -> None:
    site, retention = Site(), Retention(recordings=DAY, releases=releases, artifacts=timedelta())
    for number, move in enumerate([*moves, "promoted"]):
        if move == "rollback" and ways_back(site):
            site.end(site.begin(ways_back(site)[0]), promoted=True)
        elif move == "prune":
            pruned(site.store, site.depot, retention)
        else:
            site.end(site.begin(site.plan(make_release(f"{number}.0"))), promoted=move == "promoted")
    if under_way:
        site.begin(site.plan(make_release("99.0")))
    before = ways_back(site)
    events = {state.id: site.run(site.store.events(state.id)) for state in site.run(site.store.rollouts())}
    pruned(site.store, site.depot, retention)
    assert ways_back(site) == before
    for plan in before[: releases - 1]:
        assert plan.new.artifact in site.depot.there, "it would have to be made again"
    if site.known.live:
        assert site.known.live.release.artifact in site.depot.there
    for state in site.run(site.store.rollouts(unfinished=True)):
        assert {state.plan.new.artifact} <= site.depot.there
    assert {id: site.run(site.store.events(id)) for id in events} == events, "history is never pruned"
    for good in site.known.lineage[-releases:]:
        assert site.run(site.store.snapshots(good.rollout)), "a kept release can be verified"


def old_and_new() -> Site:
    """Four promoted, one after the other; one taken back; one under way."""
    site = Site()
    for number in range(4):
        site.end(site.begin(site.plan(make_release(f"{number}.0"))), promoted=True)
    site.end(site.begin(site.plan(make_release("4.0"))), promoted=False)
    site.begin(site.plan(make_release("5.0")))
    return site


def test_what_goes_and_that_a_dry_run_only_says_so() -> None:
    site = old_and_new()
    would = pruned(site.store, site.depot, dry_run=True)
    assert would.rollouts == ("shop-production-1", "shop-production-2", "shop-production-5")
    assert would.records == {"snapshots": 3}
    assert len(would.artifacts) == 3
    assert len(site.depot.there) == 6
    assert len(site.run(site.store.snapshots("shop-production-1"))) == 1
    assert pruned(site.store, site.depot) == would
    assert {one.requirements[0] for one in site.depot.there} == {"shop==2.0", "shop==3.0", "shop==5.0"}
    assert pruned(site.store, site.depot) == Pruning((), {}, {})


def test_what_ended_a_moment_ago_stays() -> None:
    site = old_and_new()
    patient = Retention(recordings=500 * DAY, releases=2, artifacts=timedelta())
    assert pruned(site.store, site.depot, patient).rollouts == ()


def test_a_release_that_begins_just_then_finds_its_artifact() -> None:
    site = old_and_new()
    site.end("shop-production-6", promoted=False)
    again = site.plan(make_release("0.0"))

    known = site.known
    site.depot.meanwhile = lambda: begin_with(site, known, again)
    pruned(site.store, site.depot)
    assert again.new.artifact in site.depot.there


def begin_with(site: Site, known: Environment, plan: Plan) -> None:
    """Within a running loop: nothing in memory ever waits."""
    id = f"shop-production-{known.rollouts + 1}"
    created = e.Created(at=at(99), by="ada", plan=plan, digest=plan.digest)
    work = site.store.commit(make_change(id, created), environment=follow(known, id, plan, [created]))
    with pytest.raises(StopIteration):
        work.send(None)


def test_it_is_said_that_a_recording_is_gone() -> None:
    site = old_and_new()
    pruned(site.store, site.depot)
    with pytest.raises(PilotageError) as caught:
        site.run(recorded(site.store, site.run(site.store.rollout("shop-production-2"))))
    problem = caught.value.problems[0]
    assert problem.code == "recording.pruned"
    assert f"{LATER:%Y-%m-%d}" in problem.what


class TestDepot:
    @pytest.fixture
    def depot(self, tmp_path: Path) -> ArtifactDepot:
        return ArtifactDepot(tmp_path)

    def prepared(self, folder: Path, release: Release, *, days: float = 90) -> Path:
        there = folder / "cache" / "artifacts" / key(release.artifact)
        (there / ROOT).mkdir(parents=True)
        (there / ROOT / "code").write_text("x" * 1000)
        (there / COMPLETE).write_text("{}")
        past = NOW.timestamp() - days * 86_400
        os.utime(there / COMPLETE, (past, past))
        return there

    def test_what_is_old_and_unneeded(self, depot: ArtifactDepot, tmp_path: Path) -> None:
        one, two = make_release("1.0"), make_release("2.0")
        paths = [self.prepared(tmp_path, release) for release in (one, two)]
        found = depot.unneeded([two.artifact], 30 * DAY)
        assert found == {paths[0].name: 1002}
        assert depot.unneeded([two.artifact], 100_000 * DAY) == {}
        depot.set_aside(found)
        assert not paths[0].exists()
        depot.let_go([two.artifact])
        assert sorted(path.name for path in paths[0].parent.iterdir()) == [paths[1].name]

    def test_what_is_needed_after_all_is_put_back(self, depot: ArtifactDepot, tmp_path: Path) -> None:
        path = self.prepared(tmp_path, make_release("1.0"))
        depot.set_aside([path.name])
        depot.let_go([make_release("1.0").artifact])
        assert (path / ROOT / "code").is_file()

    def test_what_an_instance_was_started_from_stays(self, depot: ArtifactDepot, tmp_path: Path) -> None:
        release = make_release("1.0")
        self.prepared(tmp_path, release)
        folder = tmp_path / "environments" / "shop" / "production" / "target" / "instances" / f"{release.id}.1"
        folder.mkdir(parents=True)
        (folder / "release.json").write_text(release.model_dump_json())
        assert depot.unneeded([], timedelta()) == {}
        (folder / "release.json").write_text("{")
        with pytest.raises(ValueError, match="can not be read"):
            depot.unneeded([], timedelta())

    def test_what_is_being_built_stays(self, depot: ArtifactDepot, tmp_path: Path) -> None:
        path = self.prepared(tmp_path, make_release("1.0"))
        lock = files.lock(str(path), BUILD_LOCK)
        assert lock is not None
        depot.set_aside([path.name])
        os.close(lock)
        assert path.is_dir()


class TestState:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A state in which two rollouts ended in the past."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PILOTAGE_STATE", "state")

        async def fill() -> None:
            store = SqliteStore.open(tmp_path / "state" / "pilotage.db")
            plan = Canary().compile(make_context())
            for id in ("shop-1", "shop-2"):
                long_ago = NOW - 3650 * DAY
                created = e.Created(at=long_ago, by="ada", plan=plan, digest=plan.digest)
                await store.commit(make_change(id, created, make_finished(e.Ending.ROLLED_BACK, at=long_ago)))
                await store.record(id, 1, make_snapshot(1))
            await store.close()

        asyncio.run(fill())
        return tmp_path / "state"

    def kept(self, folder: Path) -> int:
        async def count() -> int:
            store = SqliteStore.open(folder / "pilotage.db")
            found = len(await store.remembered())
            await store.close()
            return found

        return asyncio.run(count())

    def test_the_command(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["prune", "--dry-run"]) == ExitCode.DONE
        assert "Would forget the recordings of 2 rollouts (2 snapshots)" in capsys.readouterr().out
        assert self.kept(folder) == 2
        assert main(["prune", "--json", "--recordings", "30d"]) == ExitCode.DONE
        said = json.loads(capsys.readouterr().out)
        assert (said["rollouts"], said["retention"]["recordings"]) == (["shop-1", "shop-2"], "P30D")
        assert self.kept(folder) == 0
        assert main(["judge", "verify", "shop-1"]) == ExitCode.FAILED
        assert "it was pruned on" in capsys.readouterr().err

    def test_the_example_of_the_documentation(self, folder: Path) -> None:
        """docs/state.md, line by line."""
        text = (Path(__file__).parents[2] / "docs" / "state.md").read_text()
        lines = re.findall(r"^pilotage (prune.*)$", text, re.MULTILINE)
        assert len(lines) == 3
        for line in lines:
            assert main(shlex.split(line, comments=True)) == ExitCode.DONE
        assert self.kept(folder) == 0

    def test_one_release_is_too_few(self, folder: Path) -> None:
        assert main(["prune", "--releases", "1"]) == ExitCode.USAGE
        assert main(["prune", "--daily", "--dry-run"]) == ExitCode.USAGE
        assert self.kept(folder) == 2

    def test_daily(self, folder: Path) -> None:
        assert tidying.kept_settings(folder) is None
        assert main(["prune", "--daily", "--releases", "7"]) == ExitCode.DONE
        assert tidying.kept_settings(folder) == Retention(releases=7)
        assert main(["prune", "--daily", "--artifacts", "60d"]) == ExitCode.DONE
        assert tidying.kept_settings(folder) == Retention(releases=7, artifacts=60 * DAY)
        assert main(["prune", "--never"]) == ExitCode.DONE
        assert tidying.kept_settings(folder) is None

    def test_a_worker_that_is_told_to(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pilotage.engine.worker.IDLE_FOR", 0.3)
        tidying.keep_settings(folder, Retention())
        assert main(["worker", "--until-idle"]) == ExitCode.DONE
        assert self.kept(folder) == 0

    def test_the_worker_does_it_once_a_day_if_it_is_to(self, folder: Path) -> None:
        """And what it can not do does not stop it."""

        class Clock:
            time = LATER

            def now(self):
                return self.time

        async def rounds(clock: Clock) -> None:
            store = SqliteStore.open(folder / "pilotage.db")
            async with tidying.tidied_daily(folder, store, clock, lambda _: None):
                for _ in range(50):
                    await asyncio.sleep(0)
            await store.close()

        async def story(clock: Clock) -> None:
            await rounds(clock)

        clock = Clock()
        asyncio.run(story(clock))
        assert self.kept(folder) == 2, "nobody said so"
        (folder / tidying.SETTINGS).write_text("{")
        asyncio.run(story(clock))
        assert self.kept(folder) == 2
        tidying.keep_settings(folder, Retention())
        (folder / tidying.DONE).write_text(json.dumps({"at": (LATER - DAY / 2).isoformat()}))
        asyncio.run(story(clock))
        assert self.kept(folder) == 2, "it is not a day ago"
        clock.time = LATER + DAY
        asyncio.run(story(clock))
        assert self.kept(folder) == 0

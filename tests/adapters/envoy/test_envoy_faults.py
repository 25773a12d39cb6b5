"""What is killed, broken or refused, and what users and operators see of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from envoy_stage import Stage, here, run
from router_load import Load, ask, shares

from pilotage.adapters.envoy import addresses, converge, process
from pilotage.adapters.envoy.router import EnvoyRouter
from pilotage.core.routing import Address, Pin, Routing, Split
from pilotage.errors import Problem
from pilotage.ports import RouterError

pytestmark = [pytest.mark.real, pytest.mark.faults]


def test_a_killed_proxy_comes_back_with_the_same_shares(stage: Stage) -> None:
    async def story() -> None:
        routing = stage.routing(1_000_000)
        await stage.serve(routing)
        await killed(stage)
        await stage.until(lambda: stage.serves(routing))
        assert await shares(stage.listen, 50) == {"new-1": 50}

    run(story)


async def killed(stage: Stage) -> None:
    pid = stage.pid()
    os.kill(pid, signal.SIGKILL)

    async def gone() -> bool:
        return stage.router._proxy.status().pid not in (pid, None)

    await stage.until(gone)


def test_a_proxy_whose_supervisor_was_killed_too_comes_back_when_looked_at(stage: Stage) -> None:
    async def story() -> None:
        routing = stage.routing(1_000_000)
        await stage.serve(routing)
        supervisor = stage.router._proxy.status().supervisor
        assert supervisor
        os.kill(supervisor, signal.SIGKILL)
        os.kill(stage.pid(), signal.SIGKILL)
        await stage.until(lambda: stage.serves(routing))
        assert await shares(stage.listen, 50) == {"new-1": 50}

    run(story)


def test_a_stopped_proxy_stays_stopped_until_it_is_applied_to(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        await stage.router.stop()

        async def stopped() -> bool:
            return not (await stage.router.observe()).running

        await stage.until(stopped)
        await asyncio.sleep(0.3)
        assert await stopped()
        await stage.serve(stage.routing(0))

    run(story)


@pytest.mark.parametrize("content", ["garbage", "", '{"version_info":"x","resources":[{"@type":"nonsense"}]}'])
@pytest.mark.parametrize("file", ["rds_pilotage_main.json", "cds.json", "lds.json"])
def test_files_broken_by_hand_change_nothing_and_are_mended(stage: Stage, file: str, content: str) -> None:
    async def story() -> None:
        routing = stage.routing(1_000_000)
        await stage.serve(routing)
        broken = stage.folder / "broken"
        broken.write_text(content)
        broken.rename(stage.folder / file)
        await asyncio.sleep(0.1)
        assert await shares(stage.listen, 20) == {"new-1": 20}
        assert await stage.serves(routing)
        await stage.serve(stage.routing(0))
        assert await shares(stage.listen, 20) == {"old-1": 20}

    run(story)


def test_a_route_to_an_unknown_cluster_is_refused_by_envoy(stage: Stage, monkeypatch: Any) -> None:
    async def story() -> None:
        good = stage.routing(0)
        await stage.serve(good)
        right = converge.main_routes

        def wrong(routing: Routing, token: str) -> dict[str, Any]:
            text = json.dumps(right(routing, token))
            return dict(json.loads(text.replace("pilotage_own_new-1", "pilotage_own_nobody")))

        monkeypatch.setattr(converge, "main_routes", wrong)
        await stage.router.apply(stage.routing(1_000_000))
        seen = await stage.router.observe()
        assert seen.revision == good.revision
        assert seen.rejected
        assert "pilotage_own_nobody" in (seen.rejected.why or "")
        assert await shares(stage.listen, 20) == {"old-1": 20}
        await killed(stage)
        await stage.until(lambda: stage.serves(good))

    run(story)


def test_a_refusal_gives_the_words_of_envoy_and_no_secret(stage: Stage) -> None:
    async def story() -> None:
        bad = stage.routing(5, pins=(Pin(release="new-1", header="two\nlines", value="x"),))
        [problem] = await stage.router.check(bad)
        assert problem.code == "router.refused"
        assert "Headers[0]" in (problem.why or "")
        await stage.serve(stage.routing(0))
        await stage.router.apply(bad)
        seen = await stage.router.observe()
        assert seen.rejected
        assert "Headers[0]" in (seen.rejected.why or "")
        assert (stage.folder / "token").read_text() not in seen.rejected.model_dump_json()

    run(story)


def test_a_first_routing_that_is_refused_starts_nothing(stage: Stage) -> None:
    async def story() -> None:
        await stage.router.apply(stage.routing(5, pins=(Pin(release="new-1", header="a\nb", value="x"),)))
        seen = await stage.router.observe()
        assert not seen.running
        assert seen.rejected
        await stage.serve(stage.routing(0))
        assert (await stage.router.observe()).rejected is None

    run(story)


@pytest.mark.parametrize("publications", [1, 2, 3])
def test_after_a_crash_of_ours_at_any_step_another_routing_can_be_applied(
    stage: Stage, publications: int, monkeypatch: Any
) -> None:
    async def story() -> None:
        old, new = stage.releases
        only_old = stage.routing(0, using=(old,), splits=(Split(release="old-1", share=1_000_000),))
        only_new = stage.routing(0, using=(new,), splits=(Split(release="new-1", share=1_000_000),))
        await stage.serve(only_old)
        async with Load(stage.listen, slows=0) as seen:
            with monkeypatch.context() as patched:
                crash_after(patched, publications)
                with pytest.raises(KeyboardInterrupt):
                    await asyncio.to_thread(stage.router._apply, only_new)
            stage.router = stage.again()
            await stage.serve(stage.routing(300_000))
            assert not list(stage.folder.glob(".*draft"))
        assert seen.failures == []

    run(story)


def crash_after(patched: Any, publications: int) -> None:
    """As if we were killed when so many publications of the three were made, and the last not acknowledged."""
    real, made = converge._Subscriptions.await_versions, iter(range(1, 4))

    def crashing(self: Any, wanted: Any) -> None:
        if next(made) == publications:
            raise KeyboardInterrupt
        real(self, wanted)

    patched.setattr(converge._Subscriptions, "await_versions", crashing)


def test_safe_requests_survive_the_death_of_a_release_with_failover(stage: Stage) -> None:
    async def story() -> None:
        new = stage.releases[1]
        await stage.serve(stage.routing(500_000, failover=("old-1",)))
        async with Load(stage.listen, posts=0, idles=0, sses=0, websockets=0, gets=8) as seen:
            new.kill()
            await asyncio.sleep(1)
            stage.release("new-1", new.port)
            seen.answers.clear()
            await asyncio.sleep(0.5)
        assert seen.failures == []
        assert seen.answers["new-1"] > 0

    run(story)


def test_another_endpoint_of_the_same_release_goes_before_another_release(stage: Stage) -> None:
    async def story() -> None:
        second = stage.release("old-1")
        await stage.serve(stage.routing(0, failover=("new-1",)))
        second.kill()
        assert await shares(stage.listen, 100) == {"old-1": 100}
        reading = await stage.settled(101, timed=100)
        assert reading.counters["new-1"].failed_over == 0
        assert reading.counters["old-1"].connect_failures > 0

    run(story)


def test_a_port_that_is_taken_is_named_with_its_holder(stage: Stage) -> None:
    async def story() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = other.getsockname()[1]
            routing = stage.routing(0, listen=here(taken))
            [problem] = await stage.router.check(routing)
            assert problem.code == "router.address-in-use"
            assert f"127.0.0.1:{taken}" in problem.what
            assert str(os.getpid()) in (problem.why or "")
            await stage.router.apply(routing)
            seen = await stage.router.observe()
            assert seen.rejected == problem
            assert not seen.running
        await stage.serve(routing)

    run(story)


def test_the_address_can_be_changed_without_a_restart(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        pid = stage.pid()
        moved = stage.routing(0, listen=here(stage.preview), preview=None)
        await stage.serve(moved)
        assert (await ask(stage.preview)).text == "old-1"
        await stage.serve(stage.routing(0))
        assert (await ask(stage.listen)).text == "old-1"
        assert stage.pid() == pid

    run(story)


def test_two_sites_do_not_meet(stage: Stage, tmp_path: Path) -> None:
    async def story() -> None:
        other = Stage(tmp_path / "other")
        try:
            other.releases = list(stage.releases)
            await stage.serve(stage.routing(0))
            [problem] = await other.router.check(other.routing(0, listen=here(stage.listen)))
            assert problem.code == "router.address-in-use"
            await other.serve(other.routing(1_000_000))
            assert await shares(stage.listen, 10) == {"old-1": 10}
            assert await shares(other.listen, 10) == {"new-1": 10}
        finally:
            other.releases = []
            await other.close()

    run(story)


def test_a_deep_folder_will_do(stage: Stage) -> None:
    async def story() -> None:
        deep = stage.folder.joinpath(*["a-rather-long-name-of-a-folder"] * 6)
        deep.mkdir(parents=True)
        stage.folder = deep
        stage.router = stage.again()
        await stage.serve(stage.routing(0))
        assert await shares(stage.listen, 10) == {"old-1": 10}
        assert (await stage.router.telemetry()).users_served <= 10

    run(story)


def test_only_we_can_read_the_files_and_open_the_admin_socket(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        for file in stage.folder.iterdir():
            assert file.stat().st_mode & 0o077 == 0, file.name

    run(story)


def test_the_probe_answers_only_who_knows_the_token(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        for headers in ({}, {"X_Pilotage_Probe": ""}, {"X_Pilotage_Probe": "guess"}):
            assert (await ask(stage.listen, "/.well-known/pilotage", **headers)).text == "old-1"

    run(story)


def test_listening_beyond_this_machine_must_be_asked_for(stage: Stage) -> None:
    async def story() -> None:
        everywhere = stage.routing(0, listen=Address(host="0.0.0.0", port=stage.listen))
        [problem] = await stage.router.check(everywhere)
        assert problem.code == "router.public"
        await stage.router.apply(everywhere)
        assert not (await stage.router.observe()).running
        stage.settings["public"] = True
        assert await stage.again().check(everywhere) == []

    run(story)


def test_a_machine_without_envoy_is_told_so(stage: Stage, monkeypatch: Any) -> None:
    no = Problem(code="router.no-envoy", what="there is none")

    def nowhere() -> Path:
        raise RouterError(no)

    monkeypatch.setattr(process, "binary", nowhere)
    process.version.cache_clear()
    assert asyncio.run(stage.router.check(stage.routing(0))) == [no]
    process.version.cache_clear()


def test_a_proxy_that_cannot_start_shows_what_it_wrote(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        bootstrap = stage.folder / "bootstrap.json"
        bootstrap.write_text(json.dumps({"no such field": 1}))
        os.kill(stage.pid(), signal.SIGKILL)
        told = ""

        async def explained() -> bool:
            nonlocal told
            seen = await stage.router.observe()
            told = seen.detail
            return not seen.running and "no such field" in told

        await stage.until(explained)
        await stage.router.apply(stage.routing(0))
        await stage.until(lambda: stage.serves(stage.routing(0)))

    run(story)


def test_settings() -> None:
    assert EnvoyRouter.check_settings({"concurrency": 4, "public": True}) == []
    for bad in ({"concurrency": 0}, {"concurrency": True}, {"concurrency": "2"}, {"public": 1}):
        [problem] = EnvoyRouter.check_settings(bad)
        assert problem.code == "router.setting"


def test_two_proxies_never_share_a_port(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that start in the same instant both find the port free: the system must refuse the second."""

    async def story() -> None:
        other = Stage(tmp_path / "other")
        try:
            other.releases = list(stage.releases)
            await stage.serve(stage.routing(0))
            monkeypatch.setattr(addresses, "problem", lambda *_, **__: None)
            late = other.routing(1_000_000, listen=here(stage.listen))
            await other.router.apply(late)

            async def refused() -> bool:
                return (await other.router.observe()).rejected is not None

            await other.until(refused)
            assert (await other.router.observe()).revision is None
            assert await shares(stage.listen, 60) == {"old-1": 60}
        finally:
            other.releases = []
            await other.close()

    run(story)

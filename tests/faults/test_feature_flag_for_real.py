"""The example of docs/flags.md for real: real users, a real proxy, OpenFeature's client, a worker that is
killed."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
import yaml
from fault_processes import kill
from fault_shop import Shop

from pilotage.core import events as e
from pilotage.core.flags import FlagRule
from pilotage.core.state import Status, fold
from pilotage.flags import flagd
from pilotage.flags.evaluation import place

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-feature-flag")]

EXAMPLE = Path(__file__).parents[2] / "examples" / "flags"


@dataclass
class People:
    """Two hundred known users on four connections; what each was answered, and when."""

    port: int
    seen: list[tuple[float, str, str, int]] = field(default_factory=list)
    """When, who, which variant, which status (0: none came)."""

    def __enter__(self) -> People:
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,), daemon=True) for n in range(4)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(20)

    def _ask(self, number: int) -> None:
        line, turn = HTTPConnection("127.0.0.1", self.port, timeout=15), number
        while not self._end.wait(0.008):
            user, turn = f"user-{turn % 200}", turn + 4
            try:
                line.request("GET", "/", headers={"x-user": user})
                answer = line.getresponse()
                answer.read()
                self.seen.append((time.time(), user, answer.headers.get("x-variant", ""), answer.status))
            except (OSError, HTTPException):
                self.seen.append((time.time(), user, "", 0))
                line.close()

    def statuses(self) -> Counter[int]:
        return Counter(status for *_, status in self.seen)

    def without(self) -> bool:
        """Whether the last four hundred answers were all without the feature: every client has looked."""
        last = self.seen[-400:]
        return len(last) == 400 and all(variant == "off" for _, _, variant, _ in last)

    def having(self) -> set[str]:
        return {user for _, user, variant, _ in self.seen if variant == "on"}


def prepared(shop: Shop) -> None:
    shutil.copytree(EXAMPLE / "shop", shop.folder / "shop")
    shop.manifest = yaml.safe_load((EXAMPLE / "pilotage.yaml").read_text())
    shop.manifest["run"]["command"][0] = sys.executable
    environment = shop.manifest["environments"]["local"]
    environment["router"] = {"listen": f"127.0.0.1:{shop.listen}", "preview": f"127.0.0.1:{shop.preview}"}
    # Few users, and a verdict within seconds: wider margins than anybody should write.
    shop.manifest["judge"]["errors"] = {"excess": "5%", "pass_excess": "40%", "limit": "49%"}
    environment["telemetry"]["url"] = f"http://127.0.0.1:{shop.listen}/figures"
    shop.manifest["strategy"], feature = {"method": "rolling"}, shop.manifest["strategy"]
    shop.write()
    shop.release("1.0")
    shop.manifest["strategy"] = {**feature, "hold": "1s", "drain": "2s"}
    shop.write()


def held(shop: Shop, key: str) -> FlagRule | None:
    return flagd.read(key, json.loads((shop.folder / "flags.json").read_text())["flags"].get(key))


def ramped(shop: Shop, rollout: str) -> list[int]:
    return [event.share for event in shop.events(rollout) if isinstance(event, e.Ramped)]


def test_the_example_is_ramped_when_good_and_off_at_once_when_bad(shop: Shop) -> None:
    prepared(shop)
    with People(shop.listen) as people:
        # 2.0 is good; its worker is killed while one user in ten has the feature.
        rollout = shop.begin("2.0")
        shop.until(lambda: 100_000 in ramped(shop, rollout))
        kill(*shop.workers())
        shop.until(lambda: not shop.workers())
        shop.worker()
        state = shop.until_final(rollout)
        assert state.status is Status.SUCCEEDED, shop.told()
        assert ramped(shop, rollout) == [0, 100_000, 500_000, 1_000_000]
        assert held(shop, "new-checkout").share == 1_000_000
        assert fold(rollout, shop.events(rollout)) == state
        first_tenth = {f"user-{n}" for n in range(200) if place("new-checkout", f"user-{n}") < 100_000}
        shop.until(lambda: len(people.having()) == 200)
        order = list(dict.fromkeys(user for _, user, variant, _ in people.seen if variant == "on"))
        assert set(order[: len(first_tenth)]) == first_tenth
        assert people.statuses().keys() == {200}, people.statuses()

        # 3.0 is bad, behind a flag of its own.
        people.seen.clear()
        shop.manifest["run"]["environment"]["FLAG"] = "one-click"
        shop.write(flag="one-click")
        bad = shop.begin("3.0")
        state = shop.until_final(bad)
        assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.JUDGED), shop.told()
        assert state.stays
        assert held(shop, "one-click").nobody
        assert max(ramped(shop, bad)) == 100_000
        turned = shop.until_event(bad, e.TurnedBack)
        after = shop.events(bad)[shop.events(bad).index(turned) + 1 :]
        assert isinstance(after[0], e.Intended)
        assert after[0].key == "flag"
        off = next(event for event in after if isinstance(event, e.Ramped))
        shop.until(lambda: people.without())
        last = max(at for at, _, variant, _ in people.seen if variant == "on")
        print(f"from the verdict to the flag seen off: {(off.at - turned.at).total_seconds():.3f} s, ", end="")
        print(f"to the last user who had it: {last - turned.at.timestamp():.3f} s")
        people.seen.clear()
        shop.until(lambda: len(people.seen) > 400)
        assert not people.having()
        assert people.statuses().keys() == {200}
        assert shop.live() == "3.0"

        # And the old version too, because somebody asks for it; its own feature stays on.
        assert shop.pilotage("rollback", "--yes").code == 0
        assert shop.live() == "2.0"
        assert held(shop, "one-click") is None
        people.seen.clear()
        shop.until(lambda: len(people.seen) > 400)
        assert people.statuses().keys() == {200}
        assert held(shop, "new-checkout").share == 1_000_000

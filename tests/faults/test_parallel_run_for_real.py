"""The example of docs/parallel-run.md for real: real users, a real proxy, bookings that may not be doubled."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
import yaml
from fault_processes import kill
from fault_shop import Shop

from pilotage.core import events as e
from pilotage.core.comparing import Finding
from pilotage.core.judging import Outcome
from pilotage.core.state import Status, fold

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-parallel-run")]

EXAMPLE = Path(__file__).parents[2] / "examples" / "parallel-run"


@dataclass
class Customers:
    """Read and book on three connections, and never try again."""

    port: int
    statuses: Counter[int] = field(default_factory=Counter)
    booked: int = 0
    """Bookings that were answered."""

    def __enter__(self) -> Customers:
        self._end = threading.Event()
        self._counting = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(n,), daemon=True) for n in range(3)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(20)

    def _ask(self, number: int) -> None:
        line, turn = HTTPConnection("127.0.0.1", self.port, timeout=15), number
        while not self._end.wait(0.01):
            turn += 3
            books = turn % 10 == 0
            try:
                line.request(*(("POST", "/orders", "7") if books else ("GET", f"/orders/{turn % 200}")))
                answer = line.getresponse()
                answer.read()
                status = answer.status
            except (OSError, HTTPException):
                status = 0
                line.close()
            with self._counting:
                self.statuses[status] += 1
                self.booked += books


def prepared(shop: Shop) -> None:
    shutil.copytree(EXAMPLE / "shop", shop.folder / "shop")
    shop.manifest = yaml.safe_load((EXAMPLE / "pilotage.yaml").read_text())
    shop.manifest["run"]["command"][0] = sys.executable
    environment = shop.manifest["environments"]["local"]
    environment["router"] = {"listen": f"127.0.0.1:{shop.listen}", "preview": f"127.0.0.1:{shop.preview}"}
    shop.write()
    shop.release("1.0")


def ledger(shop: Shop, copy: str = "") -> list[str]:
    return (shop.folder / f"ledger{copy}.txt").read_text().splitlines()


def test_the_example_cuts_over_when_signed_off_and_refuses_a_wrong_field(shop: Shop) -> None:
    prepared(shop)
    with Customers(shop.listen) as customers:
        rollout = shop.begin("2.0")
        shop.until(lambda: shop.state_of(rollout).position > 5 and shop.processes("adapters.tap"))
        # The process that compares and the worker are killed in the middle of it.
        kill(*shop.processes("adapters.tap"), *shop.workers())
        shop.worker()
        made = shop.until_event(rollout, e.Reconciled)
        assert made.report.outcome is Outcome.PASS
        assert made.report.different == 0
        noise = {(row.endpoint, row.place) for row in made.report.differences if row.finding is Finding.NOISE}
        assert {("GET /orders/*", "$.request"), ("GET /orders/*", "header.x-request")} <= noise
        assert not [row for row in made.report.differences if row.place == "$.at"], "five seconds are the same"
        assert not shop.share("2.0", rollout)
        told = json.loads(shop.pilotage("report", "--json").out)
        assert (told["digest"], told["awaits_sign_off"]) == (made.digest, True)
        refused = shop.pilotage("sign-off", rollout, "0" * 64)
        assert refused.code == 5, refused
        signed = shop.pilotage("sign-off", rollout, made.digest[7:19], "--reason", "read")
        assert signed.code == 0, signed
        state = shop.until_final(rollout)
        assert state.status is Status.SUCCEEDED, shop.told()
        assert state.signed_off == made.digest
        assert fold(rollout, shop.events(rollout)) == state
        # Bookings went to the isolated copies, each once and in one order, and not a second time to the shop.
        assert ledger(shop, "-old") == ledger(shop, "-again") == ledger(shop, "-new")
        assert ledger(shop, "-new")

        # 3.0 has a wrong field; only what is safe to repeat is copied now.
        shop.manifest["strategy"] = {"method": "parallel-run", "at_least": "1s", "most": "1%"}
        shop.write()
        bad = shop.begin("3.0")
        state = shop.until_final(bad)
        assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.DIFFERENT), shop.told()
        assert any(why.startswith("GET /orders/*: $.total has another type") for why in state.why), state.why
        assert not any(shop.reached("3.0", bad)), "a user has seen it"
        assert all(row.endpoint.startswith("GET") for row in state.reconciled.differences)
    assert customers.statuses.keys() == {200}, customers.statuses
    assert len(ledger(shop)) == customers.booked
    print(f"{sum(customers.statuses.values())} requests, none failed, {customers.booked} booked once")

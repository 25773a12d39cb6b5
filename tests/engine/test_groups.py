"""Pilots as the judge sees them: alone under the error limit first, and never compared with the others."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from playbook import NEW, plan
from test_engine import Place, final, until, working

from pilotage.core import events as e
from pilotage.core.judging import JudgeSettings, Outcome
from pilotage.core.plan import Plan
from pilotage.core.state import Status
from pilotage.strategies.canary import Canary
from pilotage.strategies.phased import Phased
from pilotage.strategies.pilot import Pilot
from pilotage.usecases.proving import Proof, verify

OFFICE = {"header": "x-office", "values": ["berlin"]}
SITE = {"header": "x-site", "values": ["bonn"]}
THEN = Canary(steps=["50%"], hold="5s", keep_warm="0s")
PILOT = Pilot(who=OFFICE, hold="5s", sign_off=False, then=THEN)
QUICK = JudgeSettings(warm_up=timedelta(seconds=1), minimum_requests=50, latency=False, error_pass_excess=0.05)


class Offices(Place):
    """Beside all others, each group asks a hundred times a second."""

    def __init__(self, failing: dict[str, int]) -> None:
        super().__init__()
        self.failing_in = failing

    async def users(self) -> None:
        others = asyncio.create_task(super().users())
        try:
            while True:
                await self.clock.sleep(1)
                for pin in self.router.serving.pins if self.router.serving is not None else ():
                    for release, share in self.router.serving.shares_of(pin).items():
                        count = 100 * share // 1_000_000
                        bad = count * self.failing_in.get(pin.group, 0) // 100 if release == NEW.id else 0
                        statuses = [500] * bad + [200] * (count - bad)
                        self.router.serve(release, 0.004, *statuses, group=pin.group)
        finally:
            others.cancel()


def planned(method: Pilot | Phased) -> Plan:
    return plan(method).model_copy(update={"judge": QUICK})


def released(made: Plan, failing: dict[str, int]):
    """The state at the end and the events; every verdict can be made again from the recording."""

    async def story():
        place = Offices(failing)
        await place.settle(made)
        async with working(place):
            begun = await place.begin(made)
            state = await until(place, begun.id, final)
        assert all(one.proof is Proof.SAME for one in await verify(place.store, state))
        return state, await place.store.events(state.id)

    return asyncio.run(story())


def groups(events) -> list[dict[str, int]]:
    """As confirmed, without repeats."""
    found = [event.groups for event in events if isinstance(event, e.Exposed)]
    return [one for place, one in enumerate(found) if place == 0 or found[place - 1] != one]


def test_pilots_that_are_content_lead_to_all_others():
    state, events = released(planned(PILOT), {})
    assert state.status is Status.SUCCEEDED
    assert {"pilot": 1_000_000} in groups(events)
    notes = [event.note for event in events if isinstance(event, e.StepFinished)]
    assert notes.index("below the error limit") < notes.index("not worse than the old version")


def test_what_fails_the_pilots_is_taken_back_before_anybody_else_sees_it():
    state, events = released(planned(PILOT), {"pilot": 40})
    assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.JUDGED)
    assert max(event.shares.get(NEW.id, 0) for event in events if isinstance(event, e.Exposed)) == 0


def test_a_group_that_has_it_harder_does_not_count_against_the_new_version_afterwards():
    """Two in a hundred of the pilots' requests fail for reasons of their own: below the limit of 5 %. If they
    were compared with those of the old version, it would be taken back."""
    state, _ = released(planned(PILOT), {"pilot": 2})
    assert state.status is Status.SUCCEEDED


def test_the_second_wave_is_judged_by_its_own_requests():
    waves = Phased(
        waves=[{"name": "office", "who": OFFICE}, {"name": "site", "who": SITE}], hold="5s", keep_warm="0s"
    )
    state, events = released(planned(waves), {"site": 40})
    assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.JUDGED)
    assert groups(events)[-2:] == [{"office": 1_000_000, "site": 1_000_000}, {}]


def test_some_of_a_group_are_compared_with_the_others_of_it():
    how = {"method": "canary", "steps": ["50%"], "hold": "5s"}
    waves = Phased(waves=[{"name": "office", "who": OFFICE, "how": how}], hold="5s", keep_warm="0s")
    state, events = released(planned(waves), {"office": 20})
    assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.JUDGED)
    failed = [event.verdict for event in events if isinstance(event, e.Judged)][-1]
    assert failed.outcome is Outcome.FAIL
    assert failed.requests_old > 0
    assert groups(events)[-2:] == [{"office": 500_000}, {}]

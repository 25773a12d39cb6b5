"""A verdict can be made again from the recording; what was changed since is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import at, make_change, make_history, make_plan, make_snapshot, make_state
from pilotage.core import events as e
from pilotage.core.inputs import Inputs, canonical, nothing_heard
from pilotage.core.judging import Arm, JudgeSettings, Outcome, Snapshot
from pilotage.core.state import State
from pilotage.errors import PilotageError
from pilotage.judge import Judge
from pilotage.manifest.judge_file import load_judge_text
from pilotage.manifest.judge_text import judge_text
from pilotage.testing.store import MemoryStore
from pilotage.usecases.proving import Proof, recorded, verify
from pilotage.usecases.recordings import snapshots, written
from pilotage.usecases.replaying import replay

SETTINGS = JudgeSettings(warm_up=timedelta(seconds=5), latency=False)
BOUNDS = (0.005, 0.05)


def look(second: int) -> Snapshot:
    """The new version fails one in five from second 20 on."""
    bad = max(0, second - 20)
    return Snapshot(
        t=float(second),
        weight=0.1,
        control=Arm(requests=900 * second, errors=2 * second),
        canary=Arm(requests=100 * second, errors=20 * bad),
    )


LOOKS = [look(second) for second in range(1, 41)]


def as_it_was(events: list[e.Event]) -> None:
    """Nothing is forged."""


def told(forge: Callable[[list[e.Event]], None] = as_it_was) -> tuple[MemoryStore, State]:
    """A rollout whose judge heard all looks; every change of its outcome is kept, the last is a failure."""
    store = MemoryStore()
    judging = SETTINGS.model_copy(update={"latency_bounds": BOUNDS})
    judge, inputs, last = Judge(judging), nothing_heard(judging), None
    events: list[e.Event] = list(make_history(1, make_plan(judge=SETTINGS)))
    for number, snapshot in enumerate(LOOKS, start=1):
        asyncio.run(store.record("shop-1", number, snapshot))
        verdict, inputs = judge.feed(snapshot), inputs.and_then(snapshot)
        if verdict.outcome is not last:
            events.append(e.Judged(at=at(number), verdict=verdict, inputs=inputs))
        last = verdict.outcome
    first = nothing_heard(judging).and_then(LOOKS[0])
    events.append(e.StepFinished(at=at(50), index=0, inputs=first))
    assert last is Outcome.FAIL
    forge(events)
    asyncio.run(store.commit(make_change("shop-1", *events)))
    return store, asyncio.run(store.rollout("shop-1"))


def proofs(store: MemoryStore, state: State) -> list[Proof]:
    return [one.proof for one in asyncio.run(verify(store, state))]


def test_what_was_said_is_proven() -> None:
    store, state = told()
    found = asyncio.run(verify(store, state))
    assert [one.proof for one in found[:-1]] == [Proof.SAME] * (len(found) - 1)
    assert len(found) >= 3


def test_a_step_went_on_although_nothing_had_passed() -> None:
    """The last event of the story claims a pass of the first look."""
    assert proofs(*told())[-1] is Proof.OTHER_VERDICT


def test_a_look_that_was_changed_is_seen() -> None:
    store, state = told()
    body = store._snapshots["shop-1"]
    body[2] = body[2].model_copy(update={"weight": 0.11})
    found = proofs(store, state)
    assert found[0] is Proof.SAME, "it was said before"
    assert Proof.OTHER_INPUTS in found


def test_a_verdict_that_was_changed_is_seen() -> None:
    def forge(events: list[e.Event]) -> None:
        said = events[1]
        assert isinstance(said, e.Judged)
        events[2] = events[2].model_copy(update={"verdict": said.verdict})

    assert proofs(*told(forge))[1] is Proof.OTHER_VERDICT


def test_a_recording_that_is_too_short_is_seen() -> None:
    store, state = told()
    for number in range(10, 41):
        del store._snapshots["shop-1"][number]
    assert proofs(store, state)[:2] == [Proof.SAME, Proof.INCOMPLETE]


def test_a_verdict_without_a_digest_is_not_proven() -> None:
    def forge(events: list[e.Event]) -> None:
        events[1] = events[1].model_copy(update={"inputs": None})

    assert proofs(*told(forge))[0] is Proof.NO_DIGEST


def test_the_exported_recording_gives_the_verdicts_that_were_given() -> None:
    store, state = told()
    heard = asyncio.run(recorded(store, state))
    assert heard.settings.latency_bounds == BOUNDS
    lines = [written(snapshot).encode() for snapshot in heard.snapshots]
    exported = load_judge_text(judge_text(heard.settings), "judge.yaml")
    again = [one.verdict for one in replay(snapshots(lines, "x"), exported, whole=True)]
    kept = [event for event in asyncio.run(store.events("shop-1")) if isinstance(event, e.Judged)]
    assert all(again[event.inputs.snapshots - 1] == event.verdict for event in kept if event.inputs)


@pytest.mark.parametrize("judged", [True, False])
def test_nothing_to_export(judged: bool) -> None:
    plan = make_plan(judge=SETTINGS) if judged else make_plan(judge=SETTINGS).model_copy(update={"judge": None})
    state = make_state(events=make_history(1, plan))
    with pytest.raises(PilotageError) as caught:
        asyncio.run(recorded(MemoryStore(), state))
    assert caught.value.problems[0].code == "recording.none"


values: Any = st.one_of(st.none(), st.floats(), st.integers(-5, 10**12))
looks = st.builds(
    Snapshot,
    t=st.floats(),
    weight=st.floats(),
    control=st.none() | st.builds(Arm, requests=values, orders=values),
    canary=st.none() | st.builds(Arm, errors=values, shards=st.none() | st.just((Arm(), Arm(requests=1)))),
    epoch=st.none() | st.text(max_size=3),
    note=st.none() | st.text(max_size=3),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(looks, min_size=1, max_size=4))
def test_the_digest_is_the_same_of_what_was_written_and_read(heard: list[Snapshot]) -> None:
    fresh = kept = nothing_heard(SETTINGS)
    for snapshot in heard:
        (again,) = snapshots([written(snapshot).encode()], "x")
        fresh, kept = fresh.and_then(snapshot), kept.and_then(again)
        kept = Inputs.model_validate_json(kept.model_dump_json())
    assert fresh == kept
    assert fresh.snapshots == len(heard)


def test_every_part_of_the_inputs_is_in_the_digest() -> None:
    one, two = make_snapshot(1), make_snapshot(2)
    other = nothing_heard(SETTINGS.model_copy(update={"latency_bounds": BOUNDS}))
    begun = nothing_heard(SETTINGS)
    digests = {
        inputs.digest
        for inputs in (
            begun,
            other,
            begun.and_then(one),
            other.and_then(one),
            begun.and_then(two),
            begun.and_then(one).and_then(two),
            begun.and_then(two).and_then(one),
        )
    }
    assert len(digests) == 7
    assert canonical(Snapshot(t=1, weight=0, control=None, canary=Arm(orders=2))) == (
        '{"canary":{"orders":2},"t":1.0,"weight":0.0}'
    )

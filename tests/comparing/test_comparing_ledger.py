"""Noise is learnt, real differences are found, memory has an end, and nothing of an answer is kept."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotage.comparing.answers import Answer
from pilotage.comparing.evidence import more_than
from pilotage.comparing.ledger import ENDPOINTS, PLACES, Ledger
from pilotage.comparing.reconciling import FALSE_ALARM, reconcile
from pilotage.core.comparing import CompareSettings, Examples, Finding, Trait
from pilotage.core.judging import Outcome

AT = datetime(2026, 1, 1, tzinfo=UTC)


def answer(body: object, status: int = 200, seconds: float = 0.01) -> Answer:
    return Answer(status, (("Content-Type", "application/json"),), json.dumps(body).encode(), seconds)


def report(ledger: Ledger, most: float = 0.001):
    return reconcile(ledger, most, AT, AT)


def feed(ledger: Ledger, old, new, times: int, target: str = "/orders/7") -> Ledger:
    """``old`` and ``new`` make a body each time."""
    for _ in range(times):
        ledger.compare("GET", target, answer(old()), answer(old()), answer(new()))
    return ledger


def noisy(chance: random.Random, **more: object):
    return lambda: {"id": chance.getrandbits(64), "at": chance.random(), "total": 5, **more}


def test_equal_versions_with_noise_reconcile():
    body = noisy(random.Random(1))
    told = report(feed(Ledger(CompareSettings()), body, body, 4_000))
    assert told.outcome is Outcome.PASS
    assert {row.place: row.finding for row in told.differences} == {
        "$.id": Finding.NOISE, "$.at": Finding.NOISE
    }  # fmt: skip
    assert (told.compared, told.equal, told.noisy) == (4_000, 4_000, 4_000)
    assert told.at_most is not None
    assert told.at_most < 0.001


def test_a_wrong_field_is_found_in_spite_of_noise_and_named():
    chance = random.Random(2)
    told = report(feed(Ledger(CompareSettings()), noisy(chance), noisy(chance, total="5"), 40))
    assert told.outcome is Outcome.FAIL
    assert told.why == ("GET /orders/*: $.total has another type in 40 answers (the old version by itself: 0)",)
    assert told.differences[0].examples == ("number → text of 1",)


def test_a_rare_wrong_field_is_found_in_a_noisy_place():
    """The place differs between old and old in a tenth of the answers, and in a fifth with the new one."""
    chance = random.Random(3)
    told = report(
        feed(
            Ledger(CompareSettings()),
            lambda: {"n": int(chance.random() < 0.05)},
            lambda: {"n": int(chance.random() < 0.25)},
            3_000,
        )
    )
    assert told.outcome is Outcome.FAIL


def test_too_little_is_undecided_and_says_what_is_missing():
    told = report(feed(Ledger(CompareSettings()), lambda: {"a": 1}, lambda: {"a": 1}, 100))
    assert told.outcome is Outcome.UNDECIDED
    assert told.missing == "about 3 448 more compared requests without a difference"


def test_nothing_compared_is_no_pass():
    ledger = Ledger(CompareSettings())
    for _ in range(10_000):
        ledger.copy()
        ledger.leave_out("no room in the queue")
    told = report(ledger)
    assert told.outcome is Outcome.UNDECIDED
    assert (told.compared, told.equal, told.left_out) == (0, 0, {"no room in the queue": 10_000})


def test_false_alarms_are_as_rare_as_promised():
    """Parallel runs of versions that are alike, looked at after every answer."""
    alarms = 0
    for seed in range(100):
        chance = random.Random(seed)
        rate = chance.choice([0.01, 0.1, 0.5])
        ledger = Ledger(CompareSettings(ignore=("time",)))
        for _ in range(100):
            body = [{"n": int(chance.random() < rate), "m": chance.random() < rate} for _ in range(3)]
            ledger.compare("GET", "/", *map(answer, body))
            counts = ledger.counts
            pairs = (tally.pairs(counts.compared_at(site)) for site, tally in counts.tallies.items())
            if any(more_than(one, 0.0) >= log((PLACES + 1) / FALSE_ALARM) for one in pairs):
                alarms += 1
                break
    assert alarms <= 2


def test_a_new_version_that_does_not_answer_is_wrong():
    ledger = Ledger(CompareSettings())
    for _ in range(40):
        ledger.compare("GET", "/a", answer(1), answer(1), None)
    assert report(ledger).differences[0].trait is Trait.UNANSWERED
    assert report(ledger).outcome is Outcome.FAIL


def test_slower_answers_are_wrong_only_when_there_are_many():
    ledger = Ledger(CompareSettings())
    for number in range(400):
        new = answer(1, seconds=5 if number % 50 == 0 else 0.01)
        ledger.compare("GET", "/a", answer(1), answer(1), new)
    assert report(ledger).outcome is not Outcome.FAIL
    for _ in range(200):
        ledger.compare("GET", "/a", answer(1), answer(1), answer(1, seconds=5))
    assert report(ledger).why == ("GET /a: slower in 208 answers (the old version by itself: 0)",)


@given(st.integers(0, 2**32))
@settings(max_examples=15)
def test_memory_has_an_end(seed):
    chance = random.Random(seed)
    ledger = Ledger(CompareSettings())
    for number in range(12):
        old, new = ({f"k{chance.randrange(10**6)}x": 1 for _ in range(60)} for _ in range(2))
        ledger.compare("GET", f"/word{'abc'[number % 3]}", answer(old), answer(old), answer(new))
    assert len(ledger.counts.tallies) <= PLACES + 1
    for number in range(3 * ENDPOINTS):
        ledger.compare("GET", f"/{chr(97 + number % 26)}{chr(97 + number // 26)}", *[answer(1)] * 3)
    assert len(ledger.counts.endpoints) <= ENDPOINTS + 1


def test_differences_without_room_are_wrong_together():
    ledger = Ledger(CompareSettings())
    chance = random.Random(5)
    for _ in range(60):
        new = {f"word{''.join(chance.choices('abcdef', k=5))}": 1 for _ in range(20)}
        ledger.compare("GET", "/", answer({}), answer({}), answer(new))
    told = report(ledger)
    assert told.outcome is Outcome.FAIL
    assert any(row.place == "(elsewhere)" and row.finding is Finding.WRONG for row in told.differences)


@pytest.mark.parametrize("keep", [Examples.NONE, Examples.SHAPES])
def test_nothing_that_was_answered_or_asked_is_kept(keep):
    ledger = Ledger(CompareSettings(examples=keep))
    secret = "hunter2-hunter2"
    headers = (("Set-Cookie", secret), ("Content-Type", "application/json"))
    for _ in range(30):
        old = answer({"password": "x" + secret, "list": [secret]})
        new = Answer(200, headers, json.dumps({"password": secret, "list": []}).encode(), 0.01)
        ledger.compare("GET", f"/reset/{secret}?token={secret}", old, old, new)
    kept = json.dumps(ledger.dump()) + report(ledger).model_dump_json()
    assert "password" in kept
    assert "hunter2" not in kept


def test_values_are_kept_when_asked_for():
    ledger = feed(Ledger(CompareSettings(examples=Examples.VALUES)), lambda: {"a": 1}, lambda: {"a": 2}, 3)
    assert report(ledger).differences[0].examples == ("1 → 2",)


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 30))
def test_a_ledger_that_was_dumped_goes_on_as_if_it_was_not(seed, before, after):
    def fed(ledger: Ledger, chance: random.Random, times: int) -> Ledger:
        return feed(ledger, noisy(chance), noisy(chance, total=chance.choice([5, 6])), times)

    settings = CompareSettings()
    chance, same = random.Random(seed), random.Random(seed)
    whole = fed(fed(Ledger(settings), chance, before), chance, after)
    dumped = json.loads(json.dumps(fed(Ledger(settings), same, before).dump()))
    assert report(fed(Ledger.load(settings, dumped), same, after)) == report(whole)


def test_the_same_report_has_the_same_digest():
    ledger = feed(Ledger(CompareSettings()), lambda: {"a": 1}, lambda: {"a": 1}, 5)
    assert report(ledger).digest == report(ledger).digest
    before = report(ledger).digest
    feed(ledger, lambda: {"a": 1}, lambda: {"a": 1}, 1)
    assert report(ledger).digest != before

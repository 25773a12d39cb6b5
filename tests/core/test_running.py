"""Scripts about hooks: begun once, recorded before that, never done twice, and who is asked in doubt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playbook import FAIL, NEW, OLD, Story, plan

from pilotage.core import events as e
from pilotage.core.hooks import Outcome, Program
from pilotage.core.state import Status, fold, run_key
from pilotage.core.steps import Check, Hook
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.strategies.hooks import Moment, command, woven
from pilotage.strategies.rolling import Rolling

METHODS = [
    Canary(steps=("10%", "50%"), hold="2s", keep_warm="5s"),
    BlueGreen(bake="2s", keep_warm="5s"),
    Rolling(batch=1, hold="1s"),
    BigBang(),
]
CHECKS = (Check(name="front page", path="/"),)


def program(*words: str) -> Program:
    return Program(commands=(words,), folder="/srv/shop")


def story(*moments: Moment, method=METHODS[0], first: bool = False, **fields) -> Story:
    """One hook at each of these moments, named like it."""
    undo = fields.pop("undo", program("undo"))
    placed = [command(m.value, m, program("run", m.value), undo=undo, **fields) for m in moments]
    return Story(woven(plan(method, checks=CHECKS, first=first), placed))


def begun(told: Story, name: str) -> Story:
    while run_key(name, 1) not in told.did:
        told.step(0.5)
    return told


def titles(story: Story) -> list[str]:
    return [s.kind if not isinstance(s, Hook) else s.name for s in story.plan.steps]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_every_hook_is_run_once_at_its_moment(method):
    told = story(*Moment, method=method)
    told.run()
    assert told.did == [run_key(moment.value, 1) for moment in Moment]
    order = titles(told)
    assert order.index("before-start") < order.index("scale") or method.method == "big-bang"
    assert order.index("before-start") < order.index("before-users") < order.index("before-promotion")
    assert order.index("before-promotion") + 1 == order.index("promote") == order.index("after-promotion") - 1
    assert order[-1] == "at-the-end"
    assert told.state.status is Status.SUCCEEDED


def test_a_first_release_runs_them_all_too():
    told = story(*Moment, first=True).run()
    assert len(told.did) == len(Moment)
    assert told.state.status is Status.SUCCEEDED


def test_the_intent_is_in_the_history_before_it_is_done():
    told = story(Moment.BEFORE_USERS)
    told.run(until="hook-ended")
    kinds = [(x.kind, getattr(x, "key", "")) for x in told.history]
    key = run_key("before-users", 1)
    assert kinds.index(("intended", key)) < kinds.index(("done", key)) < kinds.index(("hook-ended", ""))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_what_was_begun_is_taken_back_last_one_first_and_nothing_else(method):
    told = story(*Moment, method=method)
    told.codes["before-promotion"] = 1
    told.run()
    assert told.state.status is Status.ROLLED_BACK
    assert told.did == [
        *(run_key(name, 1) for name in ("before-start", "before-users", "before-promotion")),
        *(run_key(f"undo {name}", 1) for name in ("before-promotion", "before-users", "before-start")),
    ]
    assert told.routing.share(OLD.id) == 1_000_000


def test_the_old_version_serves_before_anything_is_taken_back():
    told = story(Moment.BEFORE_USERS)
    told.run(until="exposed").wait(1)
    told.verdict = FAIL
    while "undo before-users" not in str(told.did):
        told.step(0.5)
    assert told.routing.share(OLD.id) == 1_000_000
    assert not any(i.release == NEW.id for i in told.instances.values())


def test_unknown_holds_and_a_person_says():
    told = story(Moment.BEFORE_USERS)
    told.stuck.add("before-users")
    begun(told, "before-users").wait(60)
    told.lose("before-users")
    told.wait(120)
    assert told.state.attempt("before-users").outcome is Outcome.UNKNOWN
    assert told.state.problem.code == "hook.unknown"
    assert told.did == [run_key("before-users", 1)]
    told.send(e.Order.HOOK_DONE)
    told.run()
    assert told.state.status is Status.SUCCEEDED
    assert told.did == [run_key("before-users", 1)]


def test_a_person_may_have_it_run_again():
    told = story(Moment.BEFORE_USERS)
    told.stuck.add("before-users")
    begun(told, "before-users").wait(30)
    told.lose("before-users")
    told.wait(5)
    told.stuck.clear()
    told.send(e.Order.HOOK_AGAIN)
    told.run()
    assert told.did == [run_key("before-users", 1), run_key("before-users", 2)]
    assert told.state.status is Status.SUCCEEDED


@pytest.mark.parametrize("order", [e.Order.HOOK_DONE, e.Order.HOOK_AGAIN])
def test_nothing_is_settled_while_it_is_known(order):
    told = story(Moment.BEFORE_USERS)
    told.stuck.add("before-users")
    begun(told, "before-users").wait(20)
    told.send(order)
    told.run(until="refused")
    assert told.state.attempt("before-users").outcome is None


@pytest.mark.parametrize(("answer", "runs"), [(True, 1), (False, 2)])
def test_its_own_check_is_asked_first(answer, runs):
    told = story(Moment.BEFORE_USERS, check=program("is-it-done"))
    told.stuck.add("before-users")
    begun(told, "before-users").wait(20)
    told.lose("before-users")
    told.checked["before-users"] = answer
    told.stuck.clear()
    told.run()
    assert len(told.did) == runs
    assert told.state.status is Status.SUCCEEDED


def test_what_can_be_repeated_is_repeated():
    told = story(Moment.BEFORE_USERS, repeatable=True)
    told.stuck.add("before-users")
    begun(told, "before-users").wait(20)
    told.lose("before-users")
    told.stuck.clear()
    told.run()
    assert len(told.did) == 2


def test_so_many_attempts_and_then_it_goes_back():
    told = story(Moment.BEFORE_USERS, repeatable=True, attempts=3, undo=None)
    told.codes["before-users"] = 7
    told.run()
    assert told.did == [run_key("before-users", n) for n in (1, 2, 3)]
    assert told.state.status is Status.ROLLED_BACK
    assert "exit code 7" in " ".join(told.state.why)


def test_another_runner_does_not_begin_what_may_have_been_begun():
    """A worker on another machine has another memory, in which nothing was ever begun."""
    told = story(Moment.BEFORE_USERS)
    told.stuck.add("before-users")
    begun(told, "before-users")
    told.place, told.memory = "there", {}
    told.wait(60)
    assert told.did == [run_key("before-users", 1)]
    assert told.state.attempt("before-users").outcome is Outcome.UNKNOWN


def test_a_memory_that_was_lost_is_not_taken_for_nothing_done():
    told = story(Moment.BEFORE_USERS)
    told.stuck.add("before-users")
    begun(told, "before-users").wait(5)
    told.memory = {}
    told.wait(60)
    assert told.did == [run_key("before-users", 1)]
    assert told.state.attempt("before-users").outcome is Outcome.UNKNOWN


def test_a_way_back_is_not_held_by_what_nobody_knows():
    told = story(Moment.BEFORE_USERS)
    told.stuck.add("before-users")
    begun(told, "before-users").wait(20)
    told.lose("before-users")
    told.wait(10)
    told.send(e.Order.ROLLBACK)
    told.run()
    assert told.state.status is Status.ROLLED_BACK
    assert told.did == [run_key("before-users", 1), run_key("undo before-users", 1)]


def test_a_hook_that_still_runs_is_awaited_before_it_is_taken_back():
    told = story(Moment.BEFORE_PROMOTION)
    told.stuck.add("before-promotion")
    while run_key("before-promotion", 1) not in told.did:
        told.step(0.5)
    told.send(e.Order.ROLLBACK)
    told.wait(60)
    assert told.routing.share(OLD.id) == 1_000_000, "the traffic does not wait for it"
    assert told.did == [run_key("before-promotion", 1)]
    told.stuck.clear()
    told.run()
    assert told.did == [run_key("before-promotion", 1), run_key("undo before-promotion", 1)]


def test_after_the_promotion_a_failure_waits_for_a_person():
    told = story(Moment.AT_THE_END)
    told.codes["at-the-end"] = 1
    told.run(until="problem-raised").wait(60)
    assert told.state.status is Status.RUNNING
    assert told.state.problem.code == "hook.failed"
    told.codes.clear()
    told.send(e.Order.HOOK_AGAIN)
    told.run()
    assert told.state.status is Status.SUCCEEDED


def test_an_approval_is_given_for_it_alone():
    told = story(Moment.AT_THE_END, approval=True)
    told.run(until="exposed")
    told.send(e.Order.PROMOTE_FULL)
    told.wait(600)
    assert told.did == []
    assert told.state.warm, "another release may take its place"
    told.send(e.Order.PROMOTE)
    told.run()
    assert told.did == [run_key("at-the-end", 1)]


def test_a_pause_lets_nothing_begin():
    told = story(Moment.BEFORE_START)
    told.send(e.Order.PAUSE)
    told.wait(60)
    assert told.did == []
    told.send(e.Order.RESUME)
    told.run()
    assert told.did == [run_key("before-start", 1)]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.lists(st.integers(0, 9), min_size=40, max_size=160),
    method=st.sampled_from(METHODS),
    moments=st.sets(st.sampled_from(list(Moment)), min_size=1),
    repeatable=st.booleans(),
)
def test_whatever_happens_no_attempt_is_run_twice_and_doubt_never_runs_anything(
    seed, method, moments, repeatable
):
    """The playbook refuses a key that is run twice. A new attempt has a reason that is written down."""
    told = story(*sorted(moments), method=method, repeatable=repeatable)
    names = [moment.value for moment in moments]
    for number in seed:
        match number:
            case 0 if told.did:
                told.lose(told.did[-1].split(":")[1])
            case 1:
                told.stuck ^= {names[len(told.history) % len(names)]}
            case 2:
                told.codes[names[len(told.history) % len(names)]] = 1
            case 3:
                told.place = "there" if told.place == "here" else "here"
            case 4:
                told.send(e.Order.HOOK_AGAIN)
            case 5:
                told.send(e.Order.HOOK_DONE)
            case 6 if len(told.history) % 3 == 0:
                told.send(e.Order.ROLLBACK)
            case _:
                pass
        told.step(1.0)
        if told.state.status.final:
            break
    assert fold(told.state.id, told.history) == told.state
    for key in told.did:
        name, attempt = key.split(":")[1:]
        again = [x for x in told.history if isinstance(x, e.HookAgain) and x.hook == name]
        assert attempt == "1" or any(x.attempt == int(attempt) for x in again)
    for again in (x for x in told.history if isinstance(x, e.HookAgain) and x.by == e.PILOTAGE):
        assert repeatable or again.hook.startswith("undo")

"""Scripts about parallel runs: copies, the gate, the signature, and every way it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook import EQUAL, NEW, OLD, Story, compared, plan

from pilotage.core import events as e
from pilotage.core.fleet import Phase
from pilotage.core.judging import Outcome
from pilotage.core.plan import Plan
from pilotage.core.routing import Mirroring, Routing
from pilotage.core.state import Status
from pilotage.strategies.parallel_run import ParallelRun

DIFFERENT = compared(Outcome.FAIL, 40, "GET /orders/*: $.total has another type")
TOO_FEW = compared(Outcome.UNDECIDED, 40)


def run(**settings) -> ParallelRun:
    return ParallelRun.model_validate({"at_least": "10s", **settings})


def mirroring(**settings) -> Story:
    """A parallel run whose copies are being made."""
    story = Story(plan(run(**settings)))
    while story.routing.mirror is None:
        story.step()
    return story


def sign(story: Story, digest: str | None = None) -> None:
    story.send(e.Order.SIGN_OFF, reason=f"{digest or story.state.reconciled.digest} read with the bookkeepers")


def test_equal_answers_and_a_signature_cut_over():
    story = mirroring()
    began = story.now
    story.run("reconciled")
    assert story.now - began >= timedelta(seconds=10)
    assert story.state.exposed_at is None
    story.wait(3600, tick=30)
    assert story.state.step.kind == "mirror", "nobody has signed it off"
    sign(story)
    story.run()
    [signed] = story.of("signed-off")
    assert (signed.by, signed.digest, signed.reason) == ("ada", EQUAL.digest, "read with the bookkeepers")
    assert story.state.status is Status.SUCCEEDED
    assert story.shares() == [0, 1_000_000]
    assert story.routing.mirror is None


def test_without_a_signature_asked_for_the_figures_decide():
    story = mirroring(sign_off=False).run()
    assert story.state.status is Status.SUCCEEDED
    assert story.kinds().count("reconciled") == 1
    assert "signed-off" not in story.kinds()


def test_answers_that_differ_take_back_before_any_user():
    story = mirroring()
    story.compared = DIFFERENT
    story.run()
    [turned] = story.of("turned-back")
    assert (turned.cause, turned.why) == (e.Cause.DIFFERENT, DIFFERENT.why)
    assert story.shares() == [0]
    assert story.routing.revision == story.before.revision


def test_answers_that_differ_can_be_read_and_signed_off_when_the_plan_says_so():
    story = mirroring(differing="hold")
    story.compared = DIFFERENT
    story.wait(60)
    assert story.state.problem.code == "rollout.to-be-read"
    sign(story)
    assert story.run().state.status is Status.SUCCEEDED


def test_what_differs_after_it_was_reconciled_still_takes_back():
    story = mirroring().run("reconciled")
    story.compared = DIFFERENT
    story.run()
    assert story.state.cause is e.Cause.DIFFERENT


@pytest.mark.parametrize("undecided", ["hold", "rollback"])
def test_too_little_in_time(undecided):
    story = mirroring(at_most="60s", undecided=undecided)
    story.compared = TOO_FEW
    story.wait(120)
    if undecided == "rollback":
        assert story.run().state.cause is e.Cause.UNDECIDED
        return
    assert story.state.problem.code == "rollout.to-be-read"
    sign(story)
    assert story.run().state.status is Status.SUCCEEDED


def test_nothing_compared_holds_for_ever_and_says_so():
    story = mirroring()
    story.compared = None
    story.wait(7200, tick=30)
    assert story.state.step.kind == "mirror"
    assert story.state.problem.code == "rollout.not-compared"


def test_fewer_than_asked_for_hold():
    story = mirroring(requests=9_999).wait(600, tick=5)
    assert "reconciled" not in story.kinds()


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, TOO_FEW.digest, ""])
def test_only_the_recorded_report_can_be_signed(digest):
    story = mirroring().run("reconciled")
    story.send(e.Order.SIGN_OFF, reason=digest)
    story.wait(5)
    assert story.of("refused")
    assert story.state.signed_off is None


def test_a_report_that_is_not_final_can_not_be_signed():
    story = mirroring()
    sign(story, EQUAL.digest)
    story.step()
    assert "no final report yet" in story.of("refused")[0].problem.what


@pytest.mark.parametrize("order", [e.Order.PROMOTE, e.Order.PROMOTE_FULL])
def test_nobody_can_go_on_past_a_report_unread(order):
    story = mirroring()
    story.send(order)
    story.wait(60)
    assert story.of("refused")
    assert story.state.step.kind == "mirror"


def test_one_yes_to_everything_before_does_not_sign():
    story = Story(plan(run()))
    story.send(e.Order.PROMOTE_FULL)
    story.run("reconciled").wait(60)
    assert story.state.step.kind == "mirror"


def test_copies_go_on_while_an_instance_is_ill():
    """It is the comparison that tells: no answer is a difference, and time does not turn it back."""
    story = mirroring()
    story.compared = TOO_FEW
    story.wait(300)
    story.set_phase(NEW.id, Phase.CRASHED, restarts=1)
    story.wait(5)
    assert story.state.status is Status.RUNNING
    assert story.routing.mirror is not None


def test_isolated_copies_are_asked_and_gone_before_the_cut_over():
    isolated = {"writes": "isolated", "isolated": {"environment": {"DATA": "/tmp/{copy}"}}, "sign_off": False}
    story = mirroring(**isolated)
    mirror = story.routing.mirror
    copies = {copy.id: copy for copy in story.plan.copies}
    assert mirror.writes
    assert set(mirror.releases) == copies.keys()
    assert {copy.run.environment["DATA"] for copy in copies.values()} == {"/tmp/old", "/tmp/again", "/tmp/new"}
    assert (OLD.id in copies, NEW.id in copies) == (False, False)
    story.run("promoted")
    assert {i.release for i in story.instances.values()} == {OLD.id, NEW.id}
    assert story.run().state.status is Status.SUCCEEDED


@given(st.sampled_from(["blue-green", "canary", "rolling", "big-bang"]), st.booleans())
def test_any_method_may_follow(method, isolated):
    settings = {"isolated": {"environment": {"DATA": "{copy}"}}, "writes": "isolated"} if isolated else {}
    story = Story(plan(run(then=method, sign_off=False, **settings))).run()
    assert story.state.status is Status.SUCCEEDED
    assert {i.release for i in story.instances.values()} == {NEW.id}


def test_a_plan_is_the_same_after_it_was_kept():
    made = plan(run(compare={"slower": {"most": "1%"}, "numbers": {"$.a": "1%"}, "times": {"$.at": "5s"}}))
    assert Plan.model_validate_json(made.model_dump_json()).digest == made.digest


def test_a_routing_without_copies_is_what_it_was_before_there_were_any():
    story = mirroring()
    assert "mirror" not in story.before.model_dump()
    assert Routing.model_validate_json(story.routing.model_dump_json()).revision == story.routing.revision


def test_no_routing_shows_users_what_is_compared():
    story = mirroring()
    seen = story.routing.model_dump() | {"splits": [{"release": NEW.id, "share": 1_000_000}]}
    with pytest.raises(ValueError, match="serves users and is compared"):
        Routing.model_validate(seen)
    assert Mirroring.model_validate(story.routing.mirror.model_dump()) == story.routing.mirror


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"writes": "isolated"}, "writes would be made three times"),
        (
            {"writes": "isolated", "isolated": {"environment": {"A": "same"}}},
            "writes would be made three times",
        ),
        ({"isolated": {"environment": {"A": "{copy}"}}}, "isolated copies are only made"),
        ({"at_most": "1s"}, "at_most is shorter than at_least"),
        ({"then": "parallel-run"}, "no method that may follow"),
        ({"compare": {"ignore": ["total"]}}, "not a place"),
    ],
)
def test_what_can_not_be_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        run(**settings)

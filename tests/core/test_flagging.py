"""Scripts about a feature: it comes after its version, widens by verdict only, and goes at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playbook import FAIL, NEW, OLD, Story, plan

from pilotage.core import events as e
from pilotage.core.environment import Environment, follow
from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.core.fleet import Phase
from pilotage.core.plan import Plan
from pilotage.core.state import Status
from pilotage.flags import flagd
from pilotage.strategies.feature_flag import FeatureFlag
from pilotage.strategies.method import Context
from pilotage.strategies.rolling import Rolling

KEY = "new-checkout"
THEIRS = {"state": "DISABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}


def method(**settings) -> FeatureFlag:
    return FeatureFlag(**{"flag": KEY, "hold": "10s", **settings})


def shares(story: Story) -> list[int]:
    return [event.share for event in story.of("ramped")]


def ramped(share: int = 100_000, **settings) -> Story:
    """A story in which so many users have the feature, confirmed."""
    story = Story(plan(method(**settings)))
    while share not in shares(story):
        story.step()
    return story


def held(story: Story) -> FlagRule | None:
    return flagd.read(KEY, story.flags.get(KEY))


def test_the_version_comes_dark_and_the_feature_step_by_step():
    story = Story(plan(method())).run()
    assert story.state.status is Status.SUCCEEDED
    assert shares(story) == [0, 100_000, 500_000, 1_000_000]
    kinds = story.kinds()
    first = next(number for number, one in enumerate(story.history) if getattr(one, "share", 0))
    assert kinds.index("promoted") < first
    assert {i.release for i in story.instances.values()} == {NEW.id}
    assert [event.first for event in story.of("ramped")] == [False, True, False, False]
    assert held(story) == FlagRule(key=KEY, share=1_000_000)


def test_a_bad_feature_is_off_in_the_pass_of_the_verdict_and_its_version_stays():
    story = ramped(500_000)
    story.verdict = FAIL
    story.step()
    assert held(story).nobody
    story.run()
    assert (story.state.status, story.state.cause) == (Status.ROLLED_BACK, e.Cause.JUDGED)
    assert story.state.stays
    assert story.routing.share(NEW.id) == 1_000_000
    assert {i.release for i in story.instances.values()} == {NEW.id}
    assert shares(story)[-1] == 0


def test_with_takes_back_version_the_old_version_comes_back_after_the_feature_is_off():
    story = ramped(takes_back="version")
    story.verdict = FAIL
    story.run()
    assert not story.state.stays
    assert {i.release for i in story.instances.values()} == {OLD.id}
    assert story.routing.revision == story.before.revision
    assert story.flags == {}


@pytest.mark.parametrize(
    ("order", "left"), [(e.Order.ABORT, NEW), (e.Order.ROLLBACK, OLD), (e.Order.SUPERSEDE, NEW)]
)
def test_abort_takes_the_feature_back_and_rollback_the_version_too(order, left):
    story = ramped()
    story.send(order)
    story.step()
    assert held(story).nobody
    story.run()
    assert story.state.status is Status.ROLLED_BACK
    assert {i.release for i in story.instances.values()} == {left.id}


def test_before_its_version_is_live_everything_goes_back():
    story = Story(plan(method())).run("exposed")
    story.send(e.Order.ABORT)
    story.run()
    assert {i.release for i in story.instances.values()} == {OLD.id}
    assert story.flags == {}
    assert set(shares(story)) == {0}


def test_a_version_that_dies_is_taken_back_whole():
    story = ramped()
    story.sick.add(NEW.id)
    story.set_phase(NEW.id, Phase.UNHEALTHY)
    story.run()
    assert story.state.cause is e.Cause.UNHEALTHY
    assert held(story) is None
    assert {i.release for i in story.instances.values()} == {OLD.id}


def test_a_feature_is_not_widened_while_its_version_is_down():
    story = ramped()
    story.set_phase(NEW.id, Phase.UNHEALTHY)
    story.wait(9)
    assert shares(story)[-1] == 100_000


def test_missing_telemetry_widens_nothing():
    story = ramped()
    story.verdict = None
    story.wait(3600, tick=5)
    assert shares(story)[-1] == 100_000
    assert story.state.status is Status.RUNNING


def test_a_flag_that_another_hand_turns_off_stays_off():
    story = ramped()
    story.flags[KEY] = THEIRS
    story.run()
    assert story.state.status is Status.ROLLED_BACK
    assert "another hand" in story.state.why[0]
    assert held(story).nobody


def test_a_flag_that_another_hand_widens_is_mended():
    story = ramped()
    story.flags[KEY] = flagd.compiled(FlagRule(key=KEY, share=1_000_000))
    story.step()
    assert held(story).share == 100_000
    assert len(story.of("flag-drifted")) == 1
    assert story.run().state.status is Status.SUCCEEDED


def test_a_late_effect_of_ours_is_no_other_hand():
    story = ramped(500_000)
    story.flags[KEY] = flagd.compiled(FlagRule(key=KEY))
    story.step()
    assert held(story).share == 500_000
    assert not story.state.back


def test_flags_that_are_away_hold_and_then_take_it_back():
    story = Story(plan(method()))
    story.flags_away = True
    story.run("turned-back")
    assert story.state.cause is e.Cause.FAILED
    assert OLD.id in {i.release for i in story.instances.values()}


def test_flags_that_are_away_do_not_keep_users_from_the_old_version():
    """Guarantee 10: everything else goes back, and the flag as soon as it can be reached."""
    story = ramped()
    story.flags_away = True
    story.send(e.Order.ROLLBACK)
    story.wait(180)
    assert {i.release for i in story.instances.values()} == {OLD.id}
    assert story.state.problem is not None
    story.flags_away = False
    story.run()
    assert story.state.status is Status.ROLLED_BACK
    assert story.flags == {}


def test_what_was_there_before_is_there_again():
    made = plan(method(takes_back="version"))
    before = flagd.seen(KEY, THEIRS)
    made = method(takes_back="version").compile(_context(made, before))
    story = Story(made)
    story.flags[KEY] = THEIRS
    story.run("exposed")
    assert held(story) == FlagRule(key=KEY)
    story.send(e.Order.ABORT)
    story.run()
    assert story.flags[KEY] == THEIRS


def test_a_first_release_can_have_a_feature():
    story = Story(plan(method(), first=True)).run()
    assert story.state.status is Status.SUCCEEDED
    bad = Story(plan(method(), first=True))
    while 100_000 not in shares(bad):
        bad.step()
    bad.verdict = FAIL
    bad.run()
    assert bad.state.stays
    assert held(bad).nobody


def test_an_ended_feature_does_not_count_as_warm():
    """Retiring the old version comes before the feature: nobody may take the rollout over then."""
    story = Story(plan(method()))
    while not story.state.status.final:
        story.step()
        assert not story.state.warm


def test_a_plan_without_a_feature_reads_and_digests_as_before():
    made = plan(FeatureFlag(flag=KEY))
    assert Plan.model_validate_json(made.model_dump_json()).digest == made.digest
    plain = plan(Rolling()).model_dump(mode="json")
    assert not {"dark", "flags"} & plain.keys()
    assert "flag" not in plain["basis"]


def _context(made: Plan, before: FlagSeen):
    return Context(
        environment=made.environment,
        new=made.new,
        instances=made.instances,
        basis=made.basis.model_copy(update={"flag": before}),
        target=made.target,
        router=made.router,
        flags=made.flags,
        checks=(),
    )


def test_the_first_ones_have_it_from_the_first_share_on():
    made = plan(method(first=[{"attribute": "team", "equals": "shop"}]))
    rules = [step.flag for step in made.steps if step.kind == "flag"]
    assert [len(rule.segments) for rule in rules] == [0, 1, 1, 1]
    assert rules[0].nobody
    assert made.steps[0].flag == rules[0]
    assert timedelta(seconds=10) in {step.at_least for step in made.steps if step.kind == "judge"}


def test_a_first_release_that_is_taken_back_whole_leaves_nothing_live():
    made = plan(method(), first=True)
    story = Story(made)
    while 100_000 not in shares(story):
        story.step()
    story.send(e.Order.ROLLBACK)
    story.run()
    known = follow(Environment(service="shop", name="prod"), story.state.id, made, story.history)
    assert known.live is None
    assert known.holder is None
    assert not [i for i in story.instances.values() if i.exists]


def test_a_first_release_whose_feature_alone_is_taken_back_stays_live():
    made = plan(method(), first=True)
    story = Story(made)
    while 100_000 not in shares(story):
        story.step()
    story.send(e.Order.ABORT)
    story.run()
    known = follow(Environment(service="shop", name="prod"), story.state.id, made, story.history)
    assert known.live.release == NEW

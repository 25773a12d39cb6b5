"""Who has a flag: properties of the evaluation, and the compiled definition, read back and as flagd's client
has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotage.core.flags import FlagRule, Segment
from pilotage.core.values import EVERYBODY
from pilotage.flags import flagd
from pilotage.flags.evaluation import place, variant
from pilotage.flags.murmur import murmur3

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.sampled_from(["team", "email", "plan-2", "_x"])
VALUES = st.sampled_from(["red", "blue", "ada@example.org", "", "ré"])
SEGMENTS = st.one_of(
    st.builds(Segment, attribute=NAMES, equals=VALUES),
    st.builds(Segment, attribute=NAMES, one_of=st.lists(VALUES, min_size=1, max_size=3).map(tuple)),
    st.builds(Segment, attribute=NAMES, starts_with=st.sampled_from(["r", "ada", "é"])),
)
SHARES = st.one_of(st.sampled_from([0, 1, EVERYBODY - 1, EVERYBODY]), st.integers(0, EVERYBODY))
KINDS = st.sampled_from(
    [{"on": True, "off": False}, {"on": "new", "off": "old", "b": "other"}, {"on": 2, "off": 1}]
)
RULES = st.builds(
    FlagRule,
    key=st.sampled_from(["new-checkout", "a", "x.y_z"]),
    variants=KINDS,
    segments=st.lists(SEGMENTS, max_size=3).map(tuple),
    share=SHARES,
    killed=st.booleans(),
)
USERS = st.one_of(st.none(), TEXTS, st.sampled_from(["ada", "x" * 23, "x" * 24, "ü" * 200, "x" * 70_000]))
ATTRIBUTES = st.dictionaries(NAMES, st.one_of(VALUES, st.integers(), st.booleans()), max_size=3)


@pytest.mark.parametrize(
    ("data", "seed", "hashed"),
    [  # of SMHasher's own and of Wikipedia's table, "MurmurHash", Algorithm
        (b"", 0, 0x00000000),
        (b"", 1, 0x514E28B7),
        (b"", 0xFFFFFFFF, 0x81F16F39),
        (b"test", 0, 0xBA6BD213),
        (b"test", 0x9747B28C, 0x704B81DC),
        (b"Hello, world!", 0, 0xC0363E43),
        (b"The quick brown fox jumps over the lazy dog", 0x9747B28C, 0x2FA826CD),
    ],
)
def test_the_hash_is_murmurhash3(data, seed, hashed):
    assert murmur3(data, seed) == hashed


@given(rule=RULES, more=SHARES, user=USERS, attributes=ATTRIBUTES)
def test_a_growing_share_takes_the_feature_from_nobody(rule, more, user, attributes):
    wider = FlagRule.model_validate({**rule.model_dump(), "share": max(rule.share, more)})
    if variant(rule, user, attributes) == rule.on:
        assert variant(wider, user, attributes) == rule.on


@given(rule=RULES, user=USERS, attributes=ATTRIBUTES)
def test_what_is_killed_is_on_for_nobody_and_everybody_is_everybody(rule, user, attributes):
    given_rule = rule.model_dump()
    assert variant(FlagRule(**{**given_rule, "killed": True}), user, attributes) == rule.off
    everybody = FlagRule(**{**given_rule, "killed": False, "share": EVERYBODY})
    assert variant(everybody, user, attributes) == rule.on
    if rule.nobody:
        assert variant(rule, user, attributes) == rule.off


@pytest.mark.parametrize("share", [10_000, 100_000, 500_000])
def test_a_share_of_users_is_that_share(share):
    users = 20_000
    having = sum(place("new-checkout", f"user-{number}") < share for number in range(users))
    part = share / EVERYBODY
    assert abs(having - users * part) < 5 * (users * part * (1 - part)) ** 0.5


def test_two_flags_do_not_meet_the_same_users():
    both = sum(place("a", f"{n}") < 100_000 and place("b", f"{n}") < 100_000 for n in range(20_000))
    assert 120 < both < 290


def test_places_never_change():
    """Whoever had a feature yesterday has it with the next version of Pilotage."""
    assert [place("new-checkout", user) for user in ("ada", "bob", "", "x" * 30)] == PLACES


PLACES = [626_962, 613_191, 37_892, 594_261]


@given(rule=RULES)
def test_a_definition_is_read_back_as_the_rule(rule):
    definition = flagd.compiled(rule)
    again = flagd.read(rule.key, json.loads(json.dumps(definition)))
    assert again == rule.plain
    seen = flagd.seen(rule.key, definition)
    assert (seen.revision, seen.nobody) == (rule.revision, rule.nobody)
    assert json.loads(seen.kept) == definition


@given(rule=RULES, share=SHARES)
def test_rules_that_mean_something_else_have_another_revision(rule, share):
    other = FlagRule(**{**rule.model_dump(), "share": share})
    same = flagd.compiled(rule) == flagd.compiled(other)
    assert (rule.revision == other.revision) == same


@pytest.mark.parametrize(
    ("definition", "nobody"),
    [
        ({"state": "DISABLED", "variants": {"on": True}, "defaultVariant": "on"}, True),
        (
            {
                "state": "ENABLED",
                "variants": {"yes": True, "no": False},
                "defaultVariant": "no",
                "targeting": {},
            },
            True,
        ),
        ({"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}, False),
        ({"state": "ENABLED", "variants": {"on": True, "off": False}}, False),
        (
            {
                "state": "ENABLED",
                "variants": {"on": True, "off": False},
                "defaultVariant": "off",
                "targeting": {"if": [{"ends_with": [{"var": "email"}, "x"]}, "on", "off"]},
            },
            False,
        ),
        ("nonsense", False),
    ],
)
def test_what_others_wrote_is_known_to_be_off_only_when_it_is(definition, nobody):
    assert flagd.read("theirs", definition) is None or flagd.seen("theirs", definition).nobody is nobody
    seen = flagd.seen("theirs", definition)
    assert seen.nobody is nobody
    assert json.loads(seen.kept) == definition


def test_a_flag_that_is_not_there_is_on_for_nobody():
    assert not flagd.seen("new", None).exists
    assert flagd.seen("new", None).nobody


@settings(max_examples=300, deadline=None)
@given(rule=RULES, user=USERS, attributes=ATTRIBUTES)
def test_flagds_own_client_says_the_same(rule, user, attributes):
    core = pytest.importorskip("openfeature.contrib.tools.flagd.core.flagd_core").FlagdCore()
    context = pytest.importorskip("openfeature.evaluation_context").EvaluationContext(user, attributes)
    core.set_flags({"flags": {rule.key: flagd.compiled(rule)}})
    ask = {bool: core.resolve_boolean_value, str: core.resolve_string_value, int: core.resolve_integer_value}
    kind = type(rule.variants["on"])
    said = ask[kind](rule.key, kind(), context)
    assert said.variant == variant(rule, user, attributes)
    assert said.value == rule.variants[said.variant]


def test_the_client_that_watches_a_file_says_the_same(tmp_path: Path):
    """The whole of it: OpenFeature's API, flagd's provider in its file mode, 500 users."""
    api = pytest.importorskip("openfeature.api")
    from openfeature.contrib.provider.flagd import FlagdProvider
    from openfeature.contrib.provider.flagd.config import ResolverType
    from openfeature.evaluation_context import EvaluationContext

    rule = FlagRule(key="new-checkout", share=300_000, segments=(Segment(attribute="team", equals="shop"),))
    path = tmp_path / "flags.json"
    path.write_text(json.dumps({"$schema": flagd.SCHEMA, "flags": {rule.key: flagd.compiled(rule)}}))
    provider = FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(path))
    api.set_provider_and_wait(provider, domain="test")
    try:
        client = api.get_client("test")
        users = [(f"user-{n}", {"team": "shop"} if n % 50 == 0 else {}) for n in range(500)]
        said = [
            client.get_boolean_value(rule.key, default_value=True, evaluation_context=EvaluationContext(*one))
            for one in users
        ]
        ours = [rule.variants[variant(rule, *one)] for one in users]
        assert said == ours
        assert 0 < sum(said) < 500
    finally:
        api.shutdown()

"""Settings that are written are read again as they were."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pilotage.core.judging import (
    AtHorizon,
    JudgeSettings,
    Kind,
    MeasureSettings,
    OldFails,
    Role,
    Slo,
    Worse,
)
from pilotage.manifest.judge_file import load_judge_text
from pilotage.manifest.judge_rules import GROUPS
from pilotage.manifest.judge_text import judge_text

fractions = st.integers(1, 499_999).map(lambda parts: parts / 1_000_000)
ratios = st.floats(1, 2).map(lambda ratio: round(ratio, 9))
wider = st.floats(2, 1e6)
durations = st.timedeltas(timedelta(microseconds=1), timedelta(days=3000))

names = st.from_regex(r"[a-z][a-z_]{2,8}", fullmatch=True).filter(lambda name: name not in GROUPS)
measures = st.builds(
    MeasureSettings,
    kind=st.sampled_from(Kind),
    of=st.none() | names,
    per=names,
    worse=st.sampled_from(Worse),
    role=st.sampled_from(Role),
    ratio=st.none() | ratios,
    excess=st.floats(0, 1),
    pass_ratio=st.none() | wider,
    pass_excess=st.none() | st.floats(1, 9),
    weight=wider,
    group=names,
    after=durations,
)
slos = st.builds(
    Slo,
    objective=fractions,
    burn=wider.filter(lambda burn: burn > 1),
    long=st.just(timedelta(days=3001)),
    short=durations,
    role=st.sampled_from([Role.GUARD, Role.WATCH]),
)
judges = st.builds(
    JudgeSettings,
    false_rollback=fractions,
    false_pass=fractions,
    error_ratio=ratios,
    error_excess=st.just(0.0),
    error_pass_ratio=wider,
    error_pass_excess=fractions,
    error_limit=fractions,
    latency_ratio=ratios,
    latency_pass_ratio=wider,
    latency_excess=st.just(0.0),
    latency_pass_excess=fractions,
    latency_margin=st.integers(0, 5),
    latency_bounds=st.sets(st.floats(1e-7, 1e7), max_size=5).map(lambda found: tuple(sorted(found))),
    warm_up=st.one_of(st.just(timedelta(0)), durations),
    interval=durations,
    minimum_requests=st.integers(0, 10**9),
    measures=st.dictionaries(names, measures, max_size=3),
    weights=st.dictionaries(st.sampled_from(GROUPS), wider, max_size=3),
    traffic=st.booleans(),
    slos=st.lists(slos, max_size=2).map(tuple),
    old_fails=st.sampled_from(OldFails),
    horizon=st.none() | durations,
    at_horizon=st.sampled_from(AtHorizon),
    bake=durations,
    promote_share=fractions,
)


@given(judges)
def test_what_is_written_is_read_again(settings: JudgeSettings) -> None:
    assert load_judge_text(judge_text(settings), "judge.yaml") == settings


def test_latency_that_is_not_judged() -> None:
    settings = JudgeSettings(latency=False)
    assert "latency: false\n" in judge_text(settings)
    assert load_judge_text(judge_text(settings), "judge.yaml") == settings


def test_it_reads_like_a_manifest() -> None:
    assert judge_text(JudgeSettings()).startswith(
        "false_rollback: 1%\nfalse_pass: 5%\nerrors:\n  ratio: 1.0\n  ratio_blind: 1.1\n  excess: 0.01%\n"
    )

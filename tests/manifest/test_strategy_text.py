"""A strategy put into a manifest's text: its lines change, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.errors import ExitCode, PilotageError
from pilotage.manifest.load import load_text
from pilotage.manifest.strategy_text import difference, keep, own_strategies, with_strategy

BASE = """\
# The shop.
service: shop # ours

artifact: {directory: .}
run:
  command: [python, -m, http.server, "{port}"] # quick

# Where it runs.
environments:
  local: # here
    router: {listen: "127.0.0.1:8080"}
# the end
"""
STRATEGY = """\
# How it goes out.
strategy: # slowly
  method: canary
  # first a little
  steps: [5%, 50%]

# judged like this
judge: {horizon: 1d}

"""
WITH = BASE.replace("# Where it runs.\n", f"{STRATEGY}# Where it runs.\n")
WHY = "Advised by `pilotage advise`: first of 8 with +3.\n- enough room"


def test_it_stands_before_the_environments_and_their_comment() -> None:
    after = with_strategy(BASE, "pilotage.yaml", "blue-green", WHY)
    block = (
        "# Advised by `pilotage advise`: first of 8 with +3.\n# - enough room\n"
        "strategy:\n  method: blue-green\n\n"
    )
    assert after == BASE.replace("# Where it runs.\n", f"{block}# Where it runs.\n")


def test_one_that_is_there_stays_unless_forced() -> None:
    with pytest.raises(PilotageError) as caught:
        with_strategy(WITH, "pilotage.yaml", "rolling", WHY)
    (problem,) = caught.value.problems
    assert caught.value.exit_code is ExitCode.BLOCKED
    assert (problem.code, problem.where and problem.where.line) == ("advice.not-written", 9)


def test_forced_it_is_replaced_and_nothing_else() -> None:
    after = with_strategy(WITH, "pilotage.yaml", "rolling", "Because.", replace=True)
    old = "strategy: # slowly\n  method: canary\n  # first a little\n  steps: [5%, 50%]\n"
    assert after == WITH.replace(old, "# Because.\nstrategy:\n  method: rolling\n")


def test_twice_is_once() -> None:
    """The reason of an earlier advice goes with the strategy that it gave."""
    once = with_strategy(WITH, "pilotage.yaml", "rolling", WHY, replace=True)
    assert with_strategy(once, "pilotage.yaml", "rolling", WHY, replace=True) == once
    other = with_strategy(once, "pilotage.yaml", "canary", WHY, replace=True)
    assert other.count("Advised by") == 1
    assert "# How it goes out.\n# Advised by" in other


@pytest.mark.parametrize("block", ["strategy: canary\n", "strategy: {method: canary,\n  hold: 1m}\n"])
@pytest.mark.parametrize("end", ["", "\n\n", "# the end"])
def test_at_the_end_and_in_other_forms(block: str, end: str) -> None:
    text = f"{BASE}{block}{end}"
    after = with_strategy(text, "pilotage.yaml", "rolling", "Because.", replace=True)
    assert after == f"{BASE}# Because.\nstrategy:\n  method: rolling\n{end}"


@pytest.mark.parametrize("text", [BASE, WITH])
def test_line_ends_and_marks_stay(text: str) -> None:
    windows = "\ufeff" + text.replace("\n", "\r\n")
    after = with_strategy(windows, "pilotage.yaml", "rolling", WHY, replace=True)
    expected = with_strategy(text, "pilotage.yaml", "rolling", WHY, replace=True)
    assert after == "\ufeff" + expected.replace("\n", "\r\n")


def test_a_whole_manifest_may_be_indented() -> None:
    text = "".join(f"  {row}\n" if row else "\n" for row in WITH.splitlines())
    after = with_strategy(text, "pilotage.yaml", "rolling", WHY, replace=True)
    assert "\n  strategy:\n    method: rolling\n" in after
    assert load_text(after, "pilotage.yaml").environments["local"].method.method == "rolling"


def test_braces_are_left_alone() -> None:
    text = (
        '{"service": "shop", "artifact": {"directory": "."}, "run": {"command": ["run", "{port}"]},'
        ' "environments": {"local": {"router": {"listen": "127.0.0.1:8080"}}}}'
    )
    with pytest.raises(PilotageError, match="in braces"):
        with_strategy(text, "pilotage.yaml", "rolling", WHY)


def test_a_broken_manifest_is_refused() -> None:
    with pytest.raises(PilotageError, match="`servise` is not a key"):
        with_strategy(BASE.replace("service:", "servise:"), "pilotage.yaml", "rolling", WHY)


@given(st.text(max_size=300))
def test_no_reason_can_break_out_of_its_comment(why: str) -> None:
    for text in (BASE, WITH):
        after = with_strategy(text, "pilotage.yaml", "rolling", why, replace=True)
        gone = [row for row in difference(text, after, "m") if row.startswith("-")]
        assert len(gone) == (1 if text == BASE else 5)


def test_an_environment_with_a_strategy_of_its_own_is_told() -> None:
    text = BASE.replace("  local: # here\n", "  local: # here\n    strategy: rolling\n")
    assert own_strategies(load_text(text, "pilotage.yaml")) == ["local"]
    assert own_strategies(load_text(WITH, "pilotage.yaml")) == []


def test_kept_in_one_step_with_its_mode_through_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "pilotage.yaml"
    real.write_text(BASE)
    real.chmod(0o640)
    link.symlink_to(real)
    keep(WITH, link)
    assert link.is_symlink()
    assert real.read_text() == WITH
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pilotage.yaml", "real.yaml"]


def test_what_can_not_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pilotage.yaml"
    with pytest.raises(PilotageError) as caught:
        keep(WITH, path)
    assert caught.value.problems[0].code == "advice.unwritable"
    assert list(tmp_path.iterdir()) == []


def test_a_method_that_needs_what_only_people_know_is_not_written() -> None:
    with pytest.raises(PilotageError) as refused:
        with_strategy(BASE, "pilotage.yaml", "feature-flag", WHY)
    assert "`flag`" in refused.value.problems[0].what

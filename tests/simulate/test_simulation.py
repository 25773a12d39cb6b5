"""The simulation itself: laws hold over many seeds, the same seed is the same story, planted bugs are found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pilotage.core import progress
from pilotage.simulate import telling
from pilotage.simulate.__main__ import main
from pilotage.simulate.planted import BUGS, planted, seeds_to_detection
from pilotage.simulate.play import play, play_seed
from pilotage.simulate.scenario import CALLS, WEATHER, draw
from pilotage.simulate.shrink import shrink

ROOT = Path(__file__).parents[2]
QUICK = ("silence-passes", "never-warm", "promotes-twice", "stops-what-serves", "stays-exposed", "no-outcome")
"""Planted bugs that a few seeds find."""


@pytest.mark.parametrize("first", range(0, 80, 8))
def test_the_laws_hold(first):
    for seed in range(first, first + 8):
        outcome = play_seed(seed)
        assert outcome.breach is None, f"{telling.story(outcome)}\nagain: {telling.command(outcome)}"
        assert outcome.checked > 100


def test_a_seed_is_one_story_whatever_the_machine():
    here = play_seed(7)
    assert play_seed(7).hash == here.hash
    code = "from pilotage.simulate.play import play_seed; print(play_seed(7).hash)"
    for hashing in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hashing},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == here.hash


@pytest.mark.parametrize("seed", [3, 11])
def test_both_stores_tell_the_same_story(seed):
    outcomes = [play(replace(draw(seed), store=store)) for store in ("memory", "sqlite")]
    assert outcomes[0].hash == outcomes[1].hash
    assert outcomes[1].breach is None


def test_every_trouble_strikes_somewhere():
    # Where so much goes wrong little is committed: a refused commit must be likelier to be seen at all.
    calls, weather = dict.fromkeys(CALLS, 0.01) | {"conflict": 0.3}, dict.fromkeys(WEATHER, 5.0)
    stories = (play(replace(draw(seed), calls=calls, weather=weather, seconds=50)) for seed in range(6))
    assert {key.split(":")[0] for story in stories for key in story.struck} == set(CALLS) | set(WEATHER)


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(name):
    seeds, law = seeds_to_detection(name, 16)
    assert seeds is not None
    assert law


def test_what_was_planted_is_taken_away_again():
    before = progress._judge
    with planted("silence-passes"):
        assert progress._judge is not before
    assert progress._judge is before


def test_a_story_is_made_shorter_and_can_be_played_again(capsys):
    with planted("stops-what-serves"):
        found = next(o for o in (play_seed(seed) for seed in range(10)) if o.breach is not None)
        shorter = shrink(found)
    assert shorter.breach.law == found.breach.law
    assert len(shorter.struck) <= len(found.struck)
    words = telling.command(shorter).split()[3:]
    assert main([*words, "--planted", "stops-what-serves"]) == 1
    assert shorter.breach.law in capsys.readouterr().out
    assert main(words) == 0


def test_many_seeds_are_told_in_a_few_lines(capsys):
    assert main(["--seeds", "3", "--jobs", "1"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("3 seeds, ")
    assert told.endswith("all laws held\n")


def test_the_table_of_planted_bugs_is_complete():
    page = (ROOT / "docs" / "simulation.md").read_text()
    rows = dict(re.findall(r"^\| `([\w-]+)` \|.*\| ([\w ]+) \| [^|]*\|$", page, re.M))
    assert rows.keys() == BUGS.keys()
    for name in QUICK:
        assert int(rows[name]) <= 8


def test_the_invariants_name_only_laws_that_are_looked_at():
    source = "\n".join(path.read_text() for path in (ROOT / "src" / "pilotage" / "simulate").glob("*.py"))
    rows = re.findall(r"^\| simulation \| (.*) \|$", (ROOT / "docs" / "invariants.md").read_text(), re.M)
    assert len(rows) == 10
    for law in re.findall(r"`([^`]+)`", " ".join(rows)):
        assert f'"{law}"' in source, law

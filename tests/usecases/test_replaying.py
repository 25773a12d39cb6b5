"""A replay says what the judge says, and ends at the first decision."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from pilotage.judge import Judge
from pilotage.manifest.judge_file import load_judge
from pilotage.usecases.recordings import read_recording
from pilotage.usecases.replaying import replay

EXAMPLES = Path(__file__).parents[2] / "examples" / "judge"
RECORDING, SETTINGS = str(EXAMPLES / "checkout.jsonl"), load_judge(EXAMPLES / "checkout.yaml")


def test_it_ends_at_the_first_decision() -> None:
    looks = list(replay(read_recording(RECORDING), SETTINGS))
    assert [look.decided for look in looks] == [False] * (len(looks) - 1) + [True]
    assert looks[-1].verdict.verdict == "rollback"
    assert looks[-1].verdict.blame == ("errors",)


def test_the_whole_of_it_is_what_the_judge_says() -> None:
    judge = Judge(SETTINGS)
    expected = [judge.feed(snapshot) for snapshot in read_recording(RECORDING)]
    looks = list(replay(read_recording(RECORDING), SETTINGS, whole=True))
    assert [look.verdict for look in looks] == expected
    assert len(expected) > len(list(replay(read_recording(RECORDING), SETTINGS)))


def test_it_is_a_stream() -> None:
    """The first verdict is there before the second line is read."""
    lines = read_recording(RECORDING)
    (first,) = islice(replay(lines, SETTINGS), 1)
    assert first.snapshot.t < next(lines).t

"""Recordings are taken line by line as they are, or refused with the place; nothing is guessed."""

from __future__ import annotations

import gzip
import json
import sys
from math import inf, isnan, nan
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotage.core.judging import Arm, Snapshot
from pilotage.errors import PilotageError, Problem
from pilotage.usecases.recordings import read_recording, snapshots, written

LINE = '{"t": 1, "weight": 0.1, "control": {"requests": 5, "errors": 0}, "canary": null}'


def only(line: str) -> Snapshot:
    (found,) = snapshots([line.encode()], "x.jsonl")
    return found


def refused(*lines: str | bytes) -> Problem:
    with pytest.raises(PilotageError) as caught:
        list(snapshots([line if isinstance(line, bytes) else line.encode() for line in lines], "x.jsonl"))
    (problem,) = caught.value.problems
    return problem


def test_values_that_are_not_known() -> None:
    found = only(
        '{"t": 1, "weight": null, "control": {"requests": NaN, "errors": Infinity, "latency_bucket": [1, null],'
        ' "shards": [null, {"requests": 1}], "cpu": null}, "canary": {}}'
    )
    assert isnan(found.weight)
    assert found.canary == Arm()
    control = found.control
    assert control is not None
    assert control.requests is not None
    assert isnan(control.requests)
    assert control.errors == inf
    assert control.latency_bucket is not None
    assert isnan(control.latency_bucket[1])
    assert control.shards == (Arm(), Arm(requests=1))
    assert control.model_extra == {"cpu": None}


def test_an_arm_that_is_left_out_is_not_known() -> None:
    assert only('{"t": -5, "weight": 0, "control": {"requests": 5}}').canary is None


def test_what_nobody_knows_is_kept() -> None:
    found = only('{"t": 1, "weight": 0, "control": {"orders": 3}, "canary": null, "host": "a"}')
    assert found.model_extra == {"host": "a"}
    assert found.control is not None
    assert found.control.model_extra == {"orders": 3}


def test_blank_lines_a_byte_order_mark_and_dos_lines_are_no_matter() -> None:
    lines = [b"\xef\xbb\xbf" + LINE.encode() + b"\r\n", b"\n", LINE.encode() + b"\r\n"]
    assert len(list(snapshots(lines, "x.jsonl"))) == 2


@pytest.mark.parametrize(
    ("line", "code", "column", "words"),
    [
        ('{"t": 1, "weight": 0.1, "control": {"req', "not-json", 37, "no JSON"),
        ("[1]", "value", 1, "a snapshot is an object"),
        ("[" * 100_000, "not-json", 1, "too deeply"),
        ('{"t": 1, "control": null, "canary": null}', "missing-key", 1, "`weight` is missing"),
        ('{"t": "1", "weight": 0.1}', "value", 7, '`"1"`: a number or null'),
        ('{"t": 1, "weight": true}', "value", 20, "`true`: a number or null"),
        ('{"t": 1, "weight": 0, "control": {"errors": "12"}}', "value", 45, '`"12"`: a number or null'),
        ('{"t": 1, "weight": 0, "control": 7}', "value", 34, "an object or null"),
        ('{"t": 1, "weight": 0, "control": {"latency_bucket": [1, "x"]}}', "value", 57, "a number or null"),
        ('{"t": 1, "weight": 0, "control": {"shards": [{}, {"errors": []}]}}', "value", 51, "a number or null"),
        ('{"t": 1, "weight": 0, "contol": {}, "canary": null}', "missing-key", 23, "`control` is missing"),
    ],
)
def test_a_line_that_is_no_snapshot_is_refused_with_its_place(
    line: str, code: str, column: int, words: str
) -> None:
    problem = refused(LINE, line)
    assert problem.code == f"recording.{code}"
    assert problem.where is not None
    assert (problem.where.file, problem.where.line) == ("x.jsonl", 2)
    assert problem.where.column == column
    assert words in problem.what


def test_bytes_that_are_no_text_are_refused() -> None:
    problem = refused(b'{"t": \xff}')
    assert problem.what == "the byte 0xff is not UTF-8"
    assert problem.where is not None
    assert problem.where.column == 7


def test_files_compressed_or_not(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    plain.write_text(f"{LINE}\n{LINE}\n")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read_recording(str(plain))) == list(read_recording(str(packed))) == [only(LINE)] * 2


def test_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(f"{LINE}\n")
    with open(tmp_path / "a.jsonl") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert list(read_recording("-")) == [only(LINE)]


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    cut, empty = tmp_path / "cut.jsonl.gz", tmp_path / "empty.jsonl"
    cut.write_bytes(gzip.compress(f"{LINE}\n".encode() * 9)[:-9])
    empty.write_text("\n")
    expected = {
        tmp_path / "none": "there is no such file",
        tmp_path: "this is a folder, not a file",
        cut: "its compression ends too early, or is damaged",
        empty: "there is no snapshot in this recording",
    }
    for path, what in expected.items():
        with pytest.raises(PilotageError) as caught:
            list(read_recording(str(path)))
        assert caught.value.problems[0].what == what


values = st.one_of(st.none(), st.sampled_from([nan, inf, -inf]), st.floats(0, 1e9), st.integers(0, 10**9))
arms = st.recursive(
    st.builds(
        Arm,
        requests=values,
        errors=values,
        latency_bucket=st.one_of(st.none(), st.lists(st.sampled_from([0.0, 3.0, nan]), max_size=4).map(tuple)),
        orders=values,
    ),
    lambda inner: st.builds(Arm, requests=values, shards=st.lists(inner, max_size=2).map(tuple)),
    max_leaves=3,
)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(allow_nan=True),
    st.floats(allow_nan=True),
    st.one_of(st.none(), arms),
    st.one_of(st.none(), arms),
    st.one_of(st.none(), st.text(max_size=5)),
)
def test_what_is_written_is_read_again(t, weight, control, canary, epoch) -> None:
    snapshot = Snapshot(t=t, weight=weight, control=control, canary=canary, epoch=epoch)
    line = written(snapshot)
    assert written(only(line)) == line
    assert repr(only(line)) == repr(snapshot)  # NaN is not equal to itself, but looks the same


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["t", "weight", "control", "canary", "requests", "shards", "latency_bucket"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40) | json_values.map(json.dumps))
def test_any_line_is_a_snapshot_or_refused(line: str) -> None:
    """No other error than a Problem comes out."""
    codes = []
    try:
        list(snapshots([line.encode("utf-8", "surrogatepass")], "x.jsonl"))
    except PilotageError as error:
        codes = [problem.code.split(".")[0] for problem in error.problems]
    assert codes in ([], ["recording"])

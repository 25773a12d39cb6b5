"""The child's log: its tail, and its bound."""

from __future__ import annotations

from pathlib import Path

from pilotage.adapters.supervisor import logs


def _filled(path: Path, first: int, last: int) -> None:
    with path.open("a") as file:
        file.writelines(f"line {number}\n" for number in range(first, last + 1))


def test_tail_of_nothing(tmp_path: Path) -> None:
    assert logs.tail(str(tmp_path / "child.log"), 5) == ""


def test_tail_without_a_last_newline(tmp_path: Path) -> None:
    (tmp_path / "child.log").write_bytes(b"one\ntwo\xff\nthree")
    assert logs.tail(str(tmp_path / "child.log"), 2) == "two�\nthree"
    assert logs.tail(str(tmp_path / "child.log"), 0) == ""


def test_tail_reaches_into_the_older_file(tmp_path: Path) -> None:
    _filled(tmp_path / "child.log.1", 1, 3)
    _filled(tmp_path / "child.log", 4, 5)
    assert logs.tail(str(tmp_path / "child.log"), 4).split("\n") == ["line 2", "line 3", "line 4", "line 5"]


def test_rotation_keeps_the_end_and_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "child.log"
    with path.open("a") as writer:
        for number in range(20_000):
            writer.write(f"line {number}\n")
        writer.flush()
        assert not logs.rotate(str(path), limit=1_000_000)
        assert logs.rotate(str(path), limit=10_000)
        assert path.stat().st_size == 0
        writer.write("after\n")
    assert path.read_text() == "after\n"
    assert (tmp_path / "child.log.1").stat().st_size <= 10_000
    assert logs.tail(str(path), 2) == "line 19999\nafter"


def test_rotation_gives_up_the_old_part_rather_than_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "child.log"
    _filled(path, 1, 1000)
    (tmp_path / "child.log.1.new").mkdir()  # stands for a copy that cannot be made
    assert logs.rotate(str(path), limit=100)
    assert path.stat().st_size == 0

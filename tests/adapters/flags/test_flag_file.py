"""What is particular to flags in a file: damage, modes, links, times, and two who change it at once."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path

import pytest

from pilotage.adapters.flags import document
from pilotage.adapters.flags.file import FileFlags
from pilotage.core.flags import FlagRule
from pilotage.ports import FlagsError, Site

RULE = FlagRule(key="new", share=100_000)


def flags(path: Path) -> FileFlags:
    return FileFlags(Site("shop", "test", path.parent, path.parent, {"path": str(path)}))


def apply(path: Path, rule: FlagRule) -> None:
    asyncio.run(flags(path).apply(rule))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"flags": []}',
        '{"flags": {"a": 1, "a": 2}}',
        '{"flags": {"a": NaN}}',
        '{"flags": {"a": 1e999}}',
    ],
)
def test_what_is_not_understood_is_left_as_it_is(tmp_path, text):
    path = tmp_path / "flags.json"
    path.write_text(text)
    [problem] = asyncio.run(flags(path).check("new"))
    assert problem.code == "flags.unreadable"
    with pytest.raises(FlagsError):
        apply(path, RULE)
    assert path.read_text() == text
    assert {one.name for one in tmp_path.iterdir()} <= {"flags.json", ".flags.json.lock"}


def test_a_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "flags.json"
    real.write_text('{"flags": {}, "metadata": {"version": "7"}}')
    real.chmod(0o640)
    link.symlink_to(real)
    apply(link, RULE)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert json.loads(real.read_text())["metadata"] == {"version": "7"}


def test_the_time_of_the_file_grows_when_the_clock_does_not(tmp_path):
    path = tmp_path / "flags.json"
    apply(path, RULE)
    ahead = path.stat().st_mtime_ns + 3600 * 10**9
    os.utime(path, ns=(ahead, ahead))
    apply(path, RULE.model_copy(update={"share": 200_000}))
    assert path.stat().st_mtime_ns > ahead


def test_no_folder_is_told(tmp_path):
    [problem] = asyncio.run(flags(tmp_path / "none" / "flags.json").check("new"))
    assert problem.code == "flags.unwritable"
    with pytest.raises(FlagsError):
        apply(tmp_path / "none" / "flags.json", RULE)


def test_two_who_change_it_at_once_lose_nothing(tmp_path):
    path = tmp_path / "flags.json"
    mine = [FlagRule(key=f"flag-{number}", share=number) for number in range(24)]
    threads = [threading.Thread(target=apply, args=(path, rule)) for rule in mine]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(json.loads(path.read_text())["flags"]) == {rule.key for rule in mine}


def test_who_holds_the_lock_for_ever_is_told(tmp_path, monkeypatch):
    path = tmp_path / "flags.json"
    monkeypatch.setattr(document, "PATIENCE", 0.05)
    with document.locked(path), pytest.raises(FlagsError, match="somebody else"):
        apply(path, RULE)


def test_settings_are_told_what_is_wrong():
    assert [p.code for p in FileFlags.check_settings({})] == ["flags.setting"]
    assert [p.code for p in FileFlags.check_settings({"path": "flags.yaml"})] == ["flags.setting"]

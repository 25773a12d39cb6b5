"""Digests, placeholders, ports, settings: what needs no process."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pilotage.adapters.process import local_ports, placeholders
from pilotage.adapters.process.artifacts import key
from pilotage.adapters.process.digests import directory_sha256, file_sha256
from pilotage.adapters.process.environments import redacted
from pilotage.adapters.process.target import ProcessTarget
from pilotage.core.release import Directory, Requirement, Run

VALUES = {name: name.upper() for name in placeholders.KNOWN}


def _tree(folder: Path) -> Path:
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "one").write_text("1")
    (folder / "a").write_text("2")
    (folder / "link").symlink_to("a")
    return folder


def test_a_file_has_the_digest_that_sha256sum_gives(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    assert file_sha256(tmp_path / "file") == known


def test_a_folder_has_the_digest_of_its_content(tmp_path: Path) -> None:
    one, two = _tree(tmp_path / "one"), _tree(tmp_path / "two")
    os.utime(two / "a", (0, 0))
    (two / "a").chmod(0o600)
    (two / "__pycache__").mkdir()
    (two / ".git").write_text("gitdir: elsewhere")
    assert directory_sha256(one) == directory_sha256(two)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: (f / "a").write_text("3"),
        lambda f: (f / "a").rename(f / "c"),
        lambda f: (f / "a").chmod(0o755),
        lambda f: (f / "empty").mkdir(),
        lambda f: (f / "link").unlink(),
        lambda f: ((f / "link").unlink(), (f / "link").write_text("2")),
        lambda f: ((f / "link").unlink(), (f / "link").symlink_to("b/one")),
        lambda f: (f / "b" / "one").rename(f / "one"),
    ],
)
def test_every_change_of_content_changes_it(tmp_path: Path, change: object) -> None:
    folder = _tree(tmp_path / "one")
    before = directory_sha256(folder)
    assert callable(change)
    change(folder)
    assert directory_sha256(folder) != before


def test_what_is_no_content_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe is neither a file nor a folder"):
        directory_sha256(tmp_path)
    with pytest.raises(ValueError, match="is not a folder"):
        directory_sha256(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--port={port}", "--port=PORT"),
        ("{root}/bin:{root}", "ROOT/bin:ROOT"),
        ('{"port": {port}}', '{"port": PORT}'),
        ('{"a":{"b":{}}}', '{"a":{"b":{}}}'),
        ("{{port}}", "{port}"),
        ("{{title}} {message}", "{{title}} {message}"),
        ("plain", "plain"),
    ],
)
def test_placeholders_are_filled_and_other_braces_left(text: str, expected: str) -> None:
    assert placeholders.problems(Run(command=(text,), folder="/")) == []
    assert placeholders.filled(text, VALUES) == expected


@given(some.text(alphabet=some.sampled_from("{}hosport ")))
def test_a_value_is_never_filled_again(text: str) -> None:
    values = dict.fromkeys(placeholders.KNOWN, "{port}")
    assert placeholders.filled("{root}" + text, values).startswith("{port}")


def test_what_is_nearly_a_placeholder_is_told_every_time() -> None:
    run = Run(command=("serve", "{prot}"), environment={"A": "{hosts}{", "B": "{Port}"}, folder="/")
    found = placeholders.problems(run)
    assert [problem.code for problem in found] == ["target.unknown-placeholder"] * 3
    assert [problem.what.split(" in ")[1] for problem in found] == [
        "command[1] is no placeholder",
        "environment.A is no placeholder",
        "environment.B is no placeholder",
    ]
    assert [problem.mend for problem in found] == [
        "did you mean {port}?",
        "did you mean {host}?",
        "did you mean {port}?",
    ]


def test_a_port_in_use_is_not_chosen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not local_ports.is_free(port)
        assert local_ports.choose(range(port, port + 1), ()) is None
    assert local_ports.is_free(port)
    assert local_ports.choose(range(port, port + 1), ()) == port
    assert local_ports.choose(range(port, port + 1), {port}) is None


def test_settings() -> None:
    assert ProcessTarget.check_settings({}) == []
    assert ProcessTarget.check_settings({"ports": "20000-21000"}) == []
    for wrong in ("20000", "21000-20000", "0-70000", 20000, ["1-2"], "a-b"):
        assert [p.code for p in ProcessTarget.check_settings({"ports": wrong})] == ["target.bad-ports"]
    (unknown,) = ProcessTarget.check_settings({"port": "1-2"})
    assert unknown.mend == "did you mean ports?"


def test_the_same_content_has_the_same_place_in_the_cache() -> None:
    one = Requirement(requirements=("a==1", "b==2"))
    assert key(one) == key(Requirement(requirements=("b==2", "a==1")))
    assert key(one) != key(Requirement(requirements=("a==1", "b==3")))
    assert key(Directory(path="/a", sha256="1" * 64)) == key(Directory(path="/b", sha256="1" * 64))


def test_credentials_do_not_come_through() -> None:
    told = "Looking in indexes: https://bob:hunter2@pypi.example/simple, https://tok3n@other/x"
    assert redacted(told) == "Looking in indexes: https://****@pypi.example/simple, https://****@other/x"

"""JSON Pointer against the examples of RFC 6901, section 5, and what it must refuse."""

from __future__ import annotations

import pytest

from pilotage.adapters.telemetry import pointer

DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_the_examples_of_the_rfc(text: str, value: object) -> None:
    assert pointer.resolve(DOCUMENT, text) == value


@pytest.mark.parametrize(
    "text", ["/nothing", "/foo/2", "/foo/-", "/foo/01", "/foo/-1", "/foo/0/x", "/foo/" + "9" * 99]
)
def test_what_is_not_there(text: str) -> None:
    with pytest.raises(pointer.Missing):
        pointer.resolve(DOCUMENT, text)


@pytest.mark.parametrize("text", ["foo", "foo/0", "/a~b", "/a~", "/a~2"])
def test_what_is_no_pointer(text: str) -> None:
    with pytest.raises(ValueError, match="a JSON pointer"):
        pointer.resolve(DOCUMENT, text)


def test_any_text_can_be_a_step() -> None:
    for name in DOCUMENT:
        assert pointer.resolve(DOCUMENT, "/" + pointer.step(name)) == DOCUMENT[name]

"""Examples, changed at random: whatever comes, every value has one account, and the manifest is accepted."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from importing.reading_cases import CASES, leaves, texts_of
from pilotage.adapters.registry import settings_problems
from pilotage.errors import ExitCode, PilotageError
from pilotage.importing.codes import CODES
from pilotage.importing.translating import Translation, translate
from pilotage.manifest.load import load_text

_WORDS = st.sampled_from(
    [
        "5",
        "0",
        "-1",
        "50%",
        "1m",
        "3e400",
        "",
        "yes",
        "a b",
        "{version}",
        "{{ x }}",
        "/up",
        "'",
        '"',
        "x: y",
        "#",
    ]
)
_SCALARS = _WORDS | st.integers(-5, 10**9) | st.booleans() | st.none() | st.text(max_size=8)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcz", min_size=1), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def changed(draw: st.DrawFn) -> dict[str, str]:
    """The files of a case with some values replaced, removed or added."""
    texts = texts_of(draw(st.sampled_from(CASES)))
    found = {file: list(yaml.load_all(text, Loader=yaml.CSafeLoader)) for file, text in texts.items()}
    for _ in range(draw(st.integers(1, 4))):
        documents = found[draw(st.sampled_from(sorted(found)))]
        _change(draw, draw(st.sampled_from(documents)))
    return {
        file: text
        if file == text
        else yaml.safe_dump_all(copy.deepcopy(found[file]), allow_unicode=True, sort_keys=False)
        for file, text in texts.items()
    }


def _change(draw: st.DrawFn, value: Any) -> None:
    while isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = draw(st.sampled_from(keys))
        if isinstance(value[key], dict | list) and value[key] and draw(st.integers(0, 5)):
            value = value[key]
            continue
        what = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if what == "replace":
            value[key] = draw(_VALUES)
        elif what == "remove":
            del value[key]
        elif isinstance(value, dict):
            value[draw(st.text("abcxyz", min_size=1, max_size=5))] = draw(_VALUES)
        return


def translated_or_refused(texts: dict[str, str]) -> Translation | PilotageError:
    try:
        return translate(texts)
    except PilotageError as error:
        return error


@settings(max_examples=250, deadline=None)
@given(changed())
def test_nothing_is_dropped_and_nothing_is_written_that_check_refuses(texts: dict[str, str]) -> None:
    found = translated_or_refused(texts)
    if isinstance(found, PilotageError):
        assert found.exit_code is ExitCode.REFUSED_MANIFEST
        assert all(one.code in CODES and one.where and one.where.file in texts for one in found.problems)
        return
    translation = found
    assert Counter((one.place.file, one.field) for one in translation.accounts) == leaves(texts)
    manifest = load_text(translation.manifest, "pilotage.yaml")
    assert [p for name in manifest.environments for p in settings_problems(manifest, name)] == []

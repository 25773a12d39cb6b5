"""Recordings of telemetry: JSON Lines, one snapshot a line (docs/judge/replay.md), read as a stream.

A line is taken as it is or refused; nothing is guessed. null and NaN are what is not known now: the judge
holds on them. An arm that is left out is null. Fields that nobody here knows are kept.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from math import nan
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pilotage.core.judging import Snapshot
from pilotage.errors import PilotageError, Place, Problem
from pilotage.manifest.compose import Unreadable, compose
from pilotage.manifest.nodes import locate
from pilotage.manifest.source import Source
from pilotage.manifest.suggest import closest

STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"
_ARMS = ("control", "canary")


def read_recording(path: str) -> Iterator[Snapshot]:
    """The snapshots of a file, as they are read; ``-`` is standard input. Compressed with gzip or not.

    PilotageError when it can not be read, is empty, or at the first line that is no snapshot.
    """
    name = "standard input" if path == STANDARD_INPUT else path
    empty = True
    try:
        with _opened(path) as stream:
            for snapshot in snapshots(stream, name):
                empty = False
                yield snapshot
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(name, error) from error
    if empty:
        mend = "each line is one snapshot: see docs/judge/replay.md"
        raise _refused(name, "empty", "there is no snapshot in this recording", mend)


def written(snapshot: Snapshot) -> str:
    """Its line in a recording, without the end of the line; read again it is the same."""
    return snapshot.model_dump_json()


def keep_recording(snapshots: Iterable[Snapshot], path: Path) -> None:
    """Written to a file, compressed if its name ends in .gz. PilotageError when it can not be written."""
    try:
        with path.open("wb") as plain, ExitStack() as stack:
            file = stack.enter_context(gzip.open(plain, "wb")) if path.suffix == ".gz" else plain
            for snapshot in snapshots:
                file.write(f"{written(snapshot)}\n".encode())
    except OSError as error:
        raise _unwritable(path, error) from error


def keep_text(text: str, path: Path) -> None:
    """PilotageError when it can not be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from error


def snapshots(lines: Iterable[bytes], name: str) -> Iterator[Snapshot]:
    """Of the lines of a recording; ``name`` is what it is called in places."""
    for number, line in enumerate(lines, start=1):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            continue
        try:
            yield Snapshot.model_validate_json(line, strict=True)
        except ValidationError:
            yield _second_look(line, name, number)


@contextmanager
def _opened(path: str) -> Iterator[Iterable[bytes]]:
    """Its lines. Standard input stays open."""
    with ExitStack() as stack:
        stream = (
            stack.enter_context(open(sys.stdin.fileno(), "rb", closefd=False))
            if path == STANDARD_INPUT
            else stack.enter_context(open(path, "rb"))
        )
        packed = stream.peek(len(_GZIP))[: len(_GZIP)] == _GZIP
        yield stack.enter_context(gzip.open(stream)) if packed else stream


def _second_look(line: bytes, name: str, number: int) -> Snapshot:
    """A line with nulls where the model has none, or a refusal with its place."""
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        column = len(line[: error.start].decode()) + 1
        what = f"the byte 0x{line[error.start]:02x} is not UTF-8"
        raise _refused(name, "not-json", what, "save it as UTF-8", number, column) from None
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        said = error.msg.removesuffix(" starting at")
        what = f"this is no JSON: {said[:1].lower()}{said[1:]}"
        raise _refused(name, "not-json", what, _CUT, number, error.colno, text) from None
    except RecursionError:
        raise _refused(name, "not-json", "this is nested too deeply", None, number, 1, text) from None
    if not isinstance(data, dict):
        mend = 'write {"t": …, "weight": …, "control": …, "canary": …}'
        raise _refused(name, "value", "a snapshot is an object", mend, number, 1, text)
    _refuse_mistyped(data, name, number, text)
    try:
        return Snapshot.model_validate_json(json.dumps(_with_nulls(data)), strict=True)
    except ValidationError as error:
        raise _located(error.errors(include_url=False)[0], name, number, text) from None


_CUT = "if the recording was cut off here, remove this line"


def _refuse_mistyped(data: dict[str, Any], name: str, number: int, text: str) -> None:
    """An arm that is left out is not known; one that is misspelt is a mistake."""
    for missing in (arm for arm in _ARMS if arm not in data):
        for key in data.keys() - Snapshot.model_fields.keys():
            if closest(key, [missing]):
                column = _column(text, (key,), key=True)
                what = f"`{key}` is not a field of a snapshot, and `{missing}` is missing"
                raise _refused(name, "missing-key", what, f"did you mean `{missing}`?", number, column, text)


def _with_nulls(data: dict[str, Any]) -> dict[str, Any]:
    """A time, a share or a bucket that is null is not a number; an arm that is left out is null."""
    found = dict.fromkeys(_ARMS) | data
    found |= {field: nan for field in ("t", "weight") if field in data and data[field] is None}
    return found | {arm: _arm_with_nulls(found[arm]) for arm in _ARMS}


def _arm_with_nulls(arm: Any) -> Any:
    if not isinstance(arm, dict):
        return arm
    found = dict(arm)
    if isinstance(arm.get("latency_bucket"), list):
        found["latency_bucket"] = [nan if one is None else one for one in arm["latency_bucket"]]
    if isinstance(arm.get("shards"), list):
        found["shards"] = [{} if one is None else _arm_with_nulls(one) for one in arm["shards"]]
    return found


_KINDS = {
    "float_type": "a number or null is needed here",
    "model_type": "an object or null is needed here",
    "tuple_type": "a list or null is needed here",
    "string_type": "a text or null is needed here",
}


def _located(detail: ErrorDetails, name: str, number: int, text: str) -> PilotageError:
    location = detail["loc"]
    if detail["type"] == "missing":
        what = f"`{location[-1]}` is missing"
        mend = "write null for what is not known"
        return _refused(name, "missing-key", what, mend, number, _column(text, location[:-1]), text)
    what = _KINDS.get(detail["type"], "this value is not possible here")
    shown = json.dumps(detail["input"], ensure_ascii=False, default=str)
    what = f"`{shown if len(shown) <= 40 else shown[:39] + '…'}`: {what}"
    return _refused(name, "value", what, None, number, _column(text, location), text)


def _column(text: str, location: tuple[str | int, ...], *, key: bool = False) -> int:
    """Where a value (or its key) stands in the line: every JSON object is a flow mapping of YAML."""
    try:
        root, _ = compose(Source(text, ""))
    except Unreadable:
        return 1
    spot = locate(root, location)
    span = spot.key.span if key and spot.key else spot.span
    return span.column + 1 if location else 1


def _refused(
    name: str,
    code: str,
    what: str,
    mend: str | None,
    line: int | None = None,
    column: int | None = None,
    text: str | None = None,
) -> PilotageError:
    where = Place(file=name, line=line, column=column, text=text)
    return PilotageError(Problem(code=f"recording.{code}", what=what, mend=mend, where=where))


def _unreadable(name: str, error: Exception) -> PilotageError:
    match error:
        case FileNotFoundError():
            what, mend = "there is no such file", "`pilotage judge export ROLLOUT --out FILE` writes one"
        case IsADirectoryError():
            what, mend = "this is a folder, not a file", "name a file in it"
        case OSError(strerror=str() as why):
            what, mend = f"it can not be read: {why}", "see that you may read it (ls -l)"
        case _:
            what, mend = "its compression ends too early, or is damaged", "write or copy it again"
    return _refused(name, "unreadable", what, mend)


def _unwritable(path: Path, error: OSError) -> PilotageError:
    mend = "see that its folder exists, and that you may write there"
    return _refused(str(path), "unwritable", f"it can not be written: {error.strerror}", mend)

"""pydantic's complaints → findings in our words, each with a caret under what is meant.

The location of an error is walked through the tree to its mark. pydantic's own wording never reaches a person;
a type of error that is not in the table gets a plain sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pilotage.core.notation import show_duration
from pilotage.manifest.data import Reading, kind_of, shown
from pilotage.manifest.document import Document
from pilotage.manifest.fields import known_keys
from pilotage.manifest.nodes import Entries, Items, Location, Node, Scalar, Spot, locate
from pilotage.manifest.source import Finding
from pilotage.manifest.suggest import closest, did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

_NOTATION = (
    (re.compile(r"^this (?:is not a |)(?:window|start)|^there is no time zone"), "manifest.window"),
    (re.compile(r"duration"), "manifest.duration"),
    (re.compile(r"share|between 0% and 100%|finer than"), "manifest.share"),
    (re.compile(r"^this (?:is not a |)(?:day|moment)"), "manifest.date"),
    (re.compile(r"^this is not an id"), "manifest.name"),
    (re.compile(r"^this is not a (?:range|version)|must lie after"), "manifest.value"),
)
_Words = tuple[str, str | None]


def explain(error: ValidationError, reading: Reading, whole: type[BaseModel] = Document) -> None:
    """Add a finding for every error that is not about a node already found faulty. ``whole``: what was read."""
    order = {"missing": 2, "extra_forbidden": 0}
    details = error.errors(include_url=False)
    for detail in sorted(details, key=lambda detail: (order.get(detail["type"], 1), -len(detail["loc"]))):
        _explain_one(detail, reading, whole)


def _explain_one(detail: ErrorDetails, reading: Reading, whole: type[BaseModel]) -> None:
    location, kind = detail["loc"], detail["type"]
    if kind == "missing":
        _missing(location, reading)
    elif kind == "extra_forbidden":
        _unknown(location, reading, whole)
    elif location and location[-1] == "[key]":
        spot = locate(reading.root, location[:-1])
        if spot.key is not None and id(spot.key) not in reading.faulty:
            code, (what, mend) = _worded(detail, Spot(None, spot.key), reading)
            reading.fault(spot.key, Finding(spot.key.span, code, what, mend))
    else:
        _wrong(detail, reading)


def _missing(location: Location, reading: Reading) -> None:
    spot = locate(reading.root, location[:-1])
    if id(spot.value) in reading.faulty or _mistyped(str(location[-1]), spot.value, reading):
        return
    inside = f" in {shown(spot.key)}" if spot.key else ""
    name = str(location[-1])
    mend = f"add `{name}: …`" if isinstance(spot.value, Entries) else f"write it as a mapping with `{name}: …`"
    reading.findings.append(Finding(_head(spot), "manifest.missing-key", f"`{name}` is missing{inside}", mend))


def _mistyped(name: str, mapping: Node, reading: Reading) -> bool:
    """An unknown key beside it was most likely meant to be it, and has been said to be."""
    if not isinstance(mapping, Entries):
        return False
    return any(id(key) in reading.faulty and closest(key.text, [name]) for key, _ in mapping.entries)


def _unknown(location: Location, reading: Reading, whole: type[BaseModel]) -> None:
    spot = locate(reading.root, location)
    if spot.key is None or id(spot.key) in reading.faulty:
        return
    known = known_keys(location[:-1], reading.data, whole)
    near = did_you_mean(spot.key.text, known)
    mend = near or (f"the keys here are {', '.join(known)}" if known else "remove it")
    what = f"{shown(spot.key)} is not a key here"
    reading.fault(spot.key, Finding(spot.key.span, "manifest.unknown-key", what, mend))


def _wrong(detail: ErrorDetails, reading: Reading) -> None:
    spot = locate(reading.root, detail["loc"])
    named = _named(detail, spot)
    # An unknown method is no echo of what is wrong in its settings.
    if _already_faulty(named if detail["type"] == "manifest.unknown-method" else spot, reading):
        return
    code, (what, mend) = _worded(detail, named, reading)
    span = _head(named) if code == "manifest.missing-key" else named.span
    reading.fault(named.value, Finding(span, code, what, mend))


def _already_faulty(spot: Spot, reading: Reading) -> bool:
    """Itself, or something inside: then its complaint is most likely an echo."""
    inside: list[Node] = [spot.value]
    while inside:
        node = inside.pop()
        if id(node) in reading.faulty:
            return True
        if isinstance(node, Items):
            inside += node.items
        elif isinstance(node, Entries):
            inside += [part for entry in node.entries for part in entry]
    return False


def _named(detail: ErrorDetails, spot: Spot) -> Spot:
    """A rule over several keys: stand under the first of them that the complaint names."""
    if detail["type"] in ("value_error", "manifest.unknown-method") and isinstance(spot.value, Entries):
        message = "method" if detail["type"] == "manifest.unknown-method" else str(detail["msg"])
        for word in re.findall(r"[a-z_-]+", message):
            entry = spot.value.get(word)
            if entry:
                return Spot(*entry)
    return spot


def _head(spot: Spot) -> Any:
    """Under the key of the mapping that lacks something; in a list, under its first key."""
    return spot.key.span if spot.key else spot.span


def _worded(detail: ErrorDetails, spot: Spot, reading: Reading) -> tuple[str, _Words]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind.startswith("manifest."):
        words: _Words = (str(context["what"]), context["mend"])
        return kind, _filled(words, spot, detail["input"])
    if kind == "value_error":
        return _own_value_error(str(context.get("error", "")), spot)
    code, explain_type = _TYPES.get(kind, ("manifest.value", _fallback))
    return code, explain_type(spot, context, detail["input"])


def _filled(words: _Words, spot: Spot, value: object) -> _Words:
    what = words[0].replace("{shown}", shown(spot.value)).replace("{shown:method}", shown(spot.value))
    return what.replace("{kind}", kind_of(value)), words[1]


def _own_value_error(message: str, spot: Spot) -> tuple[str, _Words]:
    """Of the core's notations and of the methods: ``what``, or ``what: write …``."""
    code = next((code for pattern, code in _NOTATION if pattern.search(message)), "manifest.method")
    what, colon, mend = message.partition(": write ")
    if code in ("manifest.duration", "manifest.share") and isinstance(spot.value, Scalar):
        what = _notation(what, code, spot.value)
        if code == "manifest.share" and re.fullmatch(r"0?\.\d{1,6}", spot.value.text):
            mend += f", or {float(spot.value.text) * 100:g}% when that fraction is meant"
    return code, (what, f"write {mend}" if colon else None)


def _notation(what: str, code: str, scalar: Scalar) -> str:
    if "needs a unit" in what:
        return f"{shown(scalar)} has no unit"
    if "finer" in what:
        return f"{shown(scalar)} is finer than 0.0001%, the smallest share a router can hold"
    if "between" in what:
        return f"{shown(scalar)} is not between 0% and 100%"
    return f"{shown(scalar)} is not a {code.removeprefix('manifest.')}"


def _text(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    del context
    if isinstance(value, bool | int | float) and isinstance(spot.value, Scalar):
        quoted = "" if spot.value.secret else f': "{spot.value.text}"'
        return f"{shown(spot.value)} is {kind_of(value)} in YAML; a text is needed", f"put it in quotes{quoted}"
    return f"a text is needed here, not {kind_of(value)}", None


def _number(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    del context
    if isinstance(value, str) and isinstance(spot.value, Scalar):
        if spot.value.quoted and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return f"{shown(spot.value)} in quotes is a text; a number is needed", "remove the quotes"
        return f"{shown(spot.value)} is not a number", None
    return f"a number is needed here, not {kind_of(value)}", None


def _whole(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    if isinstance(value, float):
        return (
            f"{shown(spot.value)} is not a whole number",
            f"write {value:.0f}" if value.is_integer() else None,
        )
    return _number(spot, context, value)


def _boolean(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    del context, value
    return f"{shown(spot.value)} is neither true nor false", "write true or false, without quotes"


def _mapping(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    del context
    name = shown(spot.key) if spot.key else "this"
    return f"{name} must be a mapping (`key: value` lines), not {kind_of(value)}", None


def _list(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    del context
    name = shown(spot.key) if spot.key else "this"
    mend = f"write [{spot.value.text}]" if isinstance(spot.value, Scalar) and not spot.value.secret else None
    return f"{name} must be a list, not {kind_of(value)}", mend if mend and len(mend) < 60 else None


def _choice(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    expected = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    near = did_you_mean(value, expected)
    if len(expected) == 1:
        return f"{shown(spot.value)} is not possible here", f"only `{expected[0]}` is"
    return f"{shown(spot.value)} is not one of {', '.join(expected)}", near


def _bound(words: str, name: str) -> Callable[[Spot, Mapping[str, Any], object], _Words]:
    def explain_bound(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
        del value
        return f"{shown(spot.value)} is too {words} {_written(context[name], spot.value)}", None

    return explain_bound


def _written(limit: object, node: Node) -> str:
    """A limit in the notation of what it limits."""
    if isinstance(limit, timedelta):
        return show_duration(limit)
    if limit == "0 seconds":  # pydantic gives a timedelta as its own words
        return show_duration(timedelta(0))
    if isinstance(node, Scalar) and node.text.rstrip().endswith("%") and isinstance(limit, int | float):
        return f"{limit * 100:g}%"
    return f"{limit:g}" if isinstance(limit, int | float) else str(limit)


def _few(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    del value
    name = shown(spot.key) if spot.key else "this"
    return f"{name} is empty", f"give at least {context.get('min_length', 1)}, or remove the line"


def _long(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    del value
    name = shown(spot.key) if spot.key else "this"
    return f"{name} is longer than {context.get('max_length', 'it may be')}", "make it shorter"


def _duration(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    del context, value
    return f"{shown(spot.value)} is not a duration", "write it like 30s, 5m, 1h30m or 2d"


def _fallback(spot: Spot, context: Mapping[str, Any], value: object) -> _Words:
    del context, value
    return f"{shown(spot.value)} is not possible here", None


_TYPES: Mapping[str, tuple[str, Callable[[Spot, Mapping[str, Any], object], _Words]]] = {
    "string_type": ("manifest.not-text", _text),
    "int_type": ("manifest.type", _whole),
    "int_parsing": ("manifest.type", _whole),
    "int_from_float": ("manifest.type", _whole),
    "int_parsing_size": ("manifest.range", _whole),
    "float_type": ("manifest.type", _number),
    "float_parsing": ("manifest.type", _number),
    "bool_type": ("manifest.type", _boolean),
    "bool_parsing": ("manifest.type", _boolean),
    "dict_type": ("manifest.type", _mapping),
    "model_type": ("manifest.type", _mapping),
    "model_attributes_type": ("manifest.type", _mapping),
    "tuple_type": ("manifest.type", _list),
    "list_type": ("manifest.type", _list),
    "literal_error": ("manifest.choice", _choice),
    "enum": ("manifest.choice", _choice),
    "greater_than": ("manifest.range", _bound("small: it must be more than", "gt")),
    "greater_than_equal": ("manifest.range", _bound("small: it must be at least", "ge")),
    "less_than": ("manifest.range", _bound("large: it must be less than", "lt")),
    "less_than_equal": ("manifest.range", _bound("large: it must be at most", "le")),
    "too_short": ("manifest.empty-list", _few),
    "too_long": ("manifest.range", _long),
    "string_too_short": ("manifest.range", _few),
    "string_too_long": ("manifest.range", _long),
    "time_delta_type": ("manifest.duration", _duration),
    "time_delta_parsing": ("manifest.duration", _duration),
}


def error_types() -> Sequence[str]:
    """The types of pydantic's errors that have words of their own."""
    return tuple(_TYPES)

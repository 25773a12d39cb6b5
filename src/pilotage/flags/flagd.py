"""A rule as a flag definition of flagd, and back. Pure.

Source: flagd, *Flag Definitions* and its JSON schema ``https://flagd.dev/schema/v0/flags.json`` (state,
variants of one type, defaultVariant, targeting) with *Targeting* (``if`` with three arguments, ``===``,
``in``, ``starts_with``, ``fractional`` with whole weights; without a bucketing value it takes the flag's key
and the targeting key).
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from pilotage.core.flags import FlagRule, FlagSeen, Segment
from pilotage.core.values import EVERYBODY, canonical_json, digest

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
Definition = dict[str, Any]


def compiled(rule: FlagRule) -> Definition:
    """What stands under the flag's key in a file of flagd.

    The state is always ENABLED: clients answer a disabled flag with the default in their own code, whatever
    that is. A flag that is off for everybody says so itself.
    """
    definition: Definition = {"state": "ENABLED", "variants": dict(rule.variants), "defaultVariant": rule.off}
    return definition if rule.nobody else {**definition, "targeting": _targeting(rule)}


def read(key: str, definition: object) -> FlagRule | None:
    """The rule, told plainly, that compiles to exactly this definition; None when there is none."""
    if not isinstance(definition, dict):
        return None
    try:
        rule = _read(key, definition)
    except (ValidationError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        return None
    return rule if rule is not None and canonical_json(compiled(rule)) == canonical_json(definition) else None


def seen(key: str, definition: object) -> FlagSeen:
    """A flag as it was found in a file; None: it is not there."""
    if definition is None:
        return FlagSeen(key=key)
    rule = read(key, definition)
    return FlagSeen(
        key=key,
        revision=rule.revision if rule is not None else digest(definition),
        kept=canonical_json(definition),
        nobody=_off(definition) if rule is None or rule.nobody else False,
    )


def _targeting(rule: FlagRule) -> Any:
    rest: Any = {"fractional": [[rule.on, rule.share], [rule.off, EVERYBODY - rule.share]]}
    if rule.share == EVERYBODY:
        rest = rule.on
    elif not rule.share:
        rest = rule.off
    for segment in reversed(rule.segments):
        rest = {"if": [_condition(segment), rule.on, rest]}
    # The targeting itself must be a rule, and those without an id have the feature too when everybody has it.
    return rest if isinstance(rest, dict) else {"if": [True, rest, rule.off]}


def _condition(segment: Segment) -> Definition:
    attribute = {"var": segment.attribute}
    if segment.equals is not None:
        return {"===": [attribute, segment.equals]}
    if segment.one_of is not None:
        return {"in": [attribute, list(segment.one_of)]}
    return {"starts_with": [attribute, segment.starts_with]}


def _read(key: str, definition: Definition) -> FlagRule | None:
    off = definition["defaultVariant"]
    names = [name for name in definition["variants"] if name != off]
    bare = {"key": key, "variants": definition["variants"], "off": off}
    if "targeting" not in definition:
        return FlagRule(**bare, on=names[0]).plain
    segments, rest, on = _unfolded(definition["targeting"])
    if rest == {"if": [True, on, off]} or rest == on:
        return FlagRule(**bare, on=on, segments=segments, share=EVERYBODY)
    if rest == off:
        return FlagRule(**bare, on=on, segments=segments)
    return FlagRule(**bare, on=on, segments=segments, share=rest["fractional"][0][1])


def _unfolded(rest: Any) -> tuple[tuple[Segment, ...], Any, str]:
    """The segments, what holds for all others, and the variant of who has it."""
    segments, on = [], None
    while isinstance(rest, dict) and "if" in rest and rest["if"][0] is not True:
        condition, on, rest = rest["if"]
        segments.append(_segment(condition))
    if on is None:
        on = rest["if"][1] if "if" in rest else rest["fractional"][0][0]
    return tuple(segments), rest, on


def _segment(condition: Definition) -> Segment:
    [(operator, (attribute, value))] = condition.items()
    name = {"===": "equals", "in": "one_of", "starts_with": "starts_with"}[operator]
    return Segment(attribute=attribute["var"], **{name: value})


def _off(definition: object) -> bool:
    """Whether a definition is certainly on for nobody: disabled, or nothing is targeted and what all get is
    false or is called off."""
    if not isinstance(definition, dict):
        return False
    if definition.get("state") == "DISABLED":
        return True
    variants, default = definition.get("variants"), definition.get("defaultVariant")
    value = variants.get(default) if isinstance(variants, dict) and isinstance(default, str) else None
    return (value is False or default == "off") and not definition.get("targeting")

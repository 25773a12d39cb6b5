"""A judge's settings written as a file that ``judge_file`` reads again as the same settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel, BeforeValidator, TypeAdapter
from pydantic.fields import FieldInfo

from pilotage.core.judging import JudgeSettings, MeasureSettings, Slo
from pilotage.core.notation import parse_fraction, show_duration
from pilotage.manifest.fields import bare, is_model
from pilotage.manifest.judge_blocks import JudgeBlock, MeasureBlock, SloBlock

_PREFIX = {"errors": "error_", "latency": "latency_"}
"""Blocks whose keys are fields of JudgeSettings with a prefix."""


_WRITTEN: Mapping[type[BaseModel], type[BaseModel]] = {MeasureSettings: MeasureBlock, Slo: SloBlock}
"""The blocks that these values are written as."""


def judge_text(settings: JudgeSettings) -> str:
    """YAML: every key of a manifest's ``judge``, so that another version's defaults change nothing."""
    return "".join(f"{line}\n" for line in _lines(judge_block(settings)))


def judge_block(settings: JudgeSettings) -> dict[str, Any]:
    """The settings as a manifest's ``judge`` block, as data."""
    block: dict[str, Any] = {}
    for name, field in JudgeBlock.model_fields.items():
        model = bare(field.annotation)
        if name in _PREFIX and is_model(model):
            parts = {
                key: (one, getattr(settings, _PREFIX[name] + key)) for key, one in model.model_fields.items()
            }
            block[name] = {key: _shown(*part) for key, part in parts.items() if part[1] != ()}
        elif (value := getattr(settings, name)) not in (None, {}, ()):
            block[name] = _shown(field, value)
    if not settings.latency:
        block["latency"] = False
    return block


def _shown(field: FieldInfo, value: Any) -> Any:
    """In the notation that this key is read in."""
    validators = [one.func for one in field.metadata if isinstance(one, BeforeValidator)]
    if parse_fraction in validators:
        return f"{(Decimal(repr(value)) * 100).normalize():f}%"
    return _plain(value)


def _plain(value: Any) -> Any:
    match value:
        case timedelta():
            text = show_duration(value)
            exact = value % timedelta(milliseconds=1) == timedelta(0)
            return text if exact else TypeAdapter(timedelta).dump_python(value, mode="json")
        case Enum():
            return value.value
        case BaseModel():
            fields = _WRITTEN.get(type(value), type(value)).model_fields
            found = {name: getattr(value, name) for name in fields}
            return {name: _shown(fields[name], one) for name, one in found.items() if one is not None}
        case Mapping():
            return {key: _plain(one) for key, one in value.items()}
        case tuple() | list():
            return [_plain(one) for one in value]
        case _:
            return value


def _lines(block: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    for key, value in block.items():
        name = key if key.isidentifier() else json.dumps(key)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{name}: {_flow(value)}"


def _flow(value: Any) -> str:
    """On one line; a number without an exponent, which YAML readers read apart."""
    match value:
        case bool() | None:
            return json.dumps(value)
        case int() | float():
            return f"{Decimal(repr(value)):f}"
        case str():
            return value if value.rstrip("%").replace(".", "").isalnum() else json.dumps(value)
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(key)}: {_flow(one)}" for key, one in value.items()) + "}"
        case _:
            return "[" + ", ".join(map(_flow, value)) + "]"

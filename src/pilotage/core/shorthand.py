"""Short ways to write a value: one key's value for a whole mapping, one value for a list of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class Short:
    """A bare text is short for a mapping with this one key. ``numbers``: a number too, to be refused as what
    the key wants."""

    key: str
    numbers: bool = False

    def expand(self, value: Any) -> Any:
        number = self.numbers and isinstance(value, int | float)
        return {self.key: value} if isinstance(value, str) or number else value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.expand, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        full = handler(schema)
        properties = handler.resolve_ref_schema(full).get("properties", {})
        short: Mapping[str, Any] = properties.get(self.key, {"type": "string"})
        return {"anyOf": [{key: short[key] for key in ("type", "pattern") if key in short}, full]}


@dataclass(frozen=True)
class One:
    """One value may stand for a list of one."""

    def expand(self, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.expand, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


@dataclass(frozen=True)
class YesOrShort(Short):
    """``true`` is short for the mapping without any key, ``false`` for None; a bare text for its one key."""

    def expand(self, value: Any) -> Any:
        if isinstance(value, bool):
            return {} if value else None
        return super().expand(value)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "boolean"}, {"type": "string"}, handler(schema)]}


class OneMapping(One):
    """One mapping may stand for a list of one."""

    def expand(self, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

"""A method within another one: ``then`` of a pilot, ``how`` of a wave."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from pilotage.strategies.method import Method

NESTED = {"x-nested": "method"}
"""Stands in a JSON Schema for any method that may follow another one: a method may hold itself."""


class _ByName:
    """Reads a method by its name, or by the mapping that names it."""

    @staticmethod
    def read(value: Any) -> Method:
        from pilotage.strategies.registry import METHODS  # the registry knows those that nest

        if isinstance(value, Method):
            return _fit(value)
        settings = {"method": value} if isinstance(value, str) else value
        known = ", ".join(name for name, one in METHODS.items() if one.follows)
        if not isinstance(settings, dict) or not isinstance(settings.get("method"), str):
            raise ValueError(f"no method is named here: write `method: …` with one of {known}")
        chosen = METHODS.get(settings["method"])
        if chosen is None:
            raise ValueError(f"there is no method of this name: write one of {known}")
        return _fit(chosen.model_validate(settings))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return dict(NESTED)


def _fit(method: Method) -> Method:
    if not method.follows:
        raise ValueError(
            f"{method.method} can not follow, both versions run side by side: write canary or blue-green"
        )
    return method


Nested = Annotated[Method, _ByName()]

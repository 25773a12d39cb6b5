"""A method inside another: what comes after, with settings of its own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from pilotage.strategies.method import Method


def _methods() -> dict[str, type[Method]]:
    """Those that may stand inside another: which do not nest themselves."""
    from pilotage.strategies.registry import METHODS  # it knows the methods that nest others

    return {name: method for name, method in METHODS.items() if not method.nests}


class _Inside:
    """Chosen by name, like the strategy itself; not by a pydantic union, for the same reason."""

    @staticmethod
    def read(value: Any) -> Method:
        if isinstance(value, Method):
            return value
        settings = {"method": value} if isinstance(value, str) else value
        name = settings.get("method") if isinstance(settings, dict) else None
        chosen = _methods().get(name) if isinstance(name, str) else None
        if chosen is None:
            raise ValueError(f"{name or value!r} is no method that may follow: {', '.join(_methods())}")
        return chosen.model_validate(settings)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = core_schema.plain_serializer_function_ser_schema(lambda method: method.model_dump(mode="json"))
        return core_schema.no_info_plain_validator_function(self.read, serialization=plain)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        methods = _methods()
        choices = [handler(method.__pydantic_core_schema__) for method in methods.values()]
        return {"anyOf": [{"enum": list(methods)}, {"oneOf": choices}]}


Nested = Annotated[Method, _Inside()]

"""The strategy block: ``method`` says whose settings the other keys are."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from pilotage.manifest.suggest import did_you_mean
from pilotage.manifest.words import refuse
from pilotage.strategies.method import Method
from pilotage.strategies.registry import METHODS


class _ByMethod:
    """Chosen here and not by a pydantic union: that would put the tag into every location."""

    @staticmethod
    def read(value: Any) -> Method:
        settings = {"method": value} if isinstance(value, str) else value
        known = f"the methods are {', '.join(METHODS)}"
        if not isinstance(settings, dict):
            refuse(
                "type", "a strategy is a mapping, not {kind}", "write `method: canary` and its settings below"
            )
        if "method" not in settings:
            refuse("missing-key", "`method` is missing here", known)
        name = settings["method"]
        chosen = METHODS.get(name) if isinstance(name, str) else None
        if chosen is None:
            refuse("unknown-method", "{shown:method} is not a method", did_you_mean(name, METHODS) or known)
        return chosen.model_validate(settings)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        choices = [handler(method.__pydantic_core_schema__) for method in METHODS.values()]
        return {"anyOf": [{"enum": list(METHODS)}, {"oneOf": choices}]}


MethodBlock = Annotated[Method, _ByMethod()]

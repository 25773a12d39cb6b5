"""The strategy block: ``method`` says whose settings the other keys are."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, PydanticCustomError, core_schema

from pilotage.manifest.suggest import closest, did_you_mean
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
            raise _unknown(settings, did_you_mean(name, METHODS) or known)
        return chosen.model_validate(settings)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        choices = [handler(method.__pydantic_core_schema__) for method in METHODS.values()]
        return {"anyOf": [{"enum": list(METHODS)}, {"oneOf": choices}]}


def _unknown(settings: dict[Any, Any], mend: str) -> ValidationError:
    """Besides, what is wrong in its settings, as far as the method that was most likely meant knows the key, or
    else any."""
    words = {"what": "{shown:method} is not a method", "mend": mend}
    unknown = PydanticCustomError("manifest.unknown-method", "{what}", words)
    meant = METHODS.get(closest(settings["method"], METHODS) or "")
    models = [meant] if meant else list(METHODS.values())
    found = [InitErrorDetails(type=unknown, loc=(), input=settings)]
    for key in settings:
        model = next((one for one in models if key in one.model_fields and key != "method"), None)
        found += _wrong(model, key, settings[key]) if model else []
    return ValidationError.from_exception_data("strategy", found)


def _wrong(model: type[Method], key: str, value: object) -> list[InitErrorDetails]:
    """What this method says to one setting alone."""
    try:
        model.model_validate({"method": model.model_fields["method"].default, key: value})
    except ValidationError as refused:
        return [_again(one) for one in refused.errors() if one["loc"][:1] == (key,)]
    return []


def _again(told: ErrorDetails) -> InitErrorDetails:
    """A complaint once more, to be raised among others."""
    kind, context = told["type"], told.get("ctx", {})
    own = PydanticCustomError(kind, "{what}", context) if kind.startswith("manifest.") else kind
    return InitErrorDetails(type=own, loc=told["loc"], input=told["input"], ctx=context)


MethodBlock = Annotated[Method, _ByMethod()]

"""The JSON Schema that editors complete and check a manifest with, made from the same models that load it."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from pilotage.core.comparing import parse_within
from pilotage.core.notation import parse_amount, parse_duration, parse_fraction, parse_share
from pilotage.dossier.file import ReleaseFile
from pilotage.manifest.document import Document
from pilotage.strategies.nesting import NESTED
from pilotage.strategies.registry import METHODS

SCHEMA_ID = "urn:pilotage:manifest:1"
RELEASE_SCHEMA_ID = "urn:pilotage:release:1"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DURATION = {
    "type": "string",
    "pattern": r"^(?: *\d+(?:\.\d+)? *(?:ms|s|m|h|d|w))+ *$",
    "examples": ["30s", "5m", "1h30m"],
}
_SHARE = {
    "type": "string",
    "pattern": r"^ *(?:100(?:\.0+)?|\d{1,2}(?:\.\d+)?) ?% *$",
    "examples": ["5%", "0.5%"],
}
_AMOUNT = {"anyOf": [{"type": "number", "minimum": 0}, _SHARE]}
_NOTATIONS = (
    (parse_duration, _DURATION),
    (parse_share, _SHARE),
    (parse_fraction, _SHARE),
    (parse_amount, _AMOUNT),
    (parse_within, _AMOUNT),
)


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of pilotage.yaml. Structure and spelling; rules over several places are load's."""
    schema = Document.model_json_schema(schema_generator=_Generator)
    definitions: dict[str, Any] = schema.pop("$defs")
    methods: dict[str, Any] = {}
    schema = _tidied(schema, methods)
    definitions = {name: _tidied(part, methods) for name, part in definitions.items()} | methods
    definitions["ArtifactBlock"] |= {"minProperties": 1, "maxProperties": 1}
    head = {"$schema": _DIALECT, "$id": SCHEMA_ID, "title": "Pilotage manifest"}
    return {**head, **schema, "$defs": dict(sorted(definitions.items()))}


def release_schema() -> dict[str, Any]:
    """The same of release.yaml."""
    schema = _tidied(ReleaseFile.model_json_schema(schema_generator=_Generator), {})
    definitions: dict[str, Any] = schema.pop("$defs")
    head = {"$schema": _DIALECT, "$id": RELEASE_SCHEMA_ID, "title": "Pilotage release file"}
    return {**head, **schema, "$defs": dict(sorted(definitions.items()))}


def json_schema_text() -> str:
    """As the file schema/pilotage.schema.json holds it."""
    return _text(json_schema())


def release_schema_text() -> str:
    """As the file schema/release.schema.json holds it."""
    return _text(release_schema())


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """A notation is described by its pattern, and not by what it becomes."""
        function = schema["function"]["function"]
        known = [pattern for notation, pattern in _NOTATIONS if notation is function]
        return dict(known[0]) if known else super().function_before_schema(schema)

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Optional means that it may be left out; a null is refused everywhere."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Defaults are in docs/manifest.md in the manifest's notation; here durations would be ISO 8601."""
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def _tidied(value: Any, methods: dict[str, Any]) -> Any:
    """Methods are defined once and told apart by ``method``; keys of a certain spelling allow no others."""
    if isinstance(value, list):
        return [_tidied(part, methods) for part in value]
    if not isinstance(value, dict):
        return value
    if value == NESTED:
        return nested()
    tidy = {key: _tidied(part, methods) for key, part in value.items() if not _is_title(key, part)}
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    method = tidy.get("properties", {}).get("method", {}).get("const")
    if method is None:
        return tidy
    name = f"method-{method}"
    methods[name] = {**tidy, "required": ["method"]}
    return {"$ref": f"#/$defs/{name}"}


def nested() -> dict[str, Any]:
    """Any method that may follow another one, by reference: one of them may hold itself."""
    names = [name for name, method in METHODS.items() if method.follows]
    choices = [{"$ref": f"#/$defs/method-{name}"} for name in names]
    return {"anyOf": [{"enum": names}, {"oneOf": choices}]}


def _is_title(key: str, part: Any) -> bool:
    """Class names as titles tell an editor's reader nothing."""
    return key == "title" and isinstance(part, str)

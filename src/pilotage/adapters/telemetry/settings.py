"""What all sources check alike: their settings from the manifest, each problem with what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from pilotage.errors import Problem


def problems_with(model: type[BaseModel], settings: Mapping[str, Any], kind: str) -> list[Problem]:
    """What is wrong with the settings of a source; no value stands in the words, one may be a secret."""
    try:
        model.model_validate(dict(settings))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        # A value that is a text or a reference to a secret is refused as both: once is enough.
        both = {one["loc"][:-1] for one in found if one["loc"] and one["loc"][-1] == "str"}
        return [
            _problem(
                one["type"], [step for step in one["loc"] if "Secret" not in str(step)], one["msg"], model, kind
            )
            for one in found
            if not (one["loc"] and one["loc"][-1] == "str" and len(found) > len(both))
        ]
    return []


def _plain(location: Sequence[str | int]) -> list[str | int]:
    return [step for step in location if "Secret" not in str(step)]


def _problem(
    type_: str, location: Sequence[str | int], message: str, model: type[BaseModel], kind: str
) -> Problem:
    name = ".".join(str(step) for step in location)
    if type_ == "extra_forbidden":
        known = tuple(model.model_fields) if len(location) == 1 else ()
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        mend = f"did you mean `{near[0]}`?" if near else None
        mend = mend or (f"it knows: {', '.join(known)}" if known else "remove it")
        what = f"the telemetry source {kind} has no setting `{name}`"
        return Problem(code="telemetry.unknown-setting", what=what, mend=mend)
    if type_ == "missing":
        what = f"the telemetry source {kind} needs the setting `{name}`"
        return Problem(code="telemetry.missing-setting", what=what, mend=f"add `{name}: …`")
    what = f"the telemetry source {kind} can not use its setting `{name}`" if name else f"telemetry of {kind}"
    return Problem(code="telemetry.setting", what=what, why=message.removeprefix("Value error, "))

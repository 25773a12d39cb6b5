"""Feature flag: the version comes to everybody with its feature off; then users get the feature, judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from pilotage.core.flags import FlagKey, FlagRule, Segment
from pilotage.core.notation import DurationText, ShareText
from pilotage.core.plan import Plan
from pilotage.core.steps import Flag, Judge, Step, Undecided
from pilotage.core.values import EVERYBODY
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.method import Context, Method, flag_back
from pilotage.strategies.rolling import Rolling

DEPLOYS: dict[str, type[Rolling] | type[BlueGreen] | type[BigBang]] = {
    "rolling": Rolling,
    "blue-green": BlueGreen,
    "big-bang": BigBang,
}
"""How the version may be brought out while its feature is off."""
_SHARED = ("by", "drain", "ready_within")
_LATER = {"bake": "judged", "judge": "judged", "keep_warm": "kept warm", "at_most": "judged"}


def _deploy(value: Any) -> Any:
    settings = {"method": value} if isinstance(value, str) else value
    if isinstance(settings, Method):
        return settings
    known = ", ".join(DEPLOYS)
    if not isinstance(settings, Mapping) or settings.get("method") not in DEPLOYS:
        raise ValueError(f"a version whose feature is off is brought out by one of: {known}")
    for key in settings.keys() & _LATER.keys():
        raise ValueError(
            f"`{key}`: nothing is {_LATER[key]} while the feature is off; the flag's own steps are"
        )
    return DEPLOYS[str(settings["method"])].model_validate(settings)


class _OneOfDeploys:
    """Chosen here and not by a pydantic union: that would put the tag into every location."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_deploy)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        choices = [handler(method.__pydantic_core_schema__) for method in DEPLOYS.values()]
        return {"anyOf": [{"enum": list(DEPLOYS)}, {"oneOf": choices}]}


class FeatureFlag(Method):
    """The version comes to everybody with its feature off; then users get the feature, judged, or it is
    turned off.

    Users keep the feature as the share grows. Turning it off is one change of the flag: no instance is touched.
    """

    nests: ClassVar[bool] = True
    follows: ClassVar[bool] = False

    method: Literal["feature-flag"] = "feature-flag"
    flag: FlagKey = Field(description="Key of the flag. It must be off for everybody, or not exist yet.")
    deploy: Annotated[Method, _OneOfDeploys()] = Field(
        default=Rolling(),
        description="How the version is brought out while the feature is off: rolling, blue-green or big-bang.",
    )
    steps: tuple[ShareText, ...] = Field(
        default=(100_000, 500_000),
        min_length=1,
        description="Growing shares of users with the feature, each judged; after the last comes everybody.",
    )
    first: tuple[Segment, ...] = Field(
        default=(), description="Users who have it from the first step on, whatever the share."
    )
    hold: DurationText = Field(
        default=timedelta(minutes=2), description="How long each share is held at least, however good it looks."
    )
    at_most: DurationText | None = Field(
        default=None,
        description="How long the judge may take for each share; then `undecided` says what happens.",
    )
    undecided: Undecided = Field(
        default=Undecided.HOLD,
        description="When the judge does not know by then: hold (wait on, a person may go on), or rollback.",
    )
    takes_back: Literal["feature", "version"] = Field(
        default="feature",
        description="What a bad judgement or `abort` takes back once the version is live: only the feature, or "
        "the old version too. `rollback` always takes both.",
    )

    @property
    def flag_key(self) -> str:
        return self.flag

    @field_validator("steps")
    @classmethod
    def _grow(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if any(later <= earlier for earlier, later in pairwise(steps)):
            raise ValueError("shares must grow from step to step")
        if steps[0] <= 0 or steps[-1] >= EVERYBODY:
            raise ValueError("shares lie between 0% and 100%; everybody follows by itself after the last")
        return steps

    @model_validator(mode="after")
    def _time(self) -> FeatureFlag:
        if self.at_most is not None and self.at_most < self.hold:
            raise ValueError("at_most is shorter than hold: no step could ever end")
        return self

    def compile(self, context: Context) -> Plan:
        """The plan of bringing the version out, with the flag's steps after its promotion, and before all
        else on the way back. ``context.basis.flag`` is what the flag is now."""
        assert context.basis.flag is not None, "planning looks at the flag"
        deploy = self._brings_out(context)
        dark = deploy.compile(context)
        off, before = flag_back(context.basis.flag)
        return Plan.model_validate(
            {
                **dict(dark),
                "method": self.method,
                "flags": context.flags,
                "judge": context.judge.model_copy(update={"traffic": False}),
                "steps": (Flag(flag=self._rule(0)), *dark.steps, *self.exposing(context)),
                "way_back": (*off, *dark.way_back, *before),
                "dark": len(off) if self.takes_back == "feature" else 0,
            }
        )

    def exposing(self, context: Context) -> list[Step]:
        """The flag's own steps."""
        del context
        steps: list[Step] = []
        for share in self.steps:
            steps.append(Flag(flag=self._rule(share)))
            steps.append(Judge(at_least=self.hold, at_most=self.at_most, undecided=self.undecided))
        return [*steps, Flag(flag=self._rule(EVERYBODY))]

    def _rule(self, share: int) -> FlagRule:
        return FlagRule(key=self.flag, share=share, segments=self.first if share else ())

    def _brings_out(self, context: Context) -> Method:
        """Not judged: nobody could notice anything yet. The old version is not kept warm: the flag is the way
        back in an instant."""
        del context
        shared = {
            name: getattr(self, name)
            for name in _SHARED
            if name in self.model_fields_set and name not in self.deploy.model_fields_set
        }
        warm = {"keep_warm": timedelta(0)} if "keep_warm" in type(self.deploy).model_fields else {}
        return self.deploy.model_copy(update={**shared, **warm})

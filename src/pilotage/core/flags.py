"""A feature flag: who has the feature, as the one wanted state of a flag source, and what a source reports
back."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pilotage.core.values import Frozen, Share, digest

FlagKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Attribute = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
"""Without dots: clients would take them for a path into the context."""
Value = bool | int | float | str


class Segment(Frozen):
    """Users of whom this attribute is known to be so; compared as texts, upper and lower case told apart."""

    attribute: Attribute = Field(description="Name of the attribute in the evaluation context.")
    equals: str | None = Field(default=None, description="Its exact value.")
    one_of: tuple[str, ...] | None = Field(default=None, min_length=1, description="One of these values.")
    starts_with: str | None = Field(default=None, min_length=1, description="How its value begins.")

    @model_validator(mode="after")
    def _one(self) -> Segment:
        if sum(one is not None for one in (self.equals, self.one_of, self.starts_with)) != 1:
            raise ValueError("a segment is exactly one of equals, one_of and starts_with")
        return self


def _on_and_off() -> dict[str, Value]:
    return {"on": True, "off": False}


class FlagRule(Frozen):
    """Who has the feature. Complete: a source that holds this needs no memory of what it held before.

    Who is in one of the segments has it; of all others ``share``, by a hash of the user, so that whoever has it
    keeps it while the share grows. ``killed``: nobody has it, whatever else is said.
    """

    kind: Literal["rule"] = "rule"
    key: FlagKey
    variants: dict[str, Value] = Field(default_factory=_on_and_off)
    on: str = "on"
    """The variant of those who have it, and of all others: both are names of variants."""
    off: str = "off"
    segments: tuple[Segment, ...] = ()
    share: Share = 0
    killed: bool = False

    @model_validator(mode="after")
    def _sound(self) -> FlagRule:
        if self.on == self.off or not {self.on, self.off} <= self.variants.keys():
            raise ValueError("`on` and `off` are two of the variants")
        if len({type(value) for value in self.variants.values()}) > 1:
            raise ValueError("the values of all variants are of one type")
        return self

    @cached_property
    def revision(self) -> str:
        """Equal for rules that mean the same."""
        return digest(self.plain)

    @property
    def plain(self) -> FlagRule:
        """The same, told in one way: what is on for nobody has nothing else to tell."""
        if not self.nobody:
            return self
        on = min(self.variants.keys() - {self.off}, key=lambda name: (name != "on", name))
        return FlagRule(key=self.key, variants=self.variants, on=on, off=self.off)

    @property
    def nobody(self) -> bool:
        """Whether it is on for nobody at all."""
        return self.killed or not (self.share or self.segments)


ABSENT = "absent"
"""The revision of a flag that is not there."""


class FlagSeen(Frozen):
    """A flag as a source really has it; given back to the source, it is exactly so again."""

    kind: Literal["kept"] = "kept"
    key: FlagKey
    revision: str = ABSENT
    """That of the rule it is, else one of its own; ABSENT: there is no such flag."""
    kept: str = ""
    """In the source's own words."""
    nobody: bool = True
    """Whether it is certain that it is on for nobody."""

    @property
    def exists(self) -> bool:
        return self.revision != ABSENT

    @property
    def share(self) -> Share:
        """None of what was before a rollout is counted as its exposure."""
        return 0


FlagState = Annotated[FlagRule | FlagSeen, Field(discriminator="kind")]

"""A plan: the steps in order, the way back, and a digest that an approval can be bound to."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field

from pilotage.core.database import DatabasePlan
from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.core.judging import JudgeSettings
from pilotage.core.release import Release
from pilotage.core.routing import Address, Routing, Timeouts
from pilotage.core.steps import Flag, Step
from pilotage.core.values import Frozen, Growing, digest


class TargetSpec(Frozen):
    """Which adapter runs the instances. ``settings`` are the adapter's own, plain JSON, no secrets."""

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict)


class RouterSpec(Frozen):
    kind: str
    listen: Address
    preview: Address | None = None
    timeouts: Timeouts = Timeouts()
    settings: dict[str, Any] = Field(default_factory=dict)


class TelemetrySpec(Frozen):
    """Where figures for the judge come from: an adapter, or ``router`` for the router's own counters."""

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict)


class FlagsSpec(Frozen):
    """Where the service's feature flags are: an adapter and its own settings."""

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict)


ROUTER = "router"
"""The kind of telemetry that is the router's own counters; no adapter has this name."""


class Basis(Growing):
    """The environment as the plan found it; the plan is void when it has changed, and goes back to it."""

    added: ClassVar[tuple[str, ...]] = ("flag",)

    live: Release | None = None
    instances: int = 0
    warm: Release | None = None
    """An older release still kept warm."""
    routing: Routing | None = None
    """Exactly what the router served."""
    flag: FlagSeen | None = None
    """Exactly what the flag was that this plan has to do with; None: with none."""


class Plan(Growing):
    added: ClassVar[tuple[str, ...]] = ("telemetry", "database", "flags", "dark", "copies", "accepted_risk")

    schema_version: Literal[1] = 1
    service: str
    environment: str
    method: str
    new: Release
    instances: int
    basis: Basis = Basis()
    target: TargetSpec
    router: RouterSpec
    telemetry: tuple[TelemetrySpec, ...] = (TelemetrySpec(kind=ROUTER),)
    """In this order: the first source that knows a figure has it."""
    flags: FlagsSpec | None = None
    copies: tuple[Release, ...] = ()
    """Isolated copies that only a parallel run asks, with data of their own."""
    judge: JudgeSettings | None = None
    """None: nothing is judged (there is no old version to compare with, or the method forbids it)."""
    database: DatabasePlan | None = None
    accepted_risk: str = ""
    """Why it may begin although its way back was not rehearsed; empty: it may not, where that is asked."""
    steps: tuple[Step, ...]
    way_back: tuple[Step, ...]
    """From anywhere: applied in order from the first, whatever step was reached."""
    dark: int = 0
    """So many first steps of it are enough once the new version is live: it stays, without its feature."""

    @cached_property
    def digest(self) -> str:
        return digest(self)

    @cached_property
    def flag_key(self) -> str | None:
        """The flag that this plan has to do with."""
        return next((s.flag.key for s in (*self.steps, *self.way_back) if isinstance(s, Flag)), None)

    @cached_property
    def feature(self) -> FlagRule | None:
        """The first rule that shows users a feature: not versions are compared, but who has it and who has
        not."""
        rules = (s.flag for s in self.steps if isinstance(s, Flag) and isinstance(s.flag, FlagRule))
        return next((rule for rule in rules if not rule.nobody), None)

    @property
    def old(self) -> Release | None:
        return self.basis.live

    @property
    def restores(self) -> bool:
        """Back to what was good before, whatever becomes of the version that is left (guarantee 10)."""
        return self.method == "restore"

    def release(self, id: str) -> Release:
        """The release of that id among new, live, warm and copies; KeyError when the plan does not know it."""
        for release in (self.new, self.basis.live, self.basis.warm, *self.copies):
            if release is not None and release.id == id:
                return release
        raise KeyError(id)

    def version(self, id: str) -> str:
        """The version people know this release by."""
        return self.release(id).version

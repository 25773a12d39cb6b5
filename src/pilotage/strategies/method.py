"""What every method shares: the context it compiles in, the steps before any user, and the way back."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.core.judging import JudgeSettings
from pilotage.core.notation import DurationText
from pilotage.core.plan import ROUTER, Basis, FlagsSpec, Plan, RouterSpec, TargetSpec, TelemetrySpec
from pilotage.core.release import Release
from pilotage.core.routing import ByRequest, ByUser, Pin, Split, SplitKey
from pilotage.core.steps import Check, Expose, Flag, Prepare, Promote, Retire, Scale, Step, Verify
from pilotage.core.values import EVERYBODY, Frozen
from pilotage.strategies.audience import Audience


class Context(Frozen):
    """Everything a method may know when it plans."""

    environment: str
    new: Release
    instances: int
    basis: Basis
    target: TargetSpec
    router: RouterSpec
    telemetry: tuple[TelemetrySpec, ...] = (TelemetrySpec(kind=ROUTER),)
    flags: FlagsSpec | None = None
    """Where the service's feature flags are; None: the environment has none."""
    takes_flag_back: FlagSeen | None = None
    """What the flag was before the release that is taken back; None: it had none."""
    checks: tuple[Check, ...] = ()
    judge: JudgeSettings = JudgeSettings()
    audience: Audience = Audience()
    key: SplitKey | None = None
    """How users are told apart, where another method has begun to."""
    started: int = 0
    """So many instances of the new release run already: another method has prepared and proven them."""

    @property
    def old(self) -> Release | None:
        return self.basis.live


class Method(Frozen):
    """Settings of one method as the manifest writes them. Subclasses set ``judged`` and write ``exposing``."""

    judged: ClassVar[bool] = True
    """Whether the judge may watch: both versions serve at the same time."""
    nests: ClassVar[bool] = False
    """Whether another method stands inside it."""
    follows: ClassVar[bool] = True
    """Whether another method may hand over to it: both versions run by then."""

    method: str
    by: Literal["request", "user"] = Field(
        default="request", description="Whether shares are of requests, or of users (told apart by a cookie)."
    )
    drain: DurationText = Field(
        default=timedelta(seconds=30),
        description="How long requests and streams may take to end before an instance is stopped.",
    )
    ready_within: DurationText = Field(
        default=timedelta(minutes=5), description="How long instances may take until all are healthy."
    )

    @property
    def flag_key(self) -> str | None:
        """The feature flag that it has to do with; planning looks at it."""
        return None

    @property
    def key(self) -> SplitKey:
        return ByUser() if self.by == "user" else ByRequest()

    @property
    def of_users(self) -> bool:
        """Whether shares are ever of users."""
        return self.by == "user"

    def compile(self, context: Context) -> Plan:
        """The frozen plan of releasing ``context.new`` with this method."""
        first = context.old is None
        steps = first_release(self, context) if first else self.forward(context)
        return Plan(
            service=context.new.service,
            environment=context.environment,
            method=self.method,
            new=context.new,
            instances=context.instances,
            basis=context.basis,
            target=context.target,
            router=context.router,
            telemetry=context.telemetry,
            flags=context.flags if context.takes_flag_back is not None else None,
            judge=self._judge(context) if self.judged and not first else None,
            steps=tuple(clear_warm(self, context) + steps),
            way_back=tuple(self.way_back(context) + clear_warm(self, context)),
        )

    def _judge(self, context: Context) -> JudgeSettings:
        """Users send unlike numbers of requests: a share of users says nothing of the share of requests."""
        if self.of_users:
            return context.judge.model_copy(update={"traffic": False})
        return context.judge

    def forward(self, context: Context) -> list[Step]:
        """The steps when there is an old version (``context.old`` is not None)."""
        return [*artifacts(context), *self.exposing(context), *self.ending(context)]

    @abstractmethod
    def exposing(self, context: Context) -> list[Step]:
        """From prepared artifacts until ``context.audience`` has the new version."""

    def ending(self, context: Context) -> list[Step]:
        """When everybody has it."""
        assert context.old is not None
        retire = Retire(release=context.old.id, keep_warm=self.warm, drain=self.drain)
        return [Promote(release=context.new.id), retire]

    @property
    def warm(self) -> timedelta:
        """How long the old version stays ready after the end."""
        kept: timedelta = getattr(self, "keep_warm", timedelta(0))
        return kept

    def way_back(self, context: Context) -> list[Step]:
        """To the exact state before the release, from wherever the forward steps had come."""
        new, old = context.new.id, context.old
        if old is None:
            return [Expose(splits=()), Retire(release=new, drain=self.drain)]
        return [
            Scale(release=old.id, instances=context.basis.instances, timeout=self.ready_within),
            as_before(context),
            Promote(release=old.id),
            Retire(release=new, drain=self.drain),
        ]


def as_before(context: Context) -> Expose:
    """Everybody to the old release, told apart as they were: what the environment had when it was planned."""
    assert context.old is not None
    routing = context.basis.routing
    return only(context.old, routing.key if routing is not None else None)


def only(release: Release, key: SplitKey | None = None) -> Expose:
    """Everybody to one release."""
    return Expose(splits=(Split(release=release.id, share=EVERYBODY),), key=key or ByRequest())


def shared(context: Context, part: int, key: SplitKey, pins: tuple[Pin, ...] = ()) -> Expose:
    """``part`` of the audience to the new release, all others to the old one; ``pins``: who has it anyway."""
    assert context.old is not None
    audience, key = context.audience, context.key or key
    share = audience.share(part)
    if share == EVERYBODY:
        return only(context.new, key)
    old, new = (
        Split(release=context.old.id, share=EVERYBODY - share),
        Split(release=context.new.id, share=share),
    )
    splits = (old, new) if share else (old,)
    return Expose(splits=splits, key=key, pins=(*pins, *audience.pins(part)))


def whole(context: Context, key: SplitKey) -> Expose:
    """The whole audience to the new release."""
    return shared(context, EVERYBODY, key)


OFF_WITHIN = timedelta(seconds=10)
"""A way back waits so long for the flag to be seen off; then it goes on, and looks again at its end."""


def flag_back(before: FlagSeen | None) -> tuple[list[Step], list[Step]]:
    """The feature off at once; and, when its version is gone too, the flag exactly as it was."""
    if before is None:
        return [], []
    off = before if before.exists else FlagRule(key=before.key)
    again: list[Step] = [Flag(flag=before)]
    return [Flag(flag=off, timeout=OFF_WITHIN)], again


def clear_warm(method: Method, context: Context) -> list[Step]:
    """An older release that is still kept warm makes room: first; and last on the way back, if it had not."""
    warm = context.basis.warm
    return [Retire(release=warm.id, drain=method.drain)] if warm and warm.id != context.new.id else []


def artifacts(context: Context) -> list[Step]:
    """The new artifact, and the old one too: a way back without its artifact is none."""
    if context.started:
        return []
    steps: list[Step] = [Prepare(release=context.new.id)]
    if context.old is not None:
        steps.append(Prepare(release=context.old.id))
    return steps


def proven(method: Method, context: Context) -> list[Step]:
    """All new instances healthy, every check passed, before any user."""
    if context.started >= context.instances:
        return []
    steps: list[Step] = [
        Scale(release=context.new.id, instances=context.instances, timeout=method.ready_within)
    ]
    return steps + verified(context)


def verified(context: Context) -> list[Step]:
    if context.started:
        return []
    return [Verify(release=context.new.id, checks=context.checks)] if context.checks else []


def first_release(method: Method, context: Context) -> list[Step]:
    """Nothing runs yet, so there is nobody to protect and nothing to compare with."""
    return [
        *artifacts(context),
        *proven(method, context),
        only(context.new, method.key),
        Promote(release=context.new.id),
    ]

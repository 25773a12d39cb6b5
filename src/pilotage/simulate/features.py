"""Features in the simulation: users who have one or not, as the flag really is, and the laws about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.core.judging import Arm
from pilotage.core.plan import FlagsSpec, TelemetrySpec
from pilotage.core.state import Status
from pilotage.core.steps import Flag
from pilotage.core.telemetry import Reading, Watched
from pilotage.core.values import EVERYBODY
from pilotage.errors import Problem
from pilotage.flags import flagd
from pilotage.ports import TelemetryError
from pilotage.simulate.trouble import now
from pilotage.strategies.feature_flag import FeatureFlag
from pilotage.strategies.method import Context, Method
from pilotage.testing.flags import FakeFlags
from pilotage.testing.living import FlowingRouter

if TYPE_CHECKING:
    from pilotage.simulate.laws import Laws, Record
    from pilotage.simulate.place import Place
    from pilotage.simulate.process import Process

USERS = 400.0
"""Requests a second of all users."""
OFTEN = 0.2
"""Of the releases are of a feature."""
ORDINARY, BAD = 0.001, 0.5
"""How often a request fails; how often with a bad feature."""


class Features:
    """The flags of a place, and a source of telemetry that counts its users by what they have of them."""

    def __init__(self, router: FlowingRouter) -> None:
        self.flags = FakeFlags()
        self.flags.changed = self.flow
        self.silent = False
        self.bad: set[str] = set()
        """Releases whose feature fails every second time."""
        self.keys: dict[str, str] = {}
        """Release → the key of its flag."""
        self.counts: dict[tuple[str, str], tuple[float, float]] = {}
        """By release and variant: requests, and those that failed, over all time."""
        self._router, self._flowed, self._shares = router, 0.0, dict[str, int]()

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        del settings
        return []

    def share(self, release: str) -> int:
        """Of the users that really have a release's feature now."""
        rule = self.flags.rule(self.keys.get(release, ""))
        return rule.share if rule is not None else 0

    def flow(self) -> None:
        """Counts the requests since the last time, by the flags as they were until now."""
        seconds, self._flowed = now() - self._flowed, now()
        for release, share in self._shares.items():
            served = self._router.asked().get(release, 0) / EVERYBODY * USERS * seconds
            for variant, part in (("on", share / EVERYBODY), ("off", 1 - share / EVERYBODY)):
                failing = BAD if variant == "on" and release in self.bad else ORDINARY
                requests, errors = self.counts.get((release, variant), (0.0, 0.0))
                self.counts[release, variant] = requests + served * part, errors + served * part * failing
        self._shares = {release: self.share(release) for release in self.keys}

    async def read(self, watched: Watched) -> Reading:
        self.flow()
        if self.silent:
            raise TelemetryError(Problem(code="telemetry.no-answer", what="no figures can be read"))
        on, off = (self._arm(watched.new.id, variant) for variant in ("on", "off"))
        return Reading(at=datetime.fromtimestamp(now(), tz=UTC), old=off, new=on)

    async def history(self, watched: Watched, since: datetime, until: datetime) -> tuple[Reading, ...]:
        del watched, since, until
        return ()

    async def close(self) -> None:
        """Nothing is open."""

    def _arm(self, release: str, variant: str) -> Arm:
        requests, errors = self.counts.get((release, variant), (0.0, 0.0))
        return Arm(requests=int(requests), errors=int(errors))


def features(chance: Random, how: Method) -> Method:
    """Now and then the release of a feature instead, each with a flag of its own."""
    if chance.random() >= OFTEN:
        return how
    return FeatureFlag(
        flag=f"feature-{chance.randrange(10**9)}",
        deploy=chance.choice(("rolling", "blue-green", "big-bang")),
        steps=chance.choice((("10%", "50%"), ("20%",))),
        hold=chance.choice(("0s", "3s")),
        takes_back=chance.choice(("feature", "feature", "version")),
        drain="3s",
        ready_within="25s",
    )


def featured(context: Context, how: Method, place: Place) -> Context:
    """With what planning sees of the flag."""
    if how.flag_key is None:
        return context
    place.features.keys[context.new.id] = how.flag_key
    seen = flagd.seen(how.flag_key, place.features.flags.definitions.get(how.flag_key))
    return context.model_copy(
        update={
            "basis": context.basis.model_copy(update={"flag": seen}),
            "flags": FlagsSpec(kind="simulated"),
            "telemetry": (TelemetrySpec(kind="simulated"),),
        }
    )


# Laws


def allowed(record: Record) -> int:
    """The greatest share of users that the steps entered so far allow to have the feature."""
    state = record.state
    if state.back or state.promoted != record.plan.new.id:
        return 0
    entered = state.plan.steps[: state.position + 1]
    return max((step.flag.share for step in entered if isinstance(step, Flag)), default=0)


def check_change(laws: Laws, record: Record, flag: FlagRule | FlagSeen) -> None:
    """A feature comes to no more users than the steps entered and the verdicts allow."""
    told = f"{record.state.id}: {flag.share} of {allowed(record)}"
    laws.hold("a feature stays within the plan", told, when=flag.share <= allowed(record))


def exceeded(place: Place, record: Record | None) -> str | None:
    """Users who really have a feature beyond what is allowed."""
    if record is None or record.state.status is Status.QUEUED or record.plan.feature is None:
        return None
    share = place.features.share(record.plan.new.id)
    return f"{place.name}: {share} of {allowed(record)} have it" if share > allowed(record) else None


def check_judged(laws: Laws, record: Record, holder: Process | None, told: str, minimum: int) -> None:
    """A judged step of a feature: figures were read in it, enough of them, and not terrible ones."""
    place, new = record.place, record.plan.new.id
    place.features.flow()
    fresh = holder.read.get(f"{place.name} features", -1.0) if holder is not None else -1.0
    laws.hold("missing data never advances", f"{told}; read at {fresh:.1f}", when=fresh >= record.entered)
    enough = place.features.counts.get((new, "on"), (0.0, 0.0))[0] >= minimum
    laws.hold("missing data never advances", f"{told} passed with too few requests", when=enough)
    laws.hold("a version that fails is never let go on", told, when=new not in place.features.bad)


def check_rest(laws: Laws, place: Place, began: Sequence[Record]) -> None:
    """When all has ended: only those have a feature whose release went to its end, and was not taken back."""
    for record in began:
        key = record.plan.flag_key
        if record.plan.feature is None or key is None:
            continue
        ended = record.state.status is Status.SUCCEEDED
        share = place.features.share(record.plan.new.id)
        told = f"{record.state.id} {record.state.status.value}: {share} have {key}"
        laws.hold("a feature ends with its release", told, when=share == 0 or ended)

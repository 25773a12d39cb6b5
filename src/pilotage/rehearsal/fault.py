"""What goes wrong in a rehearsal, and when, as people write it: ``errors x5 after 2h``, ``crash of old``."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from pilotage.core.notation import parse_duration, parse_fraction, show_duration
from pilotage.core.values import Duration, Frozen


class FaultKind(StrEnum):
    ERRORS = "errors"
    """The new version fails so many times as often as the old one …"""
    MORE = "more errors"
    """… or so large a part of requests more."""
    OUTAGE = "outage"
    """Every request to the new version fails."""
    SLOWER = "slower"
    """Every answer of the new version takes so many times as long."""
    CRASH = "crash"
    """One instance ends, and is restarted by its supervisor."""
    LOOP = "crash loop"
    """One instance of the new version crashes again as soon as it has started."""
    GAP = "gap"
    """No telemetry can be read for so long."""
    SLOW_START = "slow start"
    """Instances of the new version take so many times as long to start."""
    LATE = "late"
    """People answer so much later than usual."""


class From(StrEnum):
    """What a moment is counted from."""

    EXPOSURE = "after"
    """The new version's first user."""
    BEGIN = "at"
    """The beginning of the rollout."""


class Fault(Frozen):
    kind: FaultKind
    factor: float = 1.0
    """Of errors, slowness and starts."""
    part: float = 0.0
    """Of requests."""
    lasts: Duration | None = None
    moment: Duration = timedelta(0)
    since: From = From.EXPOSURE
    old: bool = False
    """An instance of the old version crashes, not of the new one."""

    @property
    def words(self) -> str:
        """As it is written."""
        match self.kind:
            case FaultKind.ERRORS | FaultKind.SLOWER | FaultKind.SLOW_START:
                told = f"{self.kind} x{self.factor:g}"
            case FaultKind.MORE:
                told = f"errors +{self.part * 100:g}%"
            case FaultKind.CRASH:
                told = f"crash of {'old' if self.old else 'new'}"
            case FaultKind.GAP | FaultKind.LATE:
                told = f"{self.kind} {show_duration(self.lasts or timedelta(0))}"
            case FaultKind.OUTAGE | FaultKind.LOOP:
                told = self.kind.value
        first = self.since is From.EXPOSURE and not self.moment
        return told if self.kind in TIMELESS or first else f"{told} {self.since} {show_duration(self.moment)}"

    def __str__(self) -> str:
        return self.words


TIMELESS = (FaultKind.SLOW_START, FaultKind.LATE)
"""They hold for the whole rollout."""
_TIME = r"\d[\d.a-z ]*?"
_WHEN = re.compile(rf"(?P<what>.+?)(?: (?P<since>after|at) (?P<moment>{_TIME}))?")
_TIMES = re.compile(r"(?P<kind>errors|slower|slow start) x(?P<factor>\d+(?:\.\d+)?)")
_PART = re.compile(r"errors \+(?P<part>\d+(?:\.\d+)?) ?%")
_LASTING = re.compile(rf"(?P<kind>gap|late) (?P<lasts>{_TIME})")
_CRASH = re.compile(r"crash(?: of (?P<whose>new|old))?")
FORMS = (
    "errors x5, errors +1%, outage, slower x2, crash of new, crash of old, crash loop, gap 5m, slow start x10, "
    "late 2h; then `after TIME` (since the first user) or `at TIME` (since the beginning)"
)


def parse_fault(text: Any) -> Any:
    """``errors x5 after 2h`` → Fault. ValueError with all forms when it is none."""
    if not isinstance(text, str):
        return text
    whole = _WHEN.fullmatch(" ".join(text.split()))
    fields = _what(whole["what"]) if whole else None
    if whole is None or fields is None:
        raise ValueError(f"{text!r} is no fault: write {FORMS}")
    if whole["since"]:
        fields |= {"since": From(whole["since"]), "moment": parse_duration(whole["moment"])}
    return Fault(**fields)


def _what(text: str) -> dict[str, Any] | None:
    if text in (FaultKind.OUTAGE, FaultKind.LOOP):
        return {"kind": FaultKind(text)}
    if found := _TIMES.fullmatch(text):
        return {"kind": FaultKind(found["kind"]), "factor": float(found["factor"])}
    if found := _PART.fullmatch(text):
        return {"kind": FaultKind.MORE, "part": parse_fraction(f"{found['part']}%")}
    if found := _LASTING.fullmatch(text):
        return {"kind": FaultKind(found["kind"]), "lasts": parse_duration(found["lasts"])}
    if found := _CRASH.fullmatch(text):
        return {"kind": FaultKind.CRASH, "old": found["whose"] == "old"}
    return None


FaultText = Annotated[Fault, BeforeValidator(parse_fault)]

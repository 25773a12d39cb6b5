"""Draws what goes wrong, and keeps the story of it: one stream of chance for each kind of trouble.

A kind's own stream does not shift when another kind is left out, so a story can be made shorter.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from random import Random

from pilotage.simulate.scenario import DISTURBING, Scenario


@dataclass(frozen=True)
class Strike:
    """One trouble that has struck: ``key`` names it (``crash:2``), ``chance`` draws its particulars."""

    key: str
    chance: Random


@dataclass
class Trouble:
    """All chance of one simulation, and what came of it."""

    scenario: Scenario
    over: bool = False
    """From here on nothing goes wrong any more."""
    struck: list[str] = field(default_factory=list)
    story: list[tuple[float, str]] = field(default_factory=list)
    disturbed_until: float = 0.0
    """Until when a worker is excused for being late."""
    _streams: dict[str, Random] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _trace: hashlib._Hash = field(default_factory=hashlib.sha256)
    lines: int = 0

    def stream(self, name: str) -> Random:
        """The stream of chance of that name, always the same for one seed."""
        if name not in self._streams:
            self._streams[name] = Random(f"{self.scenario.seed} {name}")
        return self._streams[name]

    def strikes(self, kind: str, aim: float = 1.0) -> Strike | None:
        """Whether this call is hit by that kind of trouble; ``aim``: how much more likely than others."""
        likely = self.scenario.calls.get(kind)
        if likely is None or self.over or self.stream(kind).random() >= likely * aim:
            return None
        return self.next_of(kind)

    def next_of(self, kind: str) -> Strike | None:
        """The next trouble of a kind; None when this story leaves it out."""
        number = self._counts[kind] = self._counts.get(kind, 0) + 1
        key, only = f"{kind}:{number}", self.scenario.only
        if self.over or (only is not None and key not in only):
            return None
        self.struck.append(key)
        return Strike(key, Random(f"{self.scenario.seed} {key}"))

    def excuse(self, kind: str, seconds: float) -> None:
        """Something that lasts so long disturbs those who should see and act."""
        if kind in DISTURBING:
            self.disturbed_until = max(self.disturbed_until, now() + seconds)

    def tell(self, sentence: str) -> None:
        """One sentence of the story, for people."""
        self.story.append((now(), sentence))
        self.trace(sentence)

    def trace(self, line: str) -> None:
        """One thing that happened, for the hash that tells whether two runs were the same."""
        self.lines += 1
        self._trace.update(f"{now():.6f} {line}\n".encode())

    @property
    def hash(self) -> str:
        return self._trace.hexdigest()[:16]


def now() -> float:
    """Virtual seconds since the beginning."""
    return asyncio.get_running_loop().time()

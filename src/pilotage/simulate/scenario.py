"""What a seed stands for: how many workers, releases and environments, which troubles, for how long.

Each seed draws its own set of troubles and how frequent each is (swarm testing: Groce et al., *Swarm Testing*,
ISSTA 2012), because one trouble hides another: who dies all the time never gets far.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal

CALLS = {
    "crash": 0.004,
    "stall": 0.004,
    "slow": 0.006,
    "lost": 0.008,
    "conflict": 0.02,
    "aimed": 0.01,
}
"""Troubles of single calls, and how likely each is at most, for each call."""
WEATHER = {
    "no-target": 30.0,
    "no-router": 30.0,
    "no-store": 40.0,
    "full": 50.0,
    "refuses": 30.0,
    "deaf": 25.0,
    "amnesia": 40.0,
    "restart": 30.0,
    "flap": 12.0,
    "dies": 15.0,
    "gap": 20.0,
    "reset": 20.0,
    "lies": 20.0,
    "jump": 40.0,
    "skew": 40.0,
    "order": 20.0,
}
"""Troubles of the world, and the seconds between two of a kind at least, on average."""
DISTURBING = frozenset(
    {"crash", "stall", "slow", "lost", "conflict", "no-target", "no-router", "no-store", "full"}
    | {"refuses", "deaf", "amnesia", "jump", "skew"}
)
"""What keeps a worker from seeing or acting at once, and so excuses a delay."""
Ending = Literal["finish", "abort", "rollback"]


@dataclass(frozen=True)
class Scenario:
    """One simulation, whole: the same scenario is the same story to the last event."""

    seed: int
    workers: int
    environments: int
    releases: int
    """In each environment, after the first one."""
    seconds: float
    """How long troubles last; then all is mended and everything must come to its end."""
    ending: Ending
    """What people do then: let everything finish, or take it back."""
    store: Literal["memory", "sqlite"] = "memory"
    calls: dict[str, float] = field(default_factory=dict)
    weather: dict[str, float] = field(default_factory=dict)
    late: bool = False
    """Calls of long ago land when all has ended (``late:1``, …)."""
    only: frozenset[str] | None = None
    """Only these troubles strike (``crash:2`` is the second crash); None: all that are drawn."""


def draw(seed: int) -> Scenario:
    """The scenario of a seed."""
    chance = Random(f"scenario {seed}")
    some = chance.choice((0.15, 0.4, 0.7))
    calls = {kind: most * chance.uniform(0.2, 1) for kind, most in CALLS.items() if chance.random() < some}
    weather = {
        kind: least * chance.uniform(0.6, 3) for kind, least in WEATHER.items() if chance.random() < some
    }
    return Scenario(
        seed=seed,
        workers=chance.choice((1, 1, 2, 2, 3)),
        environments=chance.choice((1, 1, 2)),
        releases=chance.choice((1, 1, 2, 3)),
        seconds=chance.choice((25.0, 50.0, 80.0)),
        ending=chance.choice(("finish", "finish", "abort", "rollback")),
        store=chance.choice(("memory",) * 9 + ("sqlite",)),
        calls=calls,
        weather=weather,
        late=chance.random() < 0.5,
    )

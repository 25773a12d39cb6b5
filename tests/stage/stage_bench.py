"""A service and a run of it for tests: ``played(plan, "errors x5")``."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from pilotage.core.plan import Plan
from pilotage.rehearsal.fault import parse_fault
from pilotage.rehearsal.model import BOUNDS, Latency, Service
from pilotage.rehearsal.outcome import Episode
from pilotage.stage.play import play

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""A Monday."""


def make_service(**overrides: Any) -> Service:
    """60 requests a second at all hours, 0.5 % errors."""
    latency = Latency()
    fields: dict[str, Any] = {
        "rates": (60.0,) * 168,
        "errors": 0.005,
        "bounds": BOUNDS,
        "slow": tuple(latency.slower_than(bound) for bound in BOUNDS),
        "latency": latency,
        "users": 10_000,
        "starts": 5.0,
        "prepares": 30.0,
        "stops": 2.0,
        "answers": 1800.0,
        "measures": {},
    }
    return Service(**{**fields, **overrides})


def played(
    plan: Plan, *faults: str, seed: int = 1, patience: timedelta = timedelta(days=2), **service: Any
) -> Episode:
    model = make_service(**service)
    return asyncio.run(play(plan, model, [parse_fault(one) for one in faults], seed, BEGIN, patience))

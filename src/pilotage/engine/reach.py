"""The adapters of one environment, as a bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pilotage.core.plan import Plan
from pilotage.ports import Prober, Router, Target


@dataclass(frozen=True)
class Reach:
    """How the world of one environment is reached."""

    target: Target
    router: Router
    prober: Prober


ReachOf = Callable[[Plan], Reach]
"""Finds the adapters that a plan names. Raises PilotageError when one is not installed."""

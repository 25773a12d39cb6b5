"""A small supervisor, one detached process a directory, that keeps one command running.

It outlives the command and whoever started it; killed, it is replaced by the next ``ensure`` or ``revive`` and
its successor adopts the living child. Imports are lazy because the supervisor process itself passes here and
must stay small: no pydantic, no third party.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pilotage.adapters.supervisor.handle import Supervised, SupervisorError
    from pilotage.adapters.supervisor.spec import HealthProbe, Spec, State, Status

__all__ = ["HealthProbe", "Spec", "State", "Status", "Supervised", "SupervisorError"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pilotage.adapters.supervisor import handle, spec

    return getattr(spec, name, None) or getattr(handle, name)

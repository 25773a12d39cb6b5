"""What a tap is asked to do: one file that the router writes, and reads back."""

from __future__ import annotations

from pathlib import Path

from pilotage.core.routing import Address, Endpoint, Mirroring, Routing
from pilotage.core.values import Frozen, digest

WANTED = "tap.json"
REPORT = "report.json"
LEDGER = "ledger.json"
SOCKET = "tap.sock"
"""In the folder that router and tap both run in: relative, because paths of unix sockets must be short."""


class Wanted(Frozen):
    """Whom to ask, and how to compare."""

    mirroring: Mirroring
    old: tuple[Address, ...]
    again: tuple[Address, ...]
    new: tuple[Address, ...]

    @property
    def key(self) -> str:
        """What its counts belong to: instances may come and go, the rest may not change."""
        return digest(self.mirroring)[7:23]


def wanted_for(routing: Routing) -> Wanted | None:
    """What this routing asks of a tap; None: nothing."""
    mirror = routing.mirror
    if mirror is None:
        return None
    endpoints = {backend.release: backend.endpoints for backend in routing.backends}
    old, again, new = (_addresses(endpoints[one]) for one in (mirror.old, mirror.again, mirror.new))
    return Wanted(mirroring=mirror, old=old, again=again, new=new)


def _addresses(endpoints: tuple[Endpoint, ...]) -> tuple[Address, ...]:
    """Those that serve; the draining ones when there is no other."""
    serving = [endpoint.address for endpoint in endpoints if not endpoint.draining]
    return tuple(serving or [endpoint.address for endpoint in endpoints])


def replace(path: Path, text: str) -> None:
    """In one step, readable by its owner only."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)

"""Free ports for servers that tests start."""

from __future__ import annotations

import random
import socket

LOWEST, HIGHEST = 11_000, 19_000
"""Below those that the process target and outgoing connections take: a port that is free now, drawn from those,
may be the near end of somebody's connection by the time that a server binds it."""


def free_ports(count: int) -> list[int]:
    """All different, drawn at random: several tests draw at once."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(LOWEST, HIGHEST)
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def free_port() -> int:
    return free_ports(1)[0]

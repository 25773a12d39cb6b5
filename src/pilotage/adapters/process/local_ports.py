"""Choosing a port of this machine that nobody uses."""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Collection

HOST = "127.0.0.1"
DEFAULT = range(20_000, 30_000)
"""Below the ports that systems hand out to outgoing connections, which could take one during a restart."""


def parse_range(text: object) -> range:
    """``20000-21000``, both included. ValueError that says what is wrong."""
    match = re.fullmatch(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*", text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('write it like "20000-21000"')
    first, last = int(match[1]), int(match[2])
    if not 1 <= first <= last <= 65_535:
        raise ValueError("ports go from 1 to 65535, the lower one first")
    return range(first, last + 1)


def is_free(port: int) -> bool:
    """Whether a server could listen there now, as one with SO_REUSEADDR would, and nobody answers."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    with socket.socket() as caller:  # macOS lets us bind beside one that listens on all addresses
        caller.settimeout(0.2)
        return caller.connect_ex((HOST, port)) != 0


def choose(ports: range, taken: Collection[int]) -> int | None:
    """A free one that is not ``taken``; None when there is none. Random, so that two sites seldom collide."""
    for port in random.sample(ports, len(ports)):
        if port not in taken and is_free(port):
            return port
    return None

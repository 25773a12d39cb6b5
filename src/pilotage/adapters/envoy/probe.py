"""Asks the listener itself which routing it serves."""

from __future__ import annotations

import http.client

from pilotage.adapters.envoy import names
from pilotage.adapters.envoy.addresses import reachable
from pilotage.core.routing import Address

_TIMEOUT = 2.0


def served(address: Address, token: str, connections: int) -> set[str]:
    """The revisions that this many fresh connections are answered with; "" for any other answer.

    The kernel deals fresh connections out to Envoy's worker threads, each of which has routes of its own for a
    moment after a change; with 8 connections a worker, one is missed in 0.03 % of the cases.
    """
    return {_ask(address, token) for _ in range(connections)}


def _ask(address: Address, token: str) -> str:
    there = reachable(address)
    connection = http.client.HTTPConnection(there.host, there.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", names.PROBE_PATH, headers={names.PROBE_HEADER: token, "Connection": "close"})
        answer = connection.getresponse()
        body = answer.read(200)
        return body.decode("ascii", "replace") if answer.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()

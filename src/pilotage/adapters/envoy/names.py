"""The names we give to things inside Envoy, and the way back from a name to a release."""

from __future__ import annotations

import re

MAIN = "pilotage_main"
PREVIEW = "pilotage_preview"
MIRROR = "pilotage_mirror"
"""The cluster of the process that compares copies of requests."""
MAINTENANCE_AFTER = 5
"""Retry-After in seconds, in every answer that Envoy has to give in place of a release."""
PROBE_PATH = "/.well-known/pilotage"
PROBE_HEADER = "x-pilotage-probe"

_OWN = "pilotage_own_"
_ANY = "pilotage_any_"
_PIN = "pilotage_pin_"


def label(release: str) -> str:
    """A release id as one word of a stat name: no dots, and no two ids alike.

    Ids made by Pilotage come out as they are; other characters are written in hex between underscores.
    """
    return re.sub(r"[^a-zA-Z0-9-]", lambda match: f"_{ord(match[0]):x}_", release)


def release_of(label: str) -> str:
    """The release id that has this label."""
    return re.sub(r"_([0-9a-f]+)_", lambda match: chr(int(match[1], 16)), label)


def own(release: str) -> str:
    """The cluster of a release's own endpoints."""
    return _OWN + label(release)


def any_of(release: str) -> str:
    """The aggregate cluster: the release's own endpoints, then those of the failover releases."""
    return _ANY + label(release)


def pinned(group: str, release: str) -> str:
    """The aggregate cluster of a group: as ``any_of``, but what is sent there is counted apart."""
    return f"{_PIN}{group}_{label(release)}"


def group_of(cluster: str) -> str:
    """The group whose requests are sent to this cluster; empty: they are everybody's."""
    return cluster.removeprefix(_PIN).partition("_")[0] if cluster.startswith(_PIN) else ""


def meant_for(cluster: str) -> str:
    """The label of the release that a request was meant for when it was sent to this cluster."""
    if cluster.startswith(_PIN):
        return cluster.removeprefix(_PIN).partition("_")[2]
    return cluster.removeprefix(_OWN).removeprefix(_ANY)

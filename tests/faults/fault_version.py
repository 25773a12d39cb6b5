"""A worker of another version of Pilotage, with short leases.

    python fault_version.py old worker …       # this version
    python fault_version.py new worker …       # one whose events and states this version can not read

The new one writes a field into each event that the old one refuses, and counts its way to sum up higher (FOLD).
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

from pilotage.cli.main import main
from pilotage.core.events import EVENT, Event
from pilotage.engine import worker
from pilotage.ports import Change
from pilotage.store import records
from pilotage.store.postgresql import commit, leases, presence, reading

worker.LEASE = timedelta(seconds=2)
worker.RENEW_EVERY = 0.5
FIELD = "urgency"


class _EventsOfTomorrow:
    """Reads what both versions wrote."""

    def validate_json(self, body: str) -> Event:
        known = json.loads(body)
        known.pop(FIELD, None)
        return EVENT.validate_python(known)


def _bodies(change: Change) -> list[str]:
    return [json.dumps({**event.model_dump(mode="json"), FIELD: 3}) for event in change.events]


def become_new() -> None:
    for room in (records, leases, presence, reading):
        vars(room)["FOLD"] += 1
    tomorrow: Any = _EventsOfTomorrow()
    vars(reading)["EVENT"] = tomorrow
    vars(commit)["_bodies"] = _bodies


if __name__ == "__main__":
    if sys.argv[1] == "new":
        become_new()
    sys.exit(main(sys.argv[2:]))

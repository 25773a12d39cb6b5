"""PostgresStore does exactly what MemoryStore does, whatever is done in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from test_sqlite_model import Both

from databases import Databases
from pilotage.store.postgresql.store import PostgresStore
from pilotage.testing.store import MemoryStore


@pytest.mark.real
def test_both(databases: Databases) -> None:
    class WithPostgresql(Both):
        def __init__(self) -> None:
            super().__init__()
            self.both("close")
            self.stores = (MemoryStore(), PostgresStore.open(databases.emptied()))

    run_state_machine_as_test(WithPostgresql, settings=settings(max_examples=6, stateful_step_count=30))

"""The settings of the source ``sql``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from pilotage.adapters.telemetry.ledger import Falls, Rules
from pilotage.adapters.telemetry.secret import Secret
from pilotage.adapters.telemetry.sql import statement
from pilotage.core.notation import DurationText
from pilotage.core.values import Frozen

GONE = 300.0
_WITH_PASSWORD = re.compile(r"\b(?:ssl)?password\s*=|://[^/@\s]*:[^/@\s]*@", re.IGNORECASE)


def _open_words(text: str) -> str:
    if _WITH_PASSWORD.search(text):
        raise ValueError("it holds a password: keep the whole in a variable or a file, `{env: NAME}`")
    return text


def _query(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    return text


Column = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Settings(Frozen):
    """``counters`` and ``gauges``: columns of the answer, by their names also the names of the fields."""

    sqlite: Annotated[str, Field(pattern=r"^/")] | None = None
    postgresql: Annotated[str, AfterValidator(_open_words)] | Secret | None = None
    query: Annotated[str, AfterValidator(_query)]
    counters: tuple[Column, ...] = ()
    gauges: tuple[Column, ...] = ()
    version_column: str | None = None
    """One row a version, and this column says whose it is; else the query is asked once for each."""
    interval: DurationText = timedelta(seconds=10)
    """Between two times that the query is asked."""
    timeout: DurationText = timedelta(seconds=4)
    """For one whole look; the engine waits no longer than five seconds."""

    @model_validator(mode="after")
    def _sound(self) -> Settings:
        if (self.sqlite is None) == (self.postgresql is None):
            raise ValueError("exactly one of sqlite and postgresql")
        names = (*self.counters, *self.gauges)
        if not names:
            raise ValueError("nothing is asked for: name the columns in counters or gauges")
        if len(set(names)) < len(names):
            raise ValueError("a column is named twice")
        if {"latency_bucket", "shards"} & set(names):
            raise ValueError("latency_bucket and shards are no columns")
        asked = statement.parameters(self.query)
        if self.version_column is None and not {"version", "release", "variant"} & asked:
            raise ValueError("the query tells no versions apart: use :version or :release, or a version_column")
        if not 0.1 <= self.timeout.total_seconds() <= 4.5:
            raise ValueError("timeout is from 100ms to 4500ms")
        return self

    def rules(self) -> dict[str, Rules]:
        """A row is there or it is not; fewer rows are no restart."""
        rules = Rules(stale=0.0, gone=GONE, falls=Falls.UNKNOWN)
        return dict.fromkeys((*self.counters, *self.gauges), rules)

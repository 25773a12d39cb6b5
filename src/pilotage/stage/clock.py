"""The time of one run: it stands still while anybody works, and jumps when nobody does."""

from __future__ import annotations

from datetime import datetime, timedelta


class Jumping:
    """A ports.Clock."""

    def __init__(self, begin: datetime) -> None:
        self.begin = begin
        self.seconds = 0.0
        """Since the beginning."""

    def now(self) -> datetime:
        return self.begin + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, 0.0)

    def elapsed(self) -> float:
        return self.seconds

    def until(self, at: datetime) -> float:
        """``at`` in seconds since the beginning."""
        return (at - self.begin).total_seconds()

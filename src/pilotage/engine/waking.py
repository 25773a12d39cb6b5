"""How a worker learns that something came: by looking often, where a look costs next to nothing."""

from __future__ import annotations

from pilotage.ports import Clock

POLL = 0.25


class Polling:
    """The bell of a store in this machine's reach: nobody rings it, and nobody rests for long."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def expect(self, rollout: str) -> None:
        """Nothing can be missed."""

    def forget(self, rollout: str) -> None:
        """Nothing is kept."""

    def ring(self) -> None:
        """Whoever rests looks again in a moment."""

    async def rest(self, rollout: str | None, seconds: float) -> None:
        await self._clock.sleep(min(seconds, POLL))

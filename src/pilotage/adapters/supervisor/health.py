"""From single answers to the supervisor's word: starting, healthy or unhealthy.

Part of the supervisor process: standard library only, and little of that.
"""

from __future__ import annotations

from pilotage.adapters.supervisor.probe import Probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from typing import Any

_EAGER = 0.25
"""Seconds between two checks, at most, before the first good answer."""


class Health:
    """Of one life of the command. Instants are monotonic seconds."""

    def __init__(self) -> None:
        self._probe: Probe | None = None
        self.end()

    def begin(self, now: float, *, was_healthy: bool) -> None:
        """A child was started, or adopted (then it stays healthy until checks fail)."""
        self.end()
        self._begun = self._due = now
        self._well = was_healthy

    def end(self) -> None:
        if self._probe:
            self._probe.close()
        self._probe = None
        self._begun = self._due = 0.0
        self._well = False
        self._was_well = False
        self._failures = 0
        self._words = ""

    def step(self, check: dict[str, Any] | None, now: float) -> tuple[str, str]:
        """State and detail now. ``check``: as in spec.json; None: running is healthy."""
        if check is None:
            self._due = 0.0
            return "healthy", ""
        if self._probe is None and now >= self._due:
            self._probe = Probe(check["host"], check["port"], check["path"], check["timeout"])
            wait = check["interval"] if self._well else min(check["interval"], _EAGER)
            self._due = now + wait
        if self._probe is not None:
            self._probe.step()
            if self._probe.verdict is not None:
                self._take(self._probe.verdict, check["failures"])
                self._probe = None
        return self._state(check["within"], now)

    def register(self, waiting: select.poll) -> tuple[float, ...]:
        """When to step again at the latest."""
        if self._probe is None:
            return (self._due,) if self._due else ()
        waiting.register(*self._probe.wants)
        return (self._probe.deadline,)

    def _take(self, verdict: str, failures: int) -> None:
        self._words = verdict
        if verdict == "":
            self._well, self._failures = True, 0
        else:
            self._failures += 1
            if self._well and self._failures >= failures:
                self._well, self._was_well = False, True

    def _state(self, within: float, now: float) -> tuple[str, str]:
        if self._well:
            return "healthy", f"{self._words} ({self._failures} in a row)" if self._failures else ""
        if self._was_well:
            return "unhealthy", f"{self._words} ({self._failures} in a row)"
        if now - self._begun > within:
            return "unhealthy", f"not healthy within {within:g} s; {self._words or 'no answer yet'}"
        return "starting", self._words

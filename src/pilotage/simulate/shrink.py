"""Makes the story of a broken law shorter: fewer troubles, releases, workers, seconds; the same law broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pilotage.simulate.play import Outcome, play
from pilotage.simulate.scenario import Scenario

TRIES = 150
"""So many shorter stories are tried at most."""


def shrink(found: Outcome, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """The shortest story that could be found in which the same law is broken."""
    best = _Best(found)
    best.attempt(replace(found.scenario, only=frozenset(found.struck)))
    for candidate in _smaller(found):
        best.attempt(candidate(best.outcome.scenario))
    if best.outcome.scenario.only is not None:
        _leave_out(best)
    tell(f"shortened from {len(found.struck)} troubles to {len(best.outcome.struck)} in {best.tries} tries")
    return best.outcome


class _Best:
    """The shortest story so far."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome, self.tries = outcome, 0

    def attempt(self, scenario: Scenario) -> bool:
        """Whether this story breaks the same law; then it is the best one."""
        if self.tries >= TRIES or scenario == self.outcome.scenario:
            return False
        self.tries += 1
        outcome, before = play(scenario), self.outcome.breach
        if outcome.breach is None or before is None or outcome.breach.law != before.law:
            return False
        if scenario.only is not None:
            outcome = replace(outcome, scenario=replace(scenario, only=frozenset(outcome.struck)))
        self.outcome = outcome
        return True


def _smaller(found: Outcome) -> Iterator[Callable[[Scenario], Scenario]]:
    at = found.breach.at if found.breach is not None else 0.0
    yield lambda scenario: replace(scenario, environments=1)
    yield lambda scenario: replace(scenario, workers=1)
    yield lambda scenario: replace(scenario, workers=min(2, scenario.workers))
    for releases in (1, 2):
        yield lambda scenario, n=releases: replace(scenario, releases=min(n, scenario.releases))  # type: ignore[misc]
    if at < found.scenario.seconds:
        yield lambda scenario: replace(scenario, seconds=at + 1)


def _leave_out(best: _Best) -> None:
    """Leaves out ever smaller parts of the troubles (delta debugging: Zeller, Hildebrandt, 2002)."""
    part = max(len(best.outcome.struck) // 2, 1)
    while True:
        shorter = False
        keys = sorted(best.outcome.struck)
        for begin in range(0, len(keys), part):
            left = frozenset(best.outcome.struck) - frozenset(keys[begin : begin + part])
            shorter |= best.attempt(replace(best.outcome.scenario, only=left))
        if part == 1 and not shorter:
            return
        if best.tries >= TRIES:
            return
        part = max(part // 2, 1)

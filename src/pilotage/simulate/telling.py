"""Tells a simulation to people: the story in sentences, and the command that plays it again."""

from __future__ import annotations

from pilotage.simulate.play import Outcome
from pilotage.simulate.scenario import draw

LAST = 60
"""Sentences of a long story that are told; the whole of it is told by ``--whole``."""


def story(outcome: Outcome, *, whole: bool = False) -> str:
    """Everything that happened, a line each, with the virtual second it happened in."""
    lines = [f"{at:9.2f}  {told}" for at, told in outcome.story]
    if not whole and len(lines) > LAST:
        lines = [f"           … {len(lines) - LAST} sentences before this", *lines[-LAST:]]
    return "\n".join(lines)


def command(outcome: Outcome) -> str:
    """What plays exactly this again."""
    scenario = outcome.scenario
    drawn, words = draw(scenario.seed), [f"python -m pilotage.simulate --seed {scenario.seed}"]
    for name in ("workers", "environments", "releases", "seconds"):
        value = getattr(scenario, name)
        if value != getattr(drawn, name):
            words.append(f"--{name} {value:g}")
    if scenario.only is not None:
        words.append(f"--only {','.join(sorted(scenario.only)) or 'nothing'}")
    return " ".join(words)


def verdict(outcome: Outcome) -> str:
    """One line."""
    if outcome.breach is None:
        looked = f"{outcome.checked} looks, {outcome.seconds:.0f} s, {outcome.hash}"
        return f"seed {outcome.scenario.seed}: all laws held ({looked})"
    return f"seed {outcome.scenario.seed}: {outcome.breach.law}: {outcome.breach.told}"

"""Where two whole answers differ: in status, headers, body, and the time they took."""

from __future__ import annotations

from pilotage.comparing import bodies, headers
from pilotage.comparing.answers import Answer, Spot, Spots, note
from pilotage.comparing.places import Rules
from pilotage.core.comparing import Slower, Trait

SLOWER = Spot("time", Trait.SLOWER)
UNANSWERED = Spot("(answer)", Trait.UNANSWERED)


def differing(old: Answer, other: Answer | None, rules: Rules) -> Spots:
    """Every spot, at most about two hundred. ``other`` None: there was no answer, however long one waited."""
    spots: Spots = {}
    if other is None:
        note(spots, UNANSWERED, old.status, None)
        return spots
    if old.status != other.status and not rules.ignored(("status",)):
        note(spots, Spot("status", Trait.STATUS), old.status, other.status)
    headers.compare(old.headers, other.headers, rules, spots)
    bodies.compare(old, other, rules, spots)
    slower = rules.settings.slower
    if is_slower(old.seconds, other.seconds, slower) and not rules.ignored(("time",)):
        note(spots, SLOWER, old.seconds, other.seconds)
    return spots


def is_slower(old: float, other: float, rule: Slower) -> bool:
    return other > old * rule.times + rule.plus.total_seconds()

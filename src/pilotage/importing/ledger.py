"""What became of every field: translated, met by how Pilotage works, or lost. Each exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pilotage.errors import Place, Problem
from pilotage.importing.fields import Field, Leaf


class Outcome(StrEnum):
    TRANSLATED = "translated"
    MET = "met"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Account:
    """One leaf of a file. ``to``: the manifest's key; ``instead``: what to do about a loss."""

    place: Place
    kind: str
    field: str
    value: str
    outcome: Outcome
    to: str | None = None
    why: str | None = None
    instead: str | None = None
    changed: bool = False
    """Translated, and yet not quite the same: ``why`` says what differs."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a field, and of all below it, that no translation took.

    ``path``: ``spec.strategy.*.steps[]``; ``*`` is any key, ``[]`` any item. The longest that fits decides.
    """

    path: str
    outcome: Outcome
    why: str
    instead: str | None = None

    def fits(self, steps: Sequence[str | int]) -> int:
        """How many of its steps fit; 0: it does not."""
        wanted = self.path.replace("[]", ".[]").split(".")
        if len(wanted) > len(steps):
            return 0
        for want, step in zip(wanted, steps, strict=False):
            if isinstance(step, int) != (want == "[]"):
                return 0
            if want not in ("*", "[]") and want.lower() != str(step).lower():
                return 0
        return len(wanted)


def met(path: str, why: str) -> Rule:
    return Rule(path, Outcome.MET, why)


def lost(path: str, why: str, instead: str) -> Rule:
    return Rule(path, Outcome.LOST, why, instead)


UNKNOWN = "this import does not know the field"
LOOK = "see what it did, and whether docs/manifest.md has something for it"


@dataclass(slots=True)
class Ledger:
    """Accounts and problems as they are found; ``fill`` says what a person must still write."""

    kinds: dict[str, str] = field(default_factory=dict)
    accounts: dict[Leaf, Account] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    fill: dict[str, str] = field(default_factory=dict)

    def translated(self, field: Field, to: str, why: str | None = None) -> None:
        """``why``: what is not quite the same."""
        self._book(field, Outcome.TRANSLATED, to=to, why=why, changed=why is not None)

    def met(self, field: Field | None, why: str) -> None:
        if field is not None:
            self._book(field, Outcome.MET, why=why)

    def lost(self, field: Field | None, why: str, instead: str) -> None:
        if field is not None:
            self._book(field, Outcome.LOST, why=why, instead=instead)

    def settle(self, objects: Iterable[Field], rules: Sequence[Rule]) -> None:
        """All that is left: by the rules, and what no rule knows is lost."""
        for one in objects:
            for leaf in one.leaves():
                if leaf.leaf in self.accounts:
                    continue
                steps = leaf.path[leaf.root :]
                best = max(rules, key=lambda rule: rule.fits(steps), default=None)
                if best is None or not best.fits(steps):
                    self.lost(leaf, UNKNOWN, LOOK)
                else:
                    self._book(leaf, best.outcome, why=best.why, instead=best.instead)

    def refuse(self, field: Field, code: str, what: str, mend: str | None = None) -> None:
        self.problems.append(field.problem(code, what, mend))

    def _book(
        self,
        field: Field,
        outcome: Outcome,
        *,
        to: str | None = None,
        why: str | None = None,
        instead: str | None = None,
        changed: bool = False,
    ) -> None:
        """Every leaf below that has no account yet: what was said of a part is not said again of the whole."""
        for leaf in field.leaves():
            if leaf.leaf not in self.accounts:
                kind = self.kinds.get(f"{leaf.document}:{leaf.path[: leaf.root]}", "")
                self.accounts[leaf.leaf] = Account(
                    leaf.place, kind, leaf.name, leaf.shown, outcome, to, why, instead, changed
                )

    def of(self, outcome: Outcome) -> list[Account]:
        """In the order of the files."""
        found = [one for one in self.accounts.values() if one.outcome is outcome]
        files = list(dict.fromkeys(one.place.file for one in self.accounts.values()))
        return sorted(
            found, key=lambda one: (files.index(one.place.file), one.place.line or 0, one.place.column or 0)
        )

"""``-- pilotage: contract reversible``: what a change's file says of itself."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from pilotage.core.database import Phase
from pilotage.errors import Place, Problem
from pilotage.ports import DatabaseError

_MARK = re.compile(r"^\s*(?:--|#)\s*pilotage\s*:\s*(.*)$", re.M)
WORDS = {
    **{phase.value: "its phase" for phase in Phase},
    "reversible": "undone, everything is there again",
    "irreversible": "no version before can live with it",
    "reviewed": "a person has looked at what is dangerous in it",
}


@dataclass(frozen=True)
class Marks:
    phase: Phase = Phase.EXPAND
    reversible: bool = False
    irreversible: bool = False
    reviewed: bool = False


def marks(text: str, file: str) -> Marks:
    """DatabaseError with the line of a word that is not known, or that contradicts another."""
    found = _MARK.search(text)
    if found is None:
        return Marks()
    words = found[1].replace(",", " ").split()
    line = text.count("\n", 0, found.start(1)) + 1
    for word in words:
        if word not in WORDS:
            near = difflib.get_close_matches(word, WORDS, n=1)
            mend = f"did you mean `{near[0]}`?" if near else f"the words are {', '.join(WORDS)}"
            raise _wrong(f"`{word}` is not a mark of a change", mend, file, line)
    phases = [word for word in words if word in set(Phase)]
    if len(phases) > 1 or {"reversible", "irreversible"} <= set(words):
        raise _wrong(f"`{found[1].strip()}` contradicts itself", "keep one of them", file, line)
    return Marks(
        phase=Phase(phases[0]) if phases else Phase.EXPAND,
        reversible="reversible" in words,
        irreversible="irreversible" in words,
        reviewed="reviewed" in words,
    )


def _wrong(what: str, mend: str, file: str, line: int) -> DatabaseError:
    return DatabaseError(Problem(code="database.mark", what=what, mend=mend, where=Place(file=file, line=line)))

"""The questions of the adviser, one a fact, to somebody who sits at a terminal."""

from __future__ import annotations

from collections.abc import Collection

from pilotage.advisor.table import Fact, Table
from pilotage.cli.terminal import Terminal
from pilotage.manifest.suggest import did_you_mean
from pilotage.views import question


def ask(table: Table, known: Collection[str], terminal: Terminal) -> dict[str, str | int]:
    """Fact → answer, of what is not known already. The end of input ends the questions."""
    asked = {name: fact for name, fact in table.facts.items() if name not in known}
    answers: dict[str, str | int] = {}
    for number, (name, fact) in enumerate(asked.items(), start=1):
        terminal.show(question.draw(name, fact, f"{number} of {len(asked)}", terminal.width))
        reply = _reply(fact, terminal)
        if reply is None:
            break
        if reply != "":
            answers[name] = reply
    return answers


def _reply(fact: Fact, terminal: Terminal) -> str | int | None:
    """Asked again until it is an answer; empty: not known; None: the end of input."""
    while True:
        words = terminal.reply(question.prompt(fact))
        if not words:
            return words
        if words == "?":
            terminal.say(f"    {fact.help}")
            continue
        found = read(words, fact)
        if found is not None:
            return found
        terminal.say(question.refused(words, fact, did_you_mean(words, fact.choices)))


def read(words: str, fact: Fact) -> str | int | None:
    """A choice, the beginning of only one, or a number where numbers count; None: none of them."""
    if fact.counted and words.isascii() and words.isdigit() and len(words) <= 12:
        return int(words)
    lowered = words.lower()
    if lowered in fact.choices:
        return lowered
    fitting = [choice for choice in fact.choices if choice.startswith(lowered)]
    return fitting[0] if len(fitting) == 1 else None

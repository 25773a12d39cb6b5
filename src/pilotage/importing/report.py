"""The report of an import, as Markdown that reads as plain text, and as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pilotage.errors import Problem
from pilotage.importing.ledger import Account, Outcome
from pilotage.importing.translating import TITLES, Translation


def as_text(translation: Translation, problems: Sequence[Problem] = ()) -> str:
    """``problems``: what `pilotage check` would refuse in the manifest."""
    parts = [
        _head(translation, problems),
        _fill(translation),
        _section("Lost", "No counterpart; what to do instead.", translation.of(Outcome.LOST)),
        _section("Translated", "≈ where it is not quite the same.", translation.of(Outcome.TRANSLATED)),
        _section("Met", "Nothing to write: this is how Pilotage works anyway.", translation.of(Outcome.MET)),
    ]
    return "\n".join(row for part in parts for row in part)


def brief(translation: Translation) -> Iterator[str]:
    """What a person must know at once: how much there is of each, what to fill in, what is lost."""
    yield _counts(translation)
    for key, what in translation.fill.items():
        yield f"fill in {key}: {what}"
    by_why: dict[str, list[Account]] = {}
    for account in translation.of(Outcome.LOST):
        by_why.setdefault(account.why or "", []).append(account)
    for why, accounts in by_why.items():
        yield f"lost: {why}"
        yield from (f"  {_spot(account)} {_named(account)}" for account in accounts)


def as_data(translation: Translation, problems: Sequence[Problem] = ()) -> dict[str, Any]:
    """``{"from", "manifest", "sound", "problems", "fill_in", "lost", "translated", "met"}``."""
    return {
        "from": translation.tool.value,
        "manifest": translation.manifest,
        "sound": not problems,
        "problems": [problem.model_dump(mode="json", exclude_none=True) for problem in problems],
        "fill_in": [{"key": key, "what": what} for key, what in translation.fill.items()],
        **{str(one): [_data(account) for account in translation.of(one)] for one in Outcome},
    }


def _head(translation: Translation, problems: Sequence[Problem]) -> Iterator[str]:
    yield f"# From {TITLES[translation.tool]} to Pilotage"
    yield ""
    yield _counts(translation)
    if problems:
        yield ""
        yield "`pilotage check` does not accept the manifest yet:"
        yield ""
        yield from (f"* {problem}" for problem in problems)
    else:
        yield "`pilotage check` accepts the manifest."


def _counts(translation: Translation) -> str:
    count = {one: len(translation.of(one)) for one in Outcome}
    changed = sum(account.changed for account in translation.of(Outcome.TRANSLATED))
    return (
        f"{len(translation.accounts)} fields: {count[Outcome.TRANSLATED]} translated ({changed} of them not "
        f"quite the same), {count[Outcome.MET]} met by how Pilotage works, {count[Outcome.LOST]} lost."
    )


def _fill(translation: Translation) -> Iterator[str]:
    if translation.fill:
        yield from ("", "## Fill in", "")
        yield from (f"* `{key}`: {what}" for key, what in translation.fill.items())


def _section(title: str, says: str, accounts: Iterable[Account]) -> Iterator[str]:
    rows = list(_rows(accounts))
    yield from ("", f"## {title}", "", says if rows else "Nothing.", "")
    yield from rows


def _rows(accounts: Iterable[Account]) -> Iterator[str]:
    for account in accounts:
        yield f"* {_spot(account)} `{_named(account)}` = `{account.value.replace('`', chr(39))}`"
        if account.outcome is Outcome.TRANSLATED:
            why = f": {account.why}" if account.why else ""
            yield f"  {'≈' if account.changed else '→'} `{account.to}`{why}"
        else:
            yield f"  {account.why}"
        if account.instead and account.instead != "nothing":
            yield f"  instead: {account.instead}"


def _spot(account: Account) -> str:
    return f"{account.place.file}:{account.place.line}:{account.place.column}"


def _named(account: Account) -> str:
    return f"{account.kind} {account.field}".strip()


def _data(account: Account) -> dict[str, Any]:
    place = account.place
    data = {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "kind": account.kind or None,
        "field": account.field,
        "value": account.value,
        "to": account.to,
        "why": account.why,
        "instead": account.instead,
        "changed": account.changed or None,
    }
    return {key: value for key, value in data.items() if value is not None}

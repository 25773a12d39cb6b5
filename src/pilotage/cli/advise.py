"""Advise: which method fits a release, why, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import EVERY, Common, Environment, Json
from pilotage.cli.session import opened
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode, PilotageError, Place, Problem

if TYPE_CHECKING:
    from pilotage.advisor import Advice, Table
    from pilotage.advisor.facts import Answer
    from pilotage.manifest.model import Manifest


@Parameter(name="*")
@dataclass(frozen=True)
class Writing:
    """What becomes of answers and advice."""

    save: Annotated[Path | None, Parameter(metavar="FILE", help="Keep the answers in a file, for --facts.")] = (
        None
    )
    write: Annotated[bool, Parameter(help="Put the method that is first into the manifest.")] = False
    method: Annotated[
        str | None, Parameter(metavar="METHOD", help="With --write: this method, not the first.")
    ] = None
    force: Annotated[
        bool, Parameter(help="Replace a strategy that is there already, or the file of --save.")
    ] = False


NOTHING = Writing()


@dataclass(frozen=True)
class _Found:
    """What need not be asked."""

    subject: str = "this release"
    manifest: Manifest | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)


async def advise(
    *,
    facts: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="What is known of the release, as YAML; without it you are asked."),
    ] = None,
    to: Environment = None,
    whole: Annotated[bool, Parameter(name="--all", help="Show every reason.")] = False,
    writing: Writing = NOTHING,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Find out which method fits a release, and why.

    Without a terminal, or with --json, nothing is asked: what no file and no manifest says is taken from
    the cautious side, and said so. The exit code is 5 when with these facts no method is safe.
    """
    from pilotage.manifest.advice_files import shipped_table
    from pilotage.usecases.advising import advice
    from pilotage.views import advice as view

    terminal = Terminal(plain=common.no_color)
    _check(writing)
    table = shipped_table()
    found = await _found(common, to)
    said = _said(table, facts, found, terminal, ask=terminal.interactive and not json)
    made = advice(table, said, found.answers)
    if writing.save is not None:
        _save(table, said, writing.save, terminal)
    shown = view.view_of(made, found.subject)
    if json:
        terminal.json(shown)
    else:
        terminal.show(view.draw(shown, terminal.width, whole=whole))
    if writing.write:
        _write(made, found.manifest, writing, terminal, quiet=json)
    return ExitCode.DONE if made.first else ExitCode.BLOCKED


def _check(writing: Writing) -> None:
    """Before anybody has answered twenty questions."""
    if writing.method is not None and not writing.write:
        raise faults.usage("--method says what --write writes", "add --write")
    if writing.save is not None and writing.save.exists() and not writing.force:
        problem = Problem(
            code="advice.exists",
            what=f"{writing.save} is there already",
            mend="--force replaces it; --facts reads it",
            where=Place(file=str(writing.save)),
        )
        raise PilotageError(problem, exit_code=ExitCode.USAGE)


async def _found(common: Common, to: str | None) -> _Found:
    """From the manifest and the record, if there is a manifest."""
    from pilotage.core.evidence import proven
    from pilotage.usecases.advising import seen
    from pilotage.usecases.attesting import BIG_BANG
    from pilotage.usecases.foreseeing import recorded
    from pilotage.wiring import find_manifest

    if common.file is None and find_manifest(Path.cwd()) is None:
        if to is not None:
            raise faults.usage(
                f"there is no manifest that knows {to}", "leave --to out, or name it with --file"
            )
        return _Found()
    async with opened(common, need_manifest=True) as app:
        assert app.manifest is not None
        environment = app.manifest.environment(app.environment_name(to))
        traffic = await recorded(app.store, app.manifest.service, environment.name)
        kept = proven(await app.store.statements(app.manifest.service), BIG_BANG, app.clock.now())
        answers = seen(environment, Path(app.manifest.file).name, traffic, kept)
        return _Found(f"{app.manifest.service} in {environment.name}", app.manifest, answers)


def _said(
    table: Table, facts: Path | None, found: _Found, terminal: Terminal, *, ask: bool
) -> dict[str, Answer]:
    from pilotage.advisor.facts import Answer
    from pilotage.cli.asking import ask as asked
    from pilotage.manifest.advice_files import load_facts

    if facts is not None:
        return {name: Answer(one, f"{facts.name} says") for name, one in load_facts(facts, table).items()}
    if not ask:
        return {}
    return {name: Answer(one, "you say") for name, one in asked(table, found.answers, terminal).items()}


def _save(table: Table, said: Mapping[str, Answer], path: Path, terminal: Terminal) -> None:
    from pilotage.manifest.advice_files import facts_text
    from pilotage.usecases.recordings import keep_text

    keep_text(facts_text(table, {name: answer.value for name, answer in said.items()}), path)
    terminal.note(f"Kept in {path}: pilotage advise --facts {path}")


def _write(
    made: Advice, manifest: Manifest | None, writing: Writing, terminal: Terminal, *, quiet: bool
) -> None:
    """``quiet``: standard output is for programs."""
    from pilotage.manifest.load import decoded, read
    from pilotage.manifest.strategy_text import difference, keep, own_strategies, with_strategy
    from pilotage.usecases.advising import writable
    from pilotage.views.advice import rationale, view_of

    if manifest is None:
        raise faults.usage(
            "there is no manifest to write to", "`pilotage init` writes one; or name it with --file"
        )
    method = writable(made, writing.method)
    path = Path(manifest.file)
    before = decoded(read(path), manifest.file)
    why = rationale(view_of(made), method)
    after = with_strategy(before, manifest.file, method, why, replace=writing.force)
    keep(after, path)
    for row in difference(before, after, path.name):
        terminal.say(row, error=quiet)
    for name in own_strategies(manifest):
        terminal.note(f"{name} has a strategy of its own, which holds there.")
    terminal.note(f"Wrote {path}. Next: `pilotage check`, `pilotage plan VERSION`.")

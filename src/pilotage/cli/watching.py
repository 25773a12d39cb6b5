"""Following a rollout until something is decided. Watching changes nothing: leaving does no harm."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from pilotage.cli import outcome
from pilotage.cli.painter import Painter
from pilotage.cli.terminal import Terminal, drawn, in_encoding
from pilotage.core.environment import Glance
from pilotage.core.events import EVENT, Event
from pilotage.core.notation import parse_duration
from pilotage.core.state import State, apply, fold
from pilotage.views import rollout as view
from pilotage.views.figures import clock
from pilotage.views.ink import Tone, clean, fit, line, span
from pilotage.views.rollout.drawing import moment_lines, summary

if TYPE_CHECKING:
    from pilotage.wiring import App

FRAME = 0.25
"""Seconds between two looks."""
CALL_WORKER = 5.0
"""Seconds between two looks whether a worker works."""
SILENCE = 60.0
"""Seconds after which a watch without a screen says that it is still there."""


@dataclass
class Watched:
    """A rollout as far as it is known here."""

    state: State
    now: datetime
    events: list[Event] = field(default_factory=list)
    glance: Glance | None = None

    @classmethod
    async def begin(cls, app: App, id: str) -> Watched:
        events = list(await app.store.events(id))
        return cls(fold(id, events), app.clock.now(), events, await app.store.glance(id))

    async def look(self, app: App) -> Sequence[Event]:
        """The events since the last look."""
        fresh = await app.store.events(self.state.id, after=len(self.events))
        for event in fresh:
            self.state = apply(self.state, event)
        self.events += fresh
        self.glance = await app.store.glance(self.state.id)
        self.now = app.clock.now()
        return fresh

    @property
    def view(self) -> view.RolloutView:
        return view.view_of(self.state, self.events, self.glance, self.now)


class Face(Protocol):
    """One way to show a watched rollout."""

    def begin(self, watched: Watched) -> None: ...

    def show(self, watched: Watched, fresh: Sequence[Event]) -> None: ...

    def end(self, watched: Watched) -> None:
        """The last word; called once, also after an interruption."""
        ...


class Live:
    """A screen that is redrawn; when it ends the whole of it stays readable above the prompt."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.painter = Painter(sys.stdout)
        self.coloured = terminal.coloured(sys.stdout)

    def begin(self, watched: Watched) -> None:
        self.painter.enter()
        self.show(watched, ())

    def show(self, watched: Watched, fresh: Sequence[Event]) -> None:
        del fresh
        columns, lines = self.terminal.size
        shown = view.draw(watched.view, columns - 1, lines - 2, zone=self.terminal.zone)
        foot = "Ctrl-C leaves this screen; the rollout goes on."
        shown += [line()] * (lines - 2 - len(shown))
        shown += [fit(line(span(f"{clock(watched.now, self.terminal.zone)}  {foot}", Tone.DIM)), columns - 1)]
        rows = [in_encoding(drawn(one, coloured=self.coloured), sys.stdout) for one in shown]
        self.painter.paint(rows, (columns, lines))

    def end(self, watched: Watched) -> None:
        self.painter.leave()
        self.terminal.show(view.draw(watched.view, self.terminal.width, zone=self.terminal.zone))


class Lines:
    """One line an event, for logs; a word now and then while nothing happens."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.quiet_since = 0.0

    def begin(self, watched: Watched) -> None:
        self.show(watched, watched.events)

    def show(self, watched: Watched, fresh: Sequence[Event]) -> None:
        known = len(watched.events) - len(fresh)
        moments = [one for one in watched.view.timeline[known:] if not one.detail] if fresh else []
        width, zone, time = self.terminal.width, self.terminal.zone, asyncio.get_running_loop().time()
        self.terminal.show(row for one in moments for row in moment_lines(one, max(width, 100), zone))
        if moments:
            self.quiet_since = time
        elif time - self.quiet_since >= SILENCE:
            self.quiet_since = time
            self._still(watched)

    def _still(self, watched: Watched) -> None:
        shown = watched.view
        if shown.next is not None:
            needs = (
                next((f" ({one.missing})" for one in shown.judge.measures if one.missing), "")
                if shown.judge
                else ""
            )
            at = f" {clock(shown.next.at, self.terminal.zone)}" if shown.next.at else ""
            now = clock(watched.now, self.terminal.zone)
            self.terminal.say(clean(f"  {now}  still: {shown.next.what}{at}{needs}"))

    def end(self, watched: Watched) -> None:
        self.terminal.say()
        self.terminal.show(summary(watched.view, self.terminal.width, zone=self.terminal.zone))


class JsonLines:
    """Every event as a line of JSON, with its number and rollout; the last line is the outcome."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.told = 0

    def begin(self, watched: Watched) -> None:
        self.show(watched, watched.events)

    def show(self, watched: Watched, fresh: Sequence[Event]) -> None:
        for event in fresh:
            self.told += 1
            head = {"rollout": watched.state.id, "number": self.told}
            self.terminal.json_line({**head, **EVENT.dump_python(event, mode="json")})

    def end(self, watched: Watched) -> None:
        shown = watched.view.model_dump(mode="json", exclude={"timeline"})
        self.terminal.json_line({"rollout": watched.state.id, "kind": "outcome", "view": shown})


async def follow(
    app: App,
    id: str,
    terminal: Terminal,
    *,
    as_json: bool = False,
    until_retired: bool = False,
    patience: timedelta | None = None,
) -> State:
    """Shows a rollout until it is settled or the time is over; the state then."""
    watched = await Watched.begin(app, id)
    face: Face = JsonLines(terminal) if as_json else Live(terminal) if terminal.live else Lines(terminal)
    try:
        face.begin(watched)
        await _until_settled(app, watched, face, until_retired=until_retired, patience=patience)
    except asyncio.CancelledError:
        face.end(watched)
        _left(watched.state, terminal)
        raise
    except BaseException:
        if isinstance(face, Live):
            face.painter.leave()
        raise
    face.end(watched)
    if not outcome.settled(watched.state, until_retired=until_retired):
        _left(watched.state, terminal)
    return watched.state


async def _until_settled(
    app: App, watched: Watched, face: Face, *, until_retired: bool, patience: timedelta | None
) -> None:
    time = asyncio.get_running_loop().time
    deadline = time() + patience.total_seconds() if patience is not None else None
    called = time()
    while not outcome.settled(watched.state, until_retired=until_retired):
        if deadline is not None and time() >= deadline:
            return
        if time() - called >= CALL_WORKER:
            called = time()
            await app.ensure_worker()
        await asyncio.sleep(FRAME)
        face.show(watched, await watched.look(app))


def _left(state: State, terminal: Terminal) -> None:
    if state.status.final:
        return
    terminal.note(
        f"{state.id} goes on without you: `pilotage watch {state.id}` comes back, "
        f"`pilotage rollback` takes {state.plan.new.version} back."
    )


def duration(text: str | None) -> timedelta | None:
    """``10m`` of an option; a usage problem when it is none."""
    from pilotage.cli.faults import usage

    if text is None:
        return None
    try:
        parsed = parse_duration(text)
    except ValueError as error:
        raise usage(str(error), "`--timeout 10m`") from None
    if not isinstance(parsed, timedelta):
        raise usage(f"{text!r} is not a duration", "`--timeout 10m`")
    return parsed

"""`make demo`: the main job of Pilotage on a real application, under real load, in a few minutes.

A catalogue of 28 298 airports is served by datasette from PyPI, two instances behind the embedded proxy. It is
released for the first time; then, under load, its next real version with a canary, judged and promoted; then a
version made bad on purpose, which is judged worse and taken back. At the end: what happened, told by the load
generator and by Pilotage. Nothing is left running, also after Ctrl-C. docs/demo.md explains it.
"""

from __future__ import annotations

import argparse
import io
import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType

from findings import Findings, Rollout, by_version, number
from rich.console import Console
from rich.text import Text
from traffic import Traffic, most
from workplace import Workplace

FIRST, NEXT, BAD = "0.64.8", "0.65.5", "0.65.5-cache"
DONE, ROLLED_BACK = 0, 6
"""Exit codes of ``pilotage release`` (docs/exit-codes.md)."""
WORK = Path(__file__).parents[2] / ".demo"
A_WHILE = 5.0
"""Seconds."""
COMFORTABLE = 0.4
"""Of what two instances answer at most: four, a proxy, a worker and the users share the machine later."""
LEAST = 8.0
"""Requests a second. With fewer, the judge would take longer than anybody wants to watch."""
JUDGED = 12.0
"""Requests a second on the new version: the first step of the canary is as large as that takes …"""
STEPS, LAST = "steps: [10%, 50%]", 50
"""… and where it would not be smaller than the last one, it is left out."""
SHORT = ((STEPS, f"steps: [{LAST}%]"), ("hold: 10s", "hold: 3s"), ("keep_warm: 5s", "keep_warm: 1s"))
"""The quick form, for the tests."""


class Wrong(Exception):
    """It did not go as it should have; the message says what."""


class Demo:
    def __init__(self, place: Workplace, rate: float, within: float, console: Console) -> None:
        """``rate``: requests a second at most. ``within``: it ends after so many seconds, whatever comes."""
        self.place, self.rate, self.console = place, rate, console
        self.within, self.deadline = within, time.monotonic() + within
        self.traffic: Traffic | None = None
        self.parts = 0

    def play(self, *changes: tuple[str, str]) -> Findings:
        """The whole story. ``changes`` to the example's manifest: (text, its new text)."""
        self.say("A team and its catalogue")
        self.place.lay_out(*changes)
        self.tell(f"28 298 airports in a SQLite file, served by datasette from PyPI, on {self.place.url}")
        self.tell(f"the team's folder is {_short(self.place.root)}: see its pilotage.yaml")
        self.say(f"The first release: datasette {FIRST}")
        self._release(FIRST, DONE)
        self.say("How much can this machine do?")
        self._fit_to_the_machine(changes)
        self.say(f"Users come: {self.rate:g} requests a second, from now on without a break")
        self.traffic = Traffic(self.place.url, self.rate, self.place.folder / "load.jsonl")
        self._a_while()
        self.say(f"The next real version, {NEXT}, with a canary")
        self._release(NEXT, DONE)
        self._a_while()
        self.say(f"A version made bad on purpose: {BAD} fails 4 % of requests and makes 5 % slow")
        self._release(BAD, ROLLED_BACK)
        self._a_while()
        self.traffic.stop()
        return self._findings()

    def stop(self) -> list[str]:
        """Everything, whatever state it is in; what had to be ended by its id because that did not suffice."""
        try:
            if self.traffic:
                self.traffic.stop()
            self.place.stop()
        finally:
            ended = self.place.end()
        return ended

    def say(self, heading: str) -> None:
        self.parts += 1
        self.console.print()
        self.console.rule(Text(f"{self.parts}  {heading}", style="bold blue"), align="left")

    def tell(self, text: str) -> None:
        self.console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)

    def _fit_to_the_machine(self, changes: tuple[tuple[str, str], ...]) -> None:
        """A rate that it answers with ease, and shares at which the judge gets enough of that."""
        answered = most(self.place.url, self.place.folder / "most.jsonl")
        self.rate = min(self.rate, float(int(answered * COMFORTABLE)))
        self.tell(f"it answers {answered:.0f} requests a second at most")
        if self.rate < LEAST:
            raise Wrong(
                f"that is too few: the demo takes {LEAST / COMFORTABLE:.0f} a second at least. "
                "Run it when the machine has less to do, or on another one."
            )
        first = int(-(-JUDGED // (self.rate / 10))) * 10
        if (STEPS, f"steps: [{LAST}%]") not in changes and first > 10:
            steps = f"{first}%, {LAST}%" if first < LAST else f"{LAST}%"
            self.place.configure(*changes, (STEPS, f"steps: [{steps}]"))
            self.tell(f"with so few, the canary begins with a larger share: steps: [{steps}]")

    def _release(self, version: str, expected: int) -> None:
        """As a person does it; the command shows the release live until the old version is retired."""
        words = ("release", "--to", "local", version, "--until-retired", "--yes")
        self.console.print(Text(f"$ pilotage {' '.join(words)}", style="bold cyan"))
        try:
            code = self.place.pilotage(*words, within=max(self.deadline - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            raise Wrong(self._too_long(version)) from None
        if code != expected:
            raise Wrong(f"`pilotage {' '.join(words)}` ended with {code}, not with {expected}")

    def _too_long(self, version: str) -> str:
        """What it waited for, in Pilotage's own words as far as they are to be had."""
        try:
            why = self.place.answer("why").stdout.strip()
        except subprocess.TimeoutExpired:
            why = "`pilotage why` did not answer either."
        return (
            f"The demo has not come to its end within {self.within:g} s: "
            f"the release of {version} still goes on.\n"
            f"Most likely this machine has too much else to do. Where it stands:\n\n{why}"
        )

    def _a_while(self) -> None:
        """Some seconds of nothing but users."""
        assert self.traffic is not None
        self.traffic.wait_for(int(A_WHILE * self.rate))
        requests = self.traffic.requests()
        failed = sum(bool(request.failure) for request in requests)
        self.tell(f"so far {number(len(requests))} requests ({by_version(requests)}), {failed} failed")

    def _findings(self) -> Findings:
        assert self.traffic is not None
        history = json.loads(self._told("history", "--json"))
        ids = [rollout["id"] for rollout in reversed(history["rollouts"])]
        return Findings([self._rollout(id) for id in ids], self.traffic.requests(), BAD)

    def _rollout(self, id: str) -> Rollout:
        *events, outcome = map(json.loads, self._told("watch", id, "--json").splitlines())
        timeline = self._told("watch", id).split("\n\n")[0].splitlines()
        return Rollout(outcome["view"], datetime.fromisoformat(events[1]["at"]), timeline)

    def _told(self, *words: str) -> str:
        """What a command printed. ``watch`` ends at once: its rollout is over."""
        told = self.place.answer(*words)
        if not told.stdout:
            raise Wrong(f"`pilotage {' '.join(words)}` ended with {told.returncode}: {told.stderr}")
        return told.stdout


def main() -> int:
    given = _arguments()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    place = Workplace(given.work)
    try:
        with place.alone():
            return _run(Demo(place, given.rate, given.within, console), SHORT if given.short else ())
    except BlockingIOError:
        console.print(f"another demo is running in {place.folder}", style="red")
        return 1


def _run(demo: Demo, changes: tuple[tuple[str, str], ...]) -> int:
    """Plays it, stops everything whatever comes, then tells what happened; the exit code."""
    code, began, found = 1, time.monotonic(), None
    with _interrupts() as hold:
        try:
            demo.stop()  # what an earlier demo may have left that was killed itself
            found = demo.play(*changes)
            code = 0
        except KeyboardInterrupt:
            code = 130
            demo.console.print("\ninterrupted", style="yellow")
        except (Wrong, OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
            demo.console.print(f"\n{error}", style="red", markup=False)
        finally:
            hold()
            code = _stopped(demo, began) or code
    if found is not None:
        code = _reported(demo, found) or code
    return code


def _stopped(demo: Demo, began: float) -> int:
    try:
        demo.say("Stopping everything")
    finally:  # also when nobody reads what is said any more
        left = demo.stop()
    if left:
        demo.tell(f"{len(left)} processes did not end by themselves and were ended:")
        for line in left:
            demo.tell(f"  {line}")
        return 1
    demo.tell(f"nothing is left running; it took {time.monotonic() - began:.0f} s")
    return 0


def _reported(demo: Demo, found: Findings) -> int:
    demo.say("What happened")
    found.show(demo.console)
    demo.say("How to look further")
    bad = found.rollouts[-1].view["id"]
    demo.tell(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    demo.tell(f"cd {shlex.quote(_short(demo.place.root))}")
    for command, what in (
        ("history", "all rollouts"),
        (f"why {bad}", "what decided, on what evidence"),
        (f"watch {bad}", "everything; while it goes on: live"),
        (f"plan --to local {FIRST}", "what a release would do"),
    ):
        demo.tell(f"pilotage {command:<28}# {what}")
    odd = found.unexplained()
    if odd:
        report = demo.place.folder / "load.jsonl"
        demo.tell(f"{len(odd)} requests failed that {BAD} did not fail itself: see {_short(report)}")
    return 1 if odd else 0


@contextmanager
def _interrupts() -> Iterator[Callable[[], None]]:
    """The first Ctrl-C (or SIGTERM, SIGHUP) ends the play; later ones do not disturb the stopping."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def hold() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    def interrupt(number: int, frame: FrameType | None) -> None:
        hold()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield hold
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _short(path: Path) -> str:
    """Relative to where the reader is, when it is below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=WORK, help="the demo's folder")
    parser.add_argument(
        "--rate",
        type=float,
        default=120.0,
        help="requests a second at most; fewer where the machine cannot do so many with ease",
    )
    parser.add_argument("--within", type=float, default=900.0, help="seconds after which it ends in any case")
    parser.add_argument("--short", action="store_true", help="one canary step only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

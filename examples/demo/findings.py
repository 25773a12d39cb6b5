"""What happened, from two sides: the load generator's count beside Pilotage's own. Printed at the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from traffic import NOBODY, Count, Failure

TONES = {"good": "green", "bad": "red", "warn": "yellow", "strong": "bold"}


@dataclass(frozen=True)
class Rollout:
    """One rollout as ``pilotage status --json`` tells it, and the load meanwhile."""

    view: dict[str, Any]
    begin: Count
    end: Count

    @property
    def title(self) -> str:
        old, new = self.view["old"], self.view["new"]
        return f"{self.view['id']}: " + (f"from {old} to {new}" if old else f"{new}, the first release")

    @property
    def served(self) -> Counter[str]:
        """Requests that the load generator got answered meanwhile, by version."""
        return self.end.requests - self.begin.requests

    @property
    def failures(self) -> tuple[Failure, ...]:
        return self.end.failures[len(self.begin.failures) :]


@dataclass(frozen=True)
class Findings:
    rollouts: Sequence[Rollout]
    total: Count
    bad: str
    """The version that fails on purpose."""

    def show(self, console: Console) -> None:
        for rollout in self.rollouts:
            console.rule(Text(rollout.title, style="bold"), align="left")
            console.print(Text(f"  {rollout.view['headline']}", style="bold"))
            console.print(_indented(_timeline(rollout.view)))
            console.print(_indented(_figures(rollout)))
        console.rule("[bold]Requests, counted from both sides", align="left")
        console.print(_indented(self._counted()))
        console.print(_indented(Text(self.explained())))

    def unexplained(self) -> list[Failure]:
        """Failed requests that the bad version did not fail by its own answer 500."""
        own = (self.bad, "status 500")
        return [failure for failure in self.total.failures if (failure.version, failure.what) != own]

    def explained(self) -> str:
        """One sentence on every failed request."""
        odd, failed = self.unexplained(), len(self.total.failures)
        text = f"{failed} of {self.total.total} requests failed for users: "
        text += f"{failed - len(odd)} are answers 500 of {self.bad} itself"
        kinds = Counter(f"{failure.what} ({_whose(failure)})" for failure in odd)
        rest = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        return f"{text}, and {len(odd)} are not: {rest}" if odd else f"{text}; no other request failed"

    def _counted(self) -> Table:
        """Both counts of the requests by version, over the whole run."""
        pilotage = _by_pilotage(self.rollouts)
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("version", "requests: load", "Pilotage", "failed: load", "Pilotage"):
            table.add_column(name, justify="left" if name == "version" else "right")
        failed = Counter(failure.version for failure in self.total.failures)
        for version in sorted({*self.total.requests, *pilotage}):
            requests, errors = pilotage.get(version, ("", ""))
            mine = (f"{self.total.requests[version]}", f"{requests}", f"{failed[version]}", f"{errors}")
            table.add_row(version, *mine)
        return table


def _whose(failure: Failure) -> str:
    return "no version answered" if failure.version == NOBODY else failure.version


def _by_pilotage(rollouts: Iterable[Rollout]) -> dict[str, tuple[int, int]]:
    """Version → requests and errors as the router last told: the latest rollout knows best."""
    found: dict[str, tuple[int, int]] = {}
    for rollout in rollouts:
        for traffic in rollout.view["traffic"]:
            if traffic["requests"] is not None:
                found[traffic["version"]] = (traffic["requests"], traffic["failed"])
    return found


def _timeline(view: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    began = datetime.fromisoformat(view["created"])
    for moment in view["timeline"]:
        if moment["detail"]:
            continue
        at = datetime.fromisoformat(moment["at"])
        table.add_row(
            Text(f"{at.astimezone():%H:%M:%S}", style="dim"),
            Text(f"+{(at - began).total_seconds():.1f} s", style="dim", justify="right"),
            Text(moment["text"], style=TONES.get(moment["tone"], "")),
        )
    return table


def _figures(rollout: Rollout) -> Table:
    figures, table = rollout.view["figures"], Table.grid(padding=(0, 2))
    served = ", ".join(f"{count} by {name}" for name, count in sorted(rollout.served.items()))
    rows = {
        "requests meanwhile": served or "none yet",
        "failed for users": f"{len(rollout.failures)}",
        "from first user to verdict": _lasting(figures["to_verdict"]),
        "from verdict to full rollback": _lasting(figures["to_rollback"]),
    }
    for name, value in rows.items():
        if value:
            table.add_row(Text(name, style="dim"), value)
    return table


def _lasting(iso: str | None) -> str:
    """``PT1M2.5S`` → ``62.5 s``; empty when it has not come to that."""
    if iso is None:
        return ""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", iso)
    if found is None:
        return iso
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return f"{total:.2f} s" if total < 10 else f"{total:.0f} s"


def _indented(what: Any) -> Padding:
    return Padding(what, (0, 0, 0, 2))

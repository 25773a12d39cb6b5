"""What happened, from two sides: the load generator's count beside Pilotage's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from traffic import NOBODY, Request

TONES = {"good": "green", "bad": "red", "warn": "yellow", "strong": "bold", "dim": "dim"}


@dataclass(frozen=True)
class Look:
    """What Pilotage knew of one version's requests when it last looked at the router."""

    at: datetime
    requests: int
    failed: int


@dataclass(frozen=True)
class Rollout:
    """One rollout as ``pilotage`` tells it with --json."""

    view: dict[str, Any]
    """The outcome (``pilotage watch``)."""
    moments: Sequence[dict[str, Any]]
    """The timeline (``pilotage why``)."""
    looks: dict[str, Look]
    """By version, when the release command had ended."""

    @property
    def title(self) -> str:
        old, new = self.view["old"], self.view["new"]
        return f"{self.view['id']}: " + (f"from {old} to {new}" if old else f"{new}, the first release")

    def meanwhile(self, requests: Sequence[Request]) -> list[Request]:
        begin, end = (datetime.fromisoformat(self.view[name]) for name in ("created", "finished"))
        return [request for request in requests if begin <= request.at <= end]


@dataclass(frozen=True)
class Findings:
    rollouts: Sequence[Rollout]
    requests: Sequence[Request]
    bad: str
    """The version that fails on purpose."""

    def show(self, console: Console) -> None:
        for rollout in self.rollouts:
            console.print()
            console.print(Text(f"{rollout.title} · {rollout.view['headline']}", style="bold"))
            console.print(_indented(_timeline(rollout)))
            console.print(_indented(self._figures(rollout)))
        console.print()
        console.print(Text("Requests by version, counted from both sides", style="bold"))
        console.print(_indented(self._both_counts()))
        console.print(_indented(Text(self.explained(), style="red" if self.unexplained() else "green")))

    def unexplained(self) -> list[Request]:
        """Failed requests that the bad version did not fail by its own answer 500."""
        own = (self.bad, "status 500")
        return [one for one in self._failed() if (one.version, one.failure) != own]

    def explained(self) -> str:
        """One sentence on every failed request."""
        odd, failed = self.unexplained(), len(self._failed())
        text = f"{failed} of {_number(len(self.requests))} requests failed for users: "
        text += f"{failed - len(odd)} are answers 500 of {self.bad} itself"
        kinds = Counter(f"{one.failure} ({_whose(one)})" for one in odd)
        rest = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        return f"{text}, and {len(odd)} are not: {rest}" if odd else f"{text}; no other request failed"

    def _failed(self) -> list[Request]:
        return [request for request in self.requests if request.failure]

    def _figures(self, rollout: Rollout) -> Table:
        figures, requests = rollout.view["figures"], rollout.meanwhile(self.requests)
        served = Counter(request.version for request in requests)
        told = {
            "served meanwhile": ", ".join(f"{_number(n)} by {name}" for name, n in sorted(served.items())),
            "failed for users": str(sum(bool(request.failure) for request in requests)) if requests else "",
            "exposed until the verdict": _lasting(figures["to_verdict"]),
            "verdict to full rollback": _lasting(figures["to_rollback"]),
        }
        table = Table.grid(padding=(0, 2))
        for name, value in told.items():
            if value:
                table.add_row(Text(name, style="dim"), value)
        return table

    def _both_counts(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
        table.add_column("version")
        for name in ("requests", "failed", "until", "load", "Pilotage", "failed: load", "Pilotage"):
            table.add_column(name, justify="right")
        looks = {version: look for rollout in self.rollouts for version, look in rollout.looks.items()}
        for version in sorted({request.version for request in self.requests}):
            mine = [request for request in self.requests if request.version == version]
            table.add_row(version, *_counts(mine), *_beside(mine, looks.get(version)))
        return table


def looks(view: dict[str, Any]) -> dict[str, Look]:
    """By version, as far as the router still counts it."""
    at = view["seen_at"]
    return {
        traffic["version"]: Look(datetime.fromisoformat(at), traffic["requests"], traffic["failed"])
        for traffic in view["traffic"]
        if at is not None and traffic["requests"] is not None
    }


def _beside(requests: Sequence[Request], look: Look | None) -> tuple[str, ...]:
    """Both counts until Pilotage's last look at this version."""
    if look is None:
        return ("", "", "", "", "")
    load, failed = _counts([request for request in requests if request.at <= look.at])
    return (f"{look.at.astimezone():%H:%M:%S}", load, _number(look.requests), failed, _number(look.failed))


def _counts(requests: Sequence[Request]) -> tuple[str, str]:
    return _number(len(requests)), _number(sum(bool(request.failure) for request in requests))


def _timeline(rollout: Rollout) -> Table:
    """The moments, without those that only say again what was said."""
    table = Table.grid(padding=(0, 2))
    began = datetime.fromisoformat(rollout.view["created"])
    said: set[str] = set()
    for moment in rollout.moments:
        if moment["detail"] or moment["tone"] == "dim" or moment["text"] in said:
            continue
        said.add(moment["text"])
        at = datetime.fromisoformat(moment["at"])
        table.add_row(
            Text(f"{at.astimezone():%H:%M:%S}", style="dim"),
            Text(f"+{(at - began).total_seconds():.1f} s", style="dim", justify="right"),
            Text(moment["text"], style=TONES.get(moment["tone"], "")),
        )
    return table


def _whose(request: Request) -> str:
    return "no version answered" if request.version == NOBODY else request.version


def _number(value: int) -> str:
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _lasting(iso: str | None) -> str:
    """``PT1M2.5S`` → ``62.5 s``; empty when it has not come to that."""
    if iso is None:
        return ""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", iso)
    if found is None:
        return iso
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return f"{((days * 24 + hours) * 60 + minutes) * 60 + seconds:.2f} s"


def _indented(what: Any) -> Padding:
    return Padding(what, (0, 0, 0, 2))

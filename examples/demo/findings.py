"""What happened, told from two sides: by the load generator, and by Pilotage."""

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


@dataclass(frozen=True)
class Rollout:
    """One rollout as ``pilotage watch`` tells it once it is over."""

    view: dict[str, Any]
    """The outcome, of the last line with --json."""
    began: datetime
    """Pilotage's first look: from here on it counts."""
    timeline: Sequence[str]

    @property
    def title(self) -> str:
        old, new = self.view["old"], self.view["new"]
        return f"{self.view['id']}: " + (f"from {old} to {new}" if old else f"{new}, the first release")

    def meanwhile(self, requests: Sequence[Request]) -> list[Request]:
        """What came to its end between Pilotage's first look and its last."""
        end = datetime.fromisoformat(self.view["seen_at"] or self.view["finished"])
        return [request for request in requests if self.began <= request.at <= end]


@dataclass(frozen=True)
class Findings:
    rollouts: Sequence[Rollout]
    requests: Sequence[Request]
    bad: str
    """The version that fails on purpose."""

    def show(self, console: Console) -> None:
        for rollout in self.rollouts:
            console.print()
            console.print(Text(rollout.title, style="bold"), Text(rollout.view["headline"]), sep="   ")
            console.print(_indented(Text("\n".join(rollout.timeline))))
            if meanwhile := rollout.meanwhile(self.requests):
                console.print(_indented(_both_counts(rollout.view["traffic"], meanwhile)))
            if figures := _figures(rollout.view["figures"]):
                console.print(_indented(Text("\n".join(figures))))
        console.print()
        console.print(Text("All requests", style="bold"))
        for sentence in self.explained():
            console.print(_indented(Text(sentence, style="red" if self.unexplained() else "green")))

    def unexplained(self) -> list[Request]:
        """Failed requests that the bad version did not fail by its own answer 500."""
        own = (self.bad, "status 500")
        return [one for one in self.requests if one.failure and (one.version, one.failure) != own]

    def explained(self) -> list[str]:
        """Sentences about every request, and every failed one."""
        odd, failed = self.unexplained(), sum(bool(request.failure) for request in self.requests)
        served = f"{number(len(self.requests))} requests: {by_version(self.requests)}."
        if not odd:
            return [
                served,
                f"{failed} failed for users, all by answers 500 of {self.bad} itself; no other.",
            ]
        kinds = Counter(f"{one.failure} ({_whose(one)})" for one in odd)
        rest = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        own = f"{failed} failed for users, {failed - len(odd)} by answers 500 of {self.bad} itself"
        return [served, f"{own}; {len(odd)} otherwise: {rest}."]


def by_version(requests: Sequence[Request]) -> str:
    counts = Counter(request.version for request in requests)
    return ", ".join(f"{number(count)} by {version}" for version, count in sorted(counts.items()))


def number(value: int) -> str:
    return f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")


def _both_counts(traffic: Sequence[dict[str, Any]], requests: Sequence[Request]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("version")
    for name in ("requests: load", "Pilotage", "failed: load", "Pilotage"):
        table.add_column(name, justify="right")
    pilotage = {one["version"]: (one["requests"], one["failed"]) for one in traffic}
    for version in sorted({*pilotage, *(request.version for request in requests)}):
        mine = [request for request in requests if request.version == version]
        failed = sum(bool(request.failure) for request in mine)
        theirs = ["?" if count is None else number(count) for count in pilotage.get(version, (None, None))]
        table.add_row(version, number(len(mine)), theirs[0], number(failed), theirs[1])
    return table


def _figures(figures: dict[str, Any]) -> list[str]:
    named = {"from exposure to verdict": "to_verdict", "from verdict to full rollback": "to_rollback"}
    known = {name: figures[key] for name, key in named.items() if figures[key] is not None}
    return [f"{name}: {_seconds(iso):.2f} s" for name, iso in known.items()]


def _seconds(iso: str) -> float:
    """``PT1M2.5S`` → 62.5"""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", iso)
    if found is None:
        raise ValueError(f"{iso!r} is not a duration")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _whose(request: Request) -> str:
    return "no version answered" if request.version == NOBODY else request.version


def _indented(what: Any) -> Padding:
    return Padding(what, (0, 0, 0, 2), expand=False)

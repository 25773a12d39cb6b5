"""The manifest that is written: keys in the usual order, and a comment at every gap."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotage.importing.ledger import Ledger
from pilotage.manifest.plain import read_plain
from pilotage.manifest.words import NAME

_ORDER = ("service", "artifact", "run", "checks", "strategy", "judge", "environments")
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./%=:-]*")
_WIDE = 90
_BELOW = {"strategy": ("method", "steps", "batch", "hold"), "environment": ("instances", "router", "telemetry")}
_HEAD = (
    "Written by `pilotage import` from {what}.",
    "What follows a FILL IN is for you to write; docs/manifest.md explains every key.",
)
_BUILD = "build/{version}"
_START = "{root}/start"

Key = tuple[str, ...]


@dataclass(slots=True)
class Draft:
    """``data`` holds plain values by their keys; those below ``environment`` belong to its one environment."""

    environment: str = "production"
    data: dict[str, Any] = field(default_factory=dict)
    notes: dict[Key, list[str]] = field(default_factory=dict)

    def put(self, *key: str, value: Any, note: str | None = None) -> str:
        """Sets a value and gives the name of its key, for the report."""
        below = self.data
        for step in key[:-1]:
            below = below.setdefault(step, {})
        below[key[-1]] = value
        if note:
            self.note(*key, note=note)
        return self.named(*key)

    def note(self, *key: str, note: str) -> None:
        known = self.notes.setdefault(key, [])
        if note not in known:
            known.append(note)

    def get(self, *key: str) -> Any:
        below: Any = self.data
        for step in key:
            below = below.get(step) if isinstance(below, dict) else None
        return below

    def named(self, *key: str) -> str:
        first = ("environments", self.environment) if key[0] == "environment" else key[:1]
        return ".".join((*first, *key[1:]))

    def complete(self, ledger: Ledger, *, artifact: str) -> None:
        """What a manifest needs and no file said. ``artifact``: what the other tool deployed."""
        if self.get("artifact") is None:
            self.fill(ledger, "artifact", value={"directory": _BUILD}, what=artifact)
        if self.get("run", "command") is None:
            what = "the command that runs one instance in the foreground; {host} and {port} are given to it"
            self.fill(ledger, "run", "command", value=[_START], what=what)
        if self.get("strategy", "method") is None:
            what = "how a new version is brought to its users; docs/methods.md"
            self.fill(ledger, "strategy", "method", value="canary", what=what)
        if self.get("strategy", "method") == "canary" and not self.get("strategy", "steps"):
            what = "growing shares; no file gave any, these are Pilotage's own"
            self.fill(ledger, "strategy", "steps", value=["5%", "25%", "50%"], what=what)
        self._complete_router(ledger)

    def _complete_router(self, ledger: Ledger) -> None:
        router = self.get("environment", "router") or {}
        if "listen" not in router:
            what = "where users come in"
            self.fill(ledger, "environment", "router", "listen", value="127.0.0.1:8080", what=what)
        listen = self.get("environment", "router", "listen")
        if "preview" not in router:
            port = int(str(listen).rpartition(":")[2])
            beside = f"127.0.0.1:{port + 1 if port < 65535 else port - 1}"
            note = "always the new version, for the checks and for you"
            self.put("environment", "router", "preview", value=beside, note=note)

    def fill(self, ledger: Ledger, *key: str, value: Any, what: str) -> None:
        """A value that stands in for what only a person knows."""
        self.put(*key, value=value, note=f"FILL IN: {what}")
        ledger.fill[self.named(*key)] = what

    def text(self, what: str) -> str:
        """As YAML. ``what`` it was made from."""
        for name, order in _BELOW.items():
            self._order(name, order)
        data = {key: value for key, value in self.data.items() if key != "environment"}
        data["environments"] = {self.environment: self.data.get("environment", {})}
        notes = {
            (("environments", self.environment, *key[1:]) if key[0] == "environment" else key): lines
            for key, lines in self.notes.items()
        }
        rows = [f"# {_one_line(line.format(what=what))}" for line in _HEAD]
        for key in _ORDER:
            if key in data:
                rows += _entry(key, data[key], notes, (key,), "")
        return "\n".join(rows) + "\n"

    def _order(self, name: str, order: tuple[str, ...]) -> None:
        """The keys that come first; the others stay as they are."""
        below = self.data.get(name)
        if below:
            first = {key: below[key] for key in order if key in below}
            self.data[name] = first | {key: value for key, value in below.items() if key not in first}


def plain_name(text: str, otherwise: str) -> str:
    """A name as a manifest has them: lower case, digits and -, 40 at most."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    return name if re.fullmatch(NAME, name) else otherwise


def share(part: float) -> str:
    """0.125 → ``12.5%``."""
    return f"{part * 100:.4f}".rstrip("0").rstrip(".") + "%"


def _entry(name: str, value: Any, notes: Mapping[Key, list[str]], key: Key, indent: str) -> Iterator[str]:
    for note in notes.get(key, ()):
        yield f"{indent}# {_one_line(note)}"
    head = f"{indent}{_scalar(name)}:"
    if isinstance(value, dict) and value:
        yield head
        for below, one in value.items():
            yield from _entry(below, one, notes, (*key, below), indent + "  ")
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        yield head
        for one in value:
            rows = list(_item(one, notes, key, indent + "    "))
            yield f"{indent}  - {rows[0].lstrip()}"
            yield from rows[1:]
    else:
        yield from _short(head, value, indent)


def _item(value: Any, notes: Mapping[Key, list[str]], key: Key, indent: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield indent + _scalar(value)
        return
    for below, one in value.items():
        yield from _entry(below, one, notes, (*key, "[]", below), indent)


def _short(head: str, value: Any, indent: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{head} {_scalar(value)}"
        return
    line = f"{head} [{', '.join(map(_scalar, value))}]"
    if len(line) <= _WIDE:
        yield line
    else:
        yield head
        yield from (f"{indent}  - {_scalar(one)}" for one in value)


def _scalar(value: Any) -> str:
    if value == {}:
        return "{}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and not text.endswith(":") and read_plain(text) == text:
        return text
    if "'" not in text and ('"' in text or "\\" in text) and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _one_line(note: str) -> str:
    return re.sub(r"[^\x20-\x7e\xa0-\ud7ff]+", " ", note)

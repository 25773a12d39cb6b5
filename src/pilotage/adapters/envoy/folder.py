"""The files in a site's folder. All that we know between two calls is in them; every write is atomic.

bootstrap.json                     read by Envoy at its start
lds.json cds.json                  listeners, clusters: watched by Envoy, replaced by rename
eds_<cluster>.json                 endpoints of one release, likewise
rds_pilotage_{main,preview}.json   routes, likewise
routings.json                      the routings that may be in effect now, oldest first; mostly one
refused.json                       why the last routing given to us was refused
token                              what our probe proves itself with
admin.sock                         Envoy's admin interface
proxy/                             the supervised process and its log
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pilotage.core.routing import Routing
from pilotage.core.values import digest
from pilotage.errors import Problem

Json = dict[str, Any]


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def proxy(self) -> Path:
        return self.path / "proxy"

    def token(self) -> str:
        """The probe's secret, made at its first use."""
        file = self.path / "token"
        if not file.exists():
            self._replace("token", secrets.token_hex(32).encode())
        return file.read_text().strip()

    def bootstrap(self, value: Json) -> None:
        self._write("bootstrap.json", value)

    def publish(self, name: str, resources: Sequence[Json], version: str | None = None) -> str:
        """Writes one of Envoy's files if it changes, and says which version it now has."""
        version = version or digest({"resources": list(resources)})[7:23]
        self._write(f"{name}.json", {"version_info": version, "resources": list(resources)})
        return version

    def withdraw_endpoints(self, keep: set[str]) -> None:
        """Removes the endpoint files of clusters that are not among those to keep."""
        for file in self.path.glob("eds_*.json"):
            if file.stem.removeprefix("eds_") not in keep:
                file.unlink(missing_ok=True)

    def routings(self) -> list[Routing]:
        return [Routing.model_validate(value) for value in self._read("routings.json") or []]

    def remember(self, routings: Sequence[Routing]) -> None:
        self._write("routings.json", [routing.model_dump(mode="json") for routing in routings])

    def refused(self) -> Problem | None:
        value = self._read("refused.json")
        return Problem.model_validate(value) if value else None

    def refuse(self, problem: Problem | None) -> None:
        if problem is None:
            (self.path / "refused.json").unlink(missing_ok=True)
        else:
            self._write("refused.json", problem.model_dump(mode="json"))

    def _read(self, name: str) -> Any:
        try:
            return json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return None

    def _write(self, name: str, value: Any) -> None:
        self._replace(name, json.dumps(value, separators=(",", ":")).encode())

    def _replace(self, name: str, content: bytes) -> None:
        """Only a rename is noticed by Envoy, and only a rename is never seen half done."""
        file = self.path / name
        if file.exists() and file.read_bytes() == content:
            return
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path / f".{name}.{os.getpid()}.draft"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(file)
        directory = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

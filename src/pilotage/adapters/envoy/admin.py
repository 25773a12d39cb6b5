"""Envoy's admin interface over its unix socket: blocking, a few requests on one connection a reading."""

from __future__ import annotations

import http.client
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pilotage.adapters.envoy.listeners import ADMIN_SOCKET
from pilotage.errors import Problem
from pilotage.ports import RouterError

_TIMEOUT = 5.0
_LONGEST_PATH = 100
"""Bytes. The kernel takes 107 (103 on macOS)."""


class Reading:
    """Several requests to the same running Envoy: were it restarted in between, the next one would fail."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    def get(self, path: str, **query: str) -> Any:
        """The JSON answer."""
        try:
            return json.loads(self._text(path, **query))
        except ValueError as error:
            raise ConnectionError(f"no JSON from {path}: {error}") from error

    def _text(self, path: str, **query: str) -> str:
        asked = "&".join(f"{key}={quote(value)}" for key, value in query.items())
        self._connection.request("GET", f"{path}?{asked}" if asked else path)
        answer = self._connection.getresponse()
        body = answer.read().decode()
        if answer.status != 200:
            raise ConnectionError(f"the admin interface answered {answer.status} to {path}: {body[:200]}")
        return body

    def stats(self, pattern: str, **query: str) -> list[dict[str, Any]]:
        """Those whose whole names match the pattern."""
        answer = self.get("/stats", filter=f"^(?:{pattern})$", format="json", **query)
        return list(answer["stats"])

    def started(self) -> str:
        """When this Envoy process began, in RFC 3339 with milliseconds."""
        return str(self.get("/config_dump", mask="last_updated")["configs"][0]["last_updated"])


@contextmanager
def reading(folder: Path) -> Iterator[Reading]:
    """Raises RouterError when Envoy does not answer."""
    try:
        with _connected(folder) as connection:
            yield Reading(connection)
    except (OSError, http.client.HTTPException) as error:
        raise RouterError(
            Problem(
                code="router.no-answer",
                what="Envoy does not answer on its admin socket",
                why=f"{type(error).__name__}: {error}",
                mend="it is restarted by itself; if this lasts, look into its log",
            )
        ) from error


@contextmanager
def _connected(folder: Path) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("envoy", timeout=_TIMEOUT)
    with socket.socket(socket.AF_UNIX) as unix, _short(folder) as short:
        unix.settimeout(_TIMEOUT)
        unix.connect(str(short / ADMIN_SOCKET))
        connection.sock = unix
        yield connection


@contextmanager
def _short(folder: Path) -> Iterator[Path]:
    """A way to this folder that is short enough for the address of a unix socket."""
    if len(os.fsencode(folder)) < _LONGEST_PATH - len(ADMIN_SOCKET):
        yield folder
    elif Path("/proc/self/fd").is_dir():
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield Path(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryDirectory(prefix="pilotage-") as short:
            link = Path(short, "to")
            link.symlink_to(folder)
            yield link

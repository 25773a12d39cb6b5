"""A real PostgreSQL in a folder of its own, as a user that is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from servers import PLENTY, binary, end, until

from ports import free_port

USER, DATABASE = "keeper", "postgres"
FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


class PostgreSql:
    """Entered, it runs and lets ``keeper`` in with the password."""

    def __init__(self, password: str) -> None:
        self._initdb = binary("initdb", "postgresql", *FOLDERS)
        self._postgres = binary("postgres", "postgresql", *FOLDERS)
        self.password = password
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def words(self) -> str:
        """For libpq, with the password."""
        return f"host=127.0.0.1 port={self.port} user={USER} dbname={DATABASE} password={self.password}"

    def __enter__(self) -> Self:
        # Not below pytest's folder, where only this user may go.
        self.folder = Path(tempfile.mkdtemp(prefix="pilotage-test-"))
        secret = self.folder / "password"
        secret.write_text(self.password)
        self._as: dict[str, Any] = {
            "cwd": self.folder,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
        }
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self._as["user"] = "postgres" if "postgres" in names else "nobody"
            for path in (self.folder, secret):
                shutil.chown(path, self._as["user"])
        data = str(self.folder / "data")
        command = [self._initdb, "-D", data, "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}", "-N"]
        subprocess.run([*command, "--locale=C.UTF-8"], check=True, **self._as)
        self.start()
        return self

    def start(self) -> None:
        data = str(self.folder / "data")
        self._process = subprocess.Popen(
            [
                *(self._postgres, "-D", data, "-p", str(self.port), "-k", str(self.folder)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=50"),
            ],
            start_new_session=True,
            **self._as,
        )
        until(self._answers, "the start of PostgreSQL")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def crash(self) -> None:
        """The server and all its processes at once (-9), as when its machine loses power."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PLENTY)
        # PostgreSQL's children lead groups of their own; without their parent they end by themselves.
        until(lambda: not _processes_of(self.folder / "data"), "the end of PostgreSQL's processes")

    def run(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.words, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def pause(self) -> None:
        """Nobody answers, though connections are taken by the system."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGQUIT)  # at once, with all its children
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PLENTY)
        end(self._process)

    def _answers(self) -> bool:
        import psycopg

        with suppress(psycopg.OperationalError):
            self.run("select 1")
            return True
        return False


def _processes_of(data: Path) -> list[int]:
    """By the folder they work in."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "cwd").readlink() == data:
                found.append(int(entry.name))
    return found

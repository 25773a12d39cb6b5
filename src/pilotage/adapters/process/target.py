"""The target ``process``: a port of ports.Target on plain processes of this machine."""

from __future__ import annotations

import asyncio
import difflib
import errno
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from pilotage.adapters.process import launch, local_ports, placeholders
from pilotage.adapters.process.artifacts import Artifacts
from pilotage.adapters.process.instances import Instances, Stored
from pilotage.adapters.supervisor import State, Status, SupervisorError, files
from pilotage.core.fleet import Instance, Phase, Preparation
from pilotage.core.release import Release
from pilotage.core.routing import Address
from pilotage.errors import Problem
from pilotage.ports import Site, TargetError

_SETTINGS = ("ports",)
_LOCK = "target.lock"
_LOCK_SECONDS = 5.0
_LOG_LINES = 5


class ProcessTarget:
    """Instances are processes that listen on 127.0.0.1, each kept running by a detached supervisor."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._artifacts = Artifacts(site.cache)
        self._instances = Instances(site.folder)
        text = site.settings.get("ports")
        self._ports = local_ports.DEFAULT if text is None else local_ports.parse_range(text)

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        """Unknown keys, a bad range of ports, a machine without process groups."""
        found = [_unknown(key) for key in settings if key not in _SETTINGS]
        if settings.get("ports") is not None:
            try:
                local_ports.parse_range(settings["ports"])
            except ValueError as error:
                what = f"{settings['ports']!r} is no range of ports"
                found.append(Problem(code="target.bad-ports", what=what, mend=str(error)))
        if os.name != "posix":
            what = "the target process needs Linux, macOS or another Unix"
            found.append(
                Problem(code="target.wrong-machine", what=what, mend="use the Windows Subsystem for Linux")
            )
        return found

    async def prepare(self, release: Release) -> Preparation:
        return await asyncio.to_thread(self._prepare, release)

    async def scale(self, release: Release, numbers: Sequence[int]) -> None:
        await asyncio.to_thread(self._scale, release, numbers)

    async def observe(self) -> tuple[Instance, ...]:
        return await asyncio.to_thread(self._observe)

    async def stop(self, instances: Sequence[str]) -> None:
        await asyncio.to_thread(self._stop, instances)

    async def log(self, instance: str, lines: int) -> str:
        return await asyncio.to_thread(self._log, instance, lines)

    async def remove(self, keep: Collection[str], older_than: timedelta) -> tuple[str, ...]:
        """Forget instances that stopped so long ago, except those of the releases in ``keep``; their ids."""
        return await asyncio.to_thread(self._remove, keep, older_than)

    def _prepare(self, release: Release) -> Preparation:
        with self._telling():
            found = placeholders.problems(release.run)
            if found:
                return Preparation(release=release.id, problem=found[0])
            progress = self._artifacts.prepare(release.artifact)
            if progress.digest:
                found = launch.problems(release, self._artifacts.root(release.artifact))
                if found:
                    return Preparation(release=release.id, problem=found[0])
            return Preparation(
                release=release.id, digest=progress.digest, problem=progress.problem, progress=progress.words
            )

    def _scale(self, release: Release, numbers: Sequence[int]) -> None:
        """Everything that can be wrong is found before anything is started."""
        with self._telling(), self._alone():
            if self._artifacts.done(release.artifact) is None:
                raise TargetError(_not_prepared(release))
            root = self._artifacts.root(release.artifact)
            if found := launch.problems(release, root):
                raise TargetError(*found)
            for stored in self._placed(release, numbers):
                self._instances.keep(stored, release)
                supervised = self._instances.supervised(stored.id)
                supervised.ensure(launch.spec(release, stored.number, stored.address, root))

    def _placed(self, release: Release, numbers: Sequence[int]) -> list[Stored]:
        """Those to start, each with its port. What is wanted already is only seen to be supervised."""
        placed: list[Stored] = []
        for number in sorted(set(numbers)):
            before = self._instances.get(f"{release.id}.{number}")
            if before and self._instances.supervised(before.id).wanted:
                self._instances.supervised(before.id).revive()
            elif before and (self._exists(before) or local_ports.is_free(before.address.port)):
                placed.append(before)
            else:
                placed.append(self._stored(release.id, number, {new.address.port for new in placed}))
        return placed

    def _stored(self, release: str, number: int, taken: Collection[int]) -> Stored:
        """On a port that is free, and that no instance which exists would want back."""
        theirs = {stored.address.port for stored in self._instances.all() if self._exists(stored)}
        port = local_ports.choose(self._ports, theirs | set(taken))
        if port is None:
            raise TargetError(_no_port(self._ports))
        return Stored(release=release, number=number, address=Address(host=local_ports.HOST, port=port))

    def _exists(self, stored: Stored) -> bool:
        return self._instances.supervised(stored.id).status().state is not State.STOPPED

    def _observe(self) -> tuple[Instance, ...]:
        with self._telling():
            return tuple(self._seen(stored) for stored in self._instances.all())

    def _seen(self, stored: Stored) -> Instance:
        supervised = self._instances.supervised(stored.id)
        with suppress(SupervisorError):  # a broken disk must not hide what runs: silence will tell in 30 s
            supervised.revive()
        status = supervised.status()
        if status.state is State.CRASHED and not local_ports.is_free(stored.address.port):
            with suppress(SupervisorError, TargetError, OSError):  # the next look tries again
                stored = self._moved(stored)
            status = supervised.status()
        return Instance(
            id=stored.id,
            release=stored.release,
            number=stored.number,
            address=stored.address,
            phase=Phase(status.state.value),
            pid=status.pid,
            restarts=status.restarts,
            since=status.since,
            detail=_detail(status, supervised.log(_LOG_LINES) if _in_trouble(status) else ""),
        )

    def _moved(self, stored: Stored) -> Stored:
        """To another port, because somebody else took its own while it was down."""
        with self._alone():
            supervised = self._instances.supervised(stored.id)
            stored = self._instances.get(stored.id) or stored
            taken_by_us = supervised.status().state is not State.CRASHED
            if taken_by_us or local_ports.is_free(stored.address.port):
                return stored
            release = self._instances.release(stored.id)
            moved = self._stored(stored.release, stored.number, ())
            self._instances.keep(moved, release)
            root = self._artifacts.root(release.artifact)
            supervised.ensure(launch.spec(release, moved.number, moved.address, root))
            return moved

    def _stop(self, instances: Sequence[str]) -> None:
        with self._telling():
            for instance in instances:
                if self._instances.get(instance) is not None:
                    self._instances.supervised(instance).stop()

    def _log(self, instance: str, lines: int) -> str:
        with self._telling():
            if self._instances.get(instance) is None:
                what = f"there is no instance {instance}"
                raise TargetError(Problem(code="target.no-instance", what=what))
            return self._instances.supervised(instance).log(lines)

    def _remove(self, keep: Collection[str], older_than: timedelta) -> tuple[str, ...]:
        removed = []
        with self._telling(), self._alone():
            for stored in list(self._instances.all()):
                status = self._instances.supervised(stored.id).status()
                since = status.since or status.started_at or datetime.now(UTC)
                old = datetime.now(UTC) - since > older_than
                if stored.release not in keep and status.state is State.STOPPED and old:
                    self._instances.remove(stored.id)
                    removed.append(stored.id)
        return tuple(removed)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change of this site at a time, whichever process makes it."""
        self._site.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        until = time.monotonic() + _LOCK_SECONDS
        while (lock := files.lock(str(self._site.folder), _LOCK)) is None:
            if time.monotonic() > until:
                raise OSError(errno.EWOULDBLOCK, "another process has changed it for 5 s")
            time.sleep(0.01)
        try:
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Troubles with files as the port's error."""
        try:
            yield
        except SupervisorError as error:
            raise TargetError(*error.problems) from error
        except OSError as error:
            raise TargetError(self._unusable(error)) from error

    def _unusable(self, error: OSError) -> Problem:
        mend = "see that the disk has room and that this user may write there"
        if error.errno == errno.EROFS:
            mend = "mount its file system for writing"
        return Problem(
            code="target.unusable-folder",
            what=f"{error.filename or self._site.folder} cannot be used",
            why=error.strerror or str(error),
            mend=mend,
        )


def _in_trouble(status: Status) -> bool:
    if status.state in (State.UNHEALTHY, State.CRASHED):
        return True
    return status.state is State.STARTING and status.last_exit is not None


def _detail(status: Status, log: str) -> str:
    words = status.detail
    if status.state is State.STARTING and status.last_exit is not None:
        words = f"started again after {status.last_exit}" + (f"; {words}" if words else "")
    if status.state is State.STOPPED and status.last_exit is not None:
        words = status.last_exit
    return "\n".join(part for part in (words, log) if part)


def _unknown(key: str) -> Problem:
    close = difflib.get_close_matches(key, _SETTINGS, 1)
    hint = f"did you mean {close[0]}?" if close else f"there is only {', '.join(_SETTINGS)}"
    return Problem(code="target.unknown-setting", what=f"the target process has no setting {key!r}", mend=hint)


def _not_prepared(release: Release) -> Problem:
    return Problem(
        code="target.not-prepared",
        what=f"the artifact of {release.service} {release.version} is not prepared",
        mend="prepare it first",
    )


def _no_port(ports: range) -> Problem:
    return Problem(
        code="target.no-port",
        what=f"no port from {ports[0]} to {ports[-1]} is free",
        mend="stop instances that are not needed, or widen the setting `ports` of the target",
    )

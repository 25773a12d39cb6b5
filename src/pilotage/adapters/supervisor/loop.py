"""The supervisor itself: one thread, one poll, wanted states in, status out.

All durations are measured on the monotonic clock; the wall clock is only shown. Nothing that the disk or the
command does may end the supervisor: what fails is noted and tried again.

Part of the supervisor process: standard library only, and little of that.
"""
# pathlib would add a megabyte to every supervisor:
# ruff: noqa: PTH116, PTH118

from __future__ import annotations

import os
import select
import signal
import sys
import time

from pilotage.adapters.supervisor import child as children
from pilotage.adapters.supervisor import files, logs
from pilotage.adapters.supervisor.health import Health
from pilotage.adapters.supervisor.identity import Identity
from pilotage.adapters.supervisor.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HEARTBEAT = 5.0
"""Seconds between two writes of an unchanged status; a reader takes six missed ones for silence."""
_WITHOUT_PIDFD = 0.5
_LEFTOVERS = 5.0


class Supervisor:
    """Keeps the command of one directory as ``wanted.json`` and ``spec.json`` say, until it is to stop."""

    def __init__(self, directory: str, lock: int) -> None:
        self.directory = directory
        self._lock = lock
        self._log_path = os.path.join(directory, files.CHILD_LOG)
        self._wake_read, wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(wake_write, False)
        for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._leave = False
        self._spec: dict[str, Any] = {}
        self._wanted = True
        self._seen: object = None
        self._child: children.Child | None = None
        self._group: Identity | None = None
        """Of the last child, as long as anything of its process group lives."""
        self._kill_at: float | None = None
        """When what is being ended gets SIGKILL; None: nothing is being ended."""
        self._start_at = 0.0
        self._beat_at = 0.0
        self._health = Health()
        self._record = Record(directory)

    def run(self) -> None:
        """Until the command was stopped on purpose, or SIGTERM (which leaves the command running)."""
        self._read_wanted()
        if not self._spec:
            self._say("there is nothing to supervise here")
            return
        self._adopt()
        while not self._leave:
            try:
                if self._pass():
                    return
                self._wait()
            except Exception as error:  # the last line of defence: a supervisor must not die of a full disk
                self._say(f"{type(error).__name__}: {error}")
                time.sleep(1)

    def _pass(self) -> bool:
        """One look at everything; True when all is done for good."""
        now = time.monotonic()
        self._read_wanted()
        self._reap(now)
        if self._child and (not self._wanted or self._record.runs != self._spec["fingerprint"]):
            self._begin_end(now)
        self._go_on_ending(now)
        if self._child is None and self._group is None:
            if not self._wanted:
                return self._finish()
            if now >= self._start_at:
                self._start(now)
        if self._child and self._kill_at is None:
            self._record.enter(*self._health.step(self._spec.get("health"), now))
        self._beat(now)
        return False

    def _read_wanted(self) -> None:
        seen = tuple(_stamp(os.path.join(self.directory, name)) for name in (files.WANTED, files.SPEC))
        if seen == self._seen:
            return
        if self._folder_lost():
            self._wanted = False  # nobody could ever stop the command
            return
        wanted, spec = files.read(self.directory, files.WANTED), files.read(self.directory, files.SPEC)
        if wanted is not None and spec is not None:
            self._wanted, self._spec, self._seen = bool(wanted.get("running")), spec, seen
            self._start_at = 0.0

    def _folder_lost(self) -> bool:
        """Whether somebody removed or moved the folder, even if there is another one in its place by now."""
        try:
            there = os.stat(os.path.join(self.directory, files.SUPERVISOR_LOCK))
        except FileNotFoundError:
            return True
        except OSError:
            return False
        ours = os.fstat(self._lock)
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def _adopt(self) -> None:
        """Takes over the child of a supervisor that died, if it still lives."""
        identity = self._record.child
        if identity is not None and identity.alive:
            self._child, self._group = children.Child(identity, ours=False), identity
            self._health.begin(time.monotonic(), was_healthy=self._record.state == "healthy")
            self._say(f"adopted {identity.pid}")
        elif identity is not None:
            self._group = identity if identity.group_alive else None
            if self._wanted and self._record.state not in ("crashed", "stopped"):
                self._ended("ended unseen", time.monotonic())
        self._record.save()

    def _reap(self, now: float) -> None:
        if self._child is None or (how := self._child.ended()) is None:
            return
        self._child.close()
        self._child = None
        self._health.end()
        if self._kill_at is None:
            self._ended(how, now)
        else:
            self._record.last_exit = how
        if self._group is not None and self._kill_at is None and self._group.group_alive:
            self._group.signal_group(signal.SIGTERM)  # what it started must be gone before it starts again
            self._kill_at = now + min(_LEFTOVERS, self._spec["grace"])

    def _ended(self, how: str, now: float) -> None:
        """It ended, and nobody had asked it to."""
        delay = self._record.crashed(how, now, self._spec["backoff_first"], self._spec["backoff_most"])
        self._start_at = now + delay
        self._say(f"{how}; restarting in {delay:g} s")
        self._record.save()

    def _begin_end(self, now: float) -> None:
        if self._kill_at is not None or self._group is None:
            return
        self._record.enter("stopping", "stopping" if self._wanted is False else "restarting with a new spec")
        self._record.save()
        self._group.signal_group(getattr(signal, self._spec["stop_signal"], signal.SIGTERM))
        self._kill_at = now + self._spec["grace"]
        self._health.end()

    def _go_on_ending(self, now: float) -> None:
        if self._group is None or (self._child is not None and self._kill_at is None):
            return
        if self._child is None and not self._group.group_alive:
            self._group, self._kill_at = None, None
            self._record.gone()
        elif self._kill_at is None:
            self._kill_at = now
        elif now >= self._kill_at:
            self._group.signal_group(signal.SIGKILL)
            if self._child is None and now >= self._kill_at + _LEFTOVERS:
                self._group, self._kill_at = None, None  # zombies that nobody reaps

    def _start(self, now: float) -> None:
        runs = self._spec["fingerprint"]
        if self._record.runs != runs or self._record.state == "stopping":
            self._record.anew(runs)
        try:
            self._child = children.start(self._spec, self._log_path, self._record.started)
        except OSError as error:
            self._record.forget()
            self._ended(f"could not start: {error}", now)
            return
        self._group = self._child.identity
        self._health.begin(time.monotonic(), was_healthy=False)
        self._say(f"started {self._group.pid}")

    def _finish(self) -> bool:
        """True when it ends for good. Whoever wants it to run again waits at the ensure lock meanwhile."""
        if self._folder_lost():
            return True
        guard = files.lock(self.directory, files.ENSURE_LOCK)
        if guard is None:
            return False
        self._seen = None
        self._read_wanted()
        if self._wanted:
            os.close(guard)
            return False
        self._record.enter("stopped", "")
        self._record.save()
        os.close(self._lock)  # before the guard goes with the process: ensure must find it free
        return True

    def _beat(self, now: float) -> None:
        if now >= self._beat_at:
            self._beat_at = now + _HEARTBEAT
            if logs.rotate(self._log_path):
                self._say("rotated the log")
            self._record.save()
        elif self._record.changed:
            self._record.save()

    def _wait(self) -> None:
        waiting = select.poll()
        waiting.register(self._wake_read, select.POLLIN)
        due = [self._beat_at]
        if self._child and self._child.descriptor is not None:
            waiting.register(self._child.descriptor, select.POLLIN)
        elif self._child and not self._child.ours:
            due.append(time.monotonic() + _WITHOUT_PIDFD)
        if self._kill_at is not None or not self._wanted:
            due.append(time.monotonic() + 0.05)
        elif self._child is None:
            due.append(self._start_at)
        if self._child:
            due.extend(self._health.register(waiting))
        waiting.poll(max(0.0, min(due) - time.monotonic()) * 1000)
        try:
            os.read(self._wake_read, 1024)
        except BlockingIOError:
            return

    def _on_signal(self, number: int, _: object) -> None:
        if number == signal.SIGTERM:
            self._leave = True

    def _say(self, words: str) -> None:
        """To supervisor.log, if the disk takes it."""
        try:
            os.write(2, f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {words}\n".encode())
        except OSError:
            return


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def run(directory: str, lock: int) -> None:
    try:
        Supervisor(directory, lock).run()
    finally:
        sys.stderr.flush()

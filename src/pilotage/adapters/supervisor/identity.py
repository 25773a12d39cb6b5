"""Which process is meant: a pid alone may name a stranger after a while, pid and start time never do.

Part of the supervisor process: standard library only, and little of that.
"""
# pathlib would add a megabyte to every supervisor:
# ruff: noqa: PTH110, PTH208

from __future__ import annotations

import os

_PROC = os.path.exists("/proc/self/stat")


def _boot() -> str:
    """Start times count from boot, so the boot belongs to them."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read(8)
    except OSError:
        return "boot"


_BOOT = _boot()


class Identity:
    """A process that can be recognised again, by this and by any other process on this machine."""

    __slots__ = ("pid", "start")

    def __init__(self, pid: int, start: str) -> None:
        self.pid = pid
        self.start = start

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """None when there is no such process, or only a zombie."""
        start = _start_of(pid)
        return cls(pid, start) if start else None

    @property
    def alive(self) -> bool:
        return _start_of(self.pid) == self.start

    @property
    def group_alive(self) -> bool:
        """Whether it, or anything in the process group it leads, still runs."""
        now = _start_of(self.pid)
        if now is not None:
            return now == self.start  # otherwise the pid was recycled, so the group had become empty
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return _group_in_proc(self.pid) if _PROC else _group_in_ps(self.pid)

    def signal_group(self, number: int) -> None:
        """To all of its process group; nothing happens when that is gone."""
        if self.group_alive:
            try:
                os.killpg(self.pid, number)
            except (ProcessLookupError, PermissionError):
                return


def _start_of(pid: int) -> str | None:
    return _start_from_proc(pid) if _PROC else _start_from_ps(pid)


def _start_from_proc(pid: int) -> str | None:
    fields = _proc_fields(pid)
    return f"{_BOOT}:{int(fields[19])}" if fields else None  # proc(5): starttime, in clock ticks since boot


def _group_in_proc(group: int) -> bool:
    """Zombies do not count: where process 1 reaps late or never, they would hold up every restart."""
    wanted = str(group).encode()
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _proc_fields(int(name))) and fields[2] == wanted:
            return True
    return False


def _proc_fields(pid: int) -> list[bytes]:
    """/proc/PID/stat from the state on; empty for a dead one and for a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return []
    return [] if fields[0] in (b"Z", b"X") else fields


def _start_from_ps(pid: int) -> str | None:
    state, _, start = _ps("-o", "stat=,lstart=", "-p", str(pid)).strip().partition(" ")
    return " ".join(start.split()) if start and not state.startswith("Z") else None


def _group_in_ps(group: int) -> bool:
    lines = (line.split() for line in _ps("-A", "-o", "pgid=,stat=").splitlines())
    return any(words[0] == str(group) and not words[1].startswith("Z") for words in lines if len(words) > 1)


def _ps(*arguments: str) -> str:
    import subprocess  # only where there is no /proc

    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    answer = subprocess.run(["ps", *arguments], capture_output=True, text=True, env=environment, check=False)
    return answer.stdout

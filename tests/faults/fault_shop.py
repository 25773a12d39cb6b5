"""A real shop that is released for real: its folder, its commands, its processes, its record.

    shop.release("1.0")                       # the command, to its end
    rollout = shop.begin("2.0")               # --detach; a worker works in the background
    shop.until(lambda: shop.share("2.0"))     # polls; the record is in the failure
    shop.kill("worker")

Everything that it starts has its folder in its arguments or as its working directory, and is found by that.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml
from fault_processes import kill, processes_in, variable_of

from pilotage.core import events as e
from pilotage.core.environment import Environment
from pilotage.core.state import State
from pilotage.core.steps import Judge
from pilotage.store import reading
from pilotage.store.sqlite import SqliteStore
from ports import free_ports

T = TypeVar("T")

APP = Path(__file__).with_name("fault_app.py")
PATIENCE = 90.0
PILOTAGE = (sys.executable, "-m", "pilotage.cli.main")


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def problems(self) -> list[str]:
        """The codes of the problems it told as JSON."""
        return [problem["code"] for problem in json.loads(self.err)["problems"]]

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


@dataclass
class Shop:
    folder: Path
    state: Path = field(init=False)
    listen: int = field(init=False)
    preview: int = field(init=False)
    manifest: dict[str, Any] = field(init=False)
    variables: dict[str, str] = field(default_factory=dict)
    """Added to the environment of commands, and so of the workers that they start."""

    def __post_init__(self) -> None:
        self.state = self.folder / ".pilotage"
        self.listen, self.preview = free_ports(2)
        (self.folder / "knobs").mkdir(parents=True)
        for version in ("1.0", "2.0", "3.0"):
            self.build(version)
        self.manifest = _manifest(self.listen, self.preview)
        self.write()

    # The folder

    @property
    def file(self) -> Path:
        return self.folder / "pilotage.yaml"

    def write(self, **strategy: object) -> None:
        """The manifest, with these settings of the strategy changed."""
        self.manifest["strategy"] |= strategy
        self.file.write_text(yaml.safe_dump(self.manifest, sort_keys=False))

    def build(self, version: str) -> None:
        folder = self.folder / "build" / version
        folder.mkdir(parents=True)
        shutil.copy(APP, folder / "app.py")
        (folder / "version").write_text(version)

    def set(self, knob: str, version: str) -> None:
        (self.folder / "knobs" / f"{knob}-{version}").touch()

    def unset(self, knob: str, version: str) -> None:
        (self.folder / "knobs" / f"{knob}-{version}").unlink()

    def starts(self) -> Counter[str]:
        """How often each instance's program was started: ``2.0.1`` → 1."""
        book = self.folder / "knobs" / "starts"
        rows = book.read_text().split("\n")[:-1] if book.exists() else []
        return Counter(".".join(row.split()[:2]) for row in rows)

    @property
    def doubled(self) -> str:
        """Instances that were started while they ran."""
        book = self.folder / "knobs" / "doubled"
        return book.read_text() if book.exists() else ""

    @property
    def router(self) -> Path:
        """Where the proxy keeps its files."""
        return self.state / "environments" / "shop" / "local" / "router"

    # Commands

    def start(self, *words: str, program: Sequence[str] = PILOTAGE, **variables: str) -> subprocess.Popen[str]:
        """A command, running."""
        return subprocess.Popen(
            [*program, *words],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1", **self.variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pilotage(self, *words: str, **variables: str) -> Ended:
        """A command, ended."""
        return ended(self.start(*words, **variables))

    def release(self, version: str, *words: str) -> str:
        """Released to its end, as a person would; the rollout."""
        done = self.pilotage("release", version, "--yes", "--until-retired", *words)
        assert done.code == 0, f"{done}\n{self.told()}"
        return self.latest

    def begin(self, version: str, *words: str) -> str:
        """Begun; a worker works in the background. The rollout."""
        done = self.pilotage("release", version, "--yes", "--detach", "--json", *words)
        assert done.code == 0, done
        return str(json.loads(done.out)["rollout"])

    def worker(self, **variables: str) -> subprocess.Popen[str]:
        """A worker of ours, that ends when nothing is left to do."""
        return self.start("worker", "--until-idle", "--state", str(self.state), **variables)

    def order(self, rollout: str, order: e.Order) -> None:
        """Into the rollout's inbox, without a command that would also start a worker."""

        async def send() -> None:
            store = SqliteStore.open(self.database)
            await store.send(rollout, order, "ada", datetime.now(UTC), reason="changed her mind")
            await store.close()

        asyncio.run(send())

    # Processes

    def processes(self, word: str = "") -> dict[int, str]:
        """Living ones that are the shop's, with this word in their command."""
        return {pid: command for pid, command in processes_in(self.folder) if word in command}

    def workers(self) -> list[int]:
        return list(self.processes("worker --until-idle"))

    def of_version(self, version: str) -> list[int]:
        """Program and supervisor of every instance of a version, supervisors first."""
        mine = [
            pid
            for pid, command in self.processes().items()
            if f"/{version.replace('.', '-')}-" in command or variable_of(pid, "VERSION") == version
        ]
        return sorted(mine, key=lambda pid: "app.py" in self.processes().get(pid, ""))

    def proxy(self) -> list[int]:
        """Supervisor and Envoy."""
        return [*self.processes("router/proxy"), *self.processes("bootstrap.json")]

    def stop_workers(self) -> None:
        """kill -9, and gone."""
        kill(*self.workers())
        self.until(lambda: not self.workers())

    def end(self) -> None:
        """Everything of the shop's, whatever state it is in."""
        for _ in range(100):
            if not (left := self.processes()):
                return
            kill(*left)
            time.sleep(0.05)
        raise AssertionError(f"still there: {left}")

    # The record

    @property
    def database(self) -> Path:
        return self.state / "pilotage.db"

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """From the file itself, whatever worker or store object there is."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return work(connection)
        finally:
            connection.close()

    def events(self, rollout: str) -> list[e.Event]:
        return list(self.read(lambda db: reading.events(db, rollout, 0)))

    def state_of(self, rollout: str) -> State:
        """As it is kept, and not folded anew."""
        return self.read(lambda db: reading.rollout(db, rollout))

    def leases(self, rollout: str) -> int:
        """How many there were: grows when a worker takes it."""
        query = "SELECT epoch FROM rollouts WHERE id = ?"
        return int(self.read(lambda db: db.execute(query, (rollout,)).fetchone())[0])

    def environment(self) -> Environment:
        return self.read(lambda db: reading.environment(db, "shop", "local"))

    @property
    def rollouts(self) -> list[str]:
        """The oldest first."""
        if not self.database.exists():
            return []
        rows = self.read(lambda db: db.execute("SELECT id FROM rollouts ORDER BY seq").fetchall())
        return [row[0] for row in rows]

    @property
    def latest(self) -> str:
        return self.rollouts[-1]

    def live(self) -> str | None:
        live = self.environment().live
        return live.release.version if live else None

    def share(self, version: str, rollout: str | None = None) -> int:
        """Parts of a million that are confirmed for a version now."""
        state = self.state_of(rollout or self.latest)
        return _share(state, state.shares, version)

    def reached(self, version: str, rollout: str | None = None) -> list[int]:
        """Every share that was ever confirmed for a version, in order, by the record: it may be over by now."""
        rollout = rollout or self.latest
        state = self.state_of(rollout)
        exposed = (event for event in self.events(rollout) if isinstance(event, e.Exposed))
        return [_share(state, event.shares, version) for event in exposed]

    def told(self, rollout: str | None = None) -> str:
        """The record for a failure's message."""
        if not self.rollouts:
            return "nothing was ever released"
        rows = [
            event.model_dump_json(exclude={"plan", "routing", "by", "digest"})[:400]
            for event in self.events(rollout or self.latest)
        ]
        log = self.state / "worker.log"
        words = log.read_text()[-3000:] if log.exists() else "no worker.log"
        return "\n".join([*rows[-40:], words])

    # Waiting

    def until(self, true: Callable[[], T | None], *, seconds: float = PATIENCE) -> T:
        """The first true answer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := true():
                return found
            time.sleep(0.02)
        raise AssertionError(f"never came\n{self.told()}\n{json.dumps(self.processes(), indent=1)}")

    def until_final(self, rollout: str) -> State:
        return self.until(lambda: state if (state := self.state_of(rollout)).status.final else None)

    def until_share(self, version: str, share: int, rollout: str | None = None) -> None:
        """Until it was reached. A worker goes on meanwhile: who acts at this share wants a hold that is not
        over before that (5m), and lets it go on afterwards."""
        self.until(lambda: share in self.reached(version, rollout))

    def until_held(self, rollout: str) -> None:
        """Until the hold that runs is over by the clock: but for what was done to it, it would go on."""
        state = self.state_of(rollout)
        held = max(step.at_least for step in state.plan.steps if isinstance(step, Judge))
        exposed = max(event.at for event in self.events(rollout) if isinstance(event, e.Exposed))
        self.until(lambda: datetime.now(UTC) > exposed + held)

    def let_go_on(self, rollout: str) -> None:
        """All of its waits are over, by order; no worker is begun for it."""
        self.order(rollout, e.Order.PROMOTE_FULL)

    def until_event(self, rollout: str, kind: type[T]) -> T:
        return self.until(lambda: next((ev for ev in self.events(rollout) if isinstance(ev, kind)), None))


def _share(state: State, shares: Mapping[str, int], version: str) -> int:
    ids = {r.id: r.version for r in (state.plan.new, state.plan.basis.live) if r}
    return sum(share for release, share in shares.items() if ids.get(release) == version)


def ended(process: subprocess.Popen[str], *, seconds: float = 2 * PATIENCE) -> Ended:
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{process.args!r} did not end\n{out}\n{err}") from None
    return Ended(process.returncode, out, err)


def _manifest(listen: int, preview: int) -> dict[str, Any]:
    """Quick to decide: short holds, wide margins, few requests."""
    return {
        "service": "shop",
        "artifact": {"directory": "build/{version}"},
        "run": {
            "command": [sys.executable, "-I", "-S", "{root}/app.py"],
            "environment": {
                "VERSION": "{version}",
                "INSTANCE": "{instance}",
                "KNOBS": "{folder}/knobs",
            },
            "health": {"path": "/health", "interval": "200ms", "within": "20s"},
            "grace": "2s",
        },
        "checks": [{"name": "front page", "path": "/", "contains": "hello"}],
        "strategy": {
            "method": "canary",
            "steps": ["50%"],
            "hold": "1s",
            "keep_warm": "0s",
            "drain": "5s",
        },
        "judge": {
            "warm_up": "0s",
            "minimum_requests": 10,
            "latency": False,
            "errors": {"excess": "5%", "pass_excess": "40%", "limit": "49%"},
        },
        "environments": {
            "local": {
                "instances": 2,
                "router": {"listen": f"127.0.0.1:{listen}", "preview": f"127.0.0.1:{preview}"},
            }
        },
    }

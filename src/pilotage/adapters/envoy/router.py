"""The router ``envoy``: an embedded Envoy, driven by files and read over a unix socket."""

from __future__ import annotations

import asyncio
import difflib
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from pilotage.adapters.envoy import addresses, process, telemetry
from pilotage.adapters.envoy.admin import reading
from pilotage.adapters.envoy.clusters import union
from pilotage.adapters.envoy.converge import Refused, converge, route_prefixes, versions_seen, write_all
from pilotage.adapters.envoy.folder import Folder
from pilotage.adapters.envoy.listeners import bootstrap
from pilotage.adapters.envoy.probe import served
from pilotage.adapters.envoy.process import Proxy
from pilotage.adapters.envoy.validation import refusal
from pilotage.adapters.supervisor import State, SupervisorError
from pilotage.adapters.tap.handle import TapHandle
from pilotage.adapters.tap.wanted import wanted_for
from pilotage.core.comparing import Reconciliation
from pilotage.core.routing import Address, RouterSeen, Routing, Telemetry
from pilotage.errors import Problem
from pilotage.ports import RouterError, Site

_T = TypeVar("_T")

_START_PATIENCE = 5.0
"""Seconds from the start of Envoy to its first answer; it usually takes 0.1."""
_PROBES_A_WORKER = 8
_SETTINGS: dict[str, str] = {
    "concurrency": "a whole number from 1 to 64",
    "public": "true or false",
}


class EnvoyRouter:
    """One Envoy for one service in one environment. All state is in files (folder.py); two of these objects on
    the same folder see the same."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._folder = Folder(site.folder)
        self._concurrency = int(site.settings.get("concurrency", 2))
        self._public = bool(site.settings.get("public", False))
        self._proxy = Proxy(site.folder, self._concurrency)
        self._tap = TapHandle(site.folder)
        self._applying = threading.Lock()
        self._token: str | None = None
        self._proved: tuple[str, str] | None = None
        """Epoch and revision that all workers have shown: a look at one connection is then enough."""

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        problems = [_unknown(key) for key in settings if key not in _SETTINGS]
        concurrency = settings.get("concurrency", 2)
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or not 1 <= concurrency <= 64:
            problems.append(_wrong("concurrency", concurrency))
        if not isinstance(settings.get("public", False), bool):
            problems.append(_wrong("public", settings["public"]))
        return problems

    async def check(self, routing: Routing) -> list[Problem]:
        return await asyncio.to_thread(self._check, routing)

    async def apply(self, routing: Routing) -> None:
        await asyncio.to_thread(_in_our_words, self._apply, routing)

    async def observe(self) -> RouterSeen:
        return await asyncio.to_thread(_in_our_words, self._observe)

    async def telemetry(self) -> Telemetry:
        return await asyncio.to_thread(self._telemetry)

    async def stop(self) -> None:
        await asyncio.to_thread(_in_our_words, self._tap.stop)
        await asyncio.to_thread(_in_our_words, self._proxy.stop)

    def _check(self, routing: Routing) -> list[Problem]:
        try:
            process.version()
        except RouterError as error:
            return list(error.problems)
        problems = self._address_problems(routing)
        words = refusal(self._site, routing)
        return problems + ([_refused(words)] if words else [])

    def _address_problems(self, routing: Routing) -> list[Problem]:
        ours: set[Address] = set()
        if self._proxy.runs():
            for known in self._folder.routings():
                ours |= {a for a in (known.listen, known.preview) if a}
        wanted = [a for a in (routing.listen, routing.preview) if a is not None and a not in ours]
        found = (addresses.problem(address, public=self._public) for address in wanted)
        return [problem for problem in found if problem]

    def _apply(self, routing: Routing) -> None:
        wanted = wanted_for(routing)
        with self._applying:
            if wanted is not None:
                self._tap.ensure(wanted)
            self._make_it_so(routing)
            if wanted is None:
                self._tap.stop()

    def _make_it_so(self, routing: Routing) -> None:
        before = self._folder.routings()
        if problems := self._address_problems(routing):
            self._folder.refuse(problems[0])
            return
        if self._proxy.runs():
            self._change(before, routing)
        else:
            self._start(before, routing)

    def _start(self, before: list[Routing], routing: Routing) -> None:
        """Nothing acknowledges while nothing runs, so Envoy is asked beforehand whether it would take it."""
        words = refusal(self._site, routing)
        self._folder.refuse(_refused(words) if words else None)
        if not words:
            self._folder.bootstrap(bootstrap(self._site.service, self._site.environment))
            self._folder.remember([*before, routing])
            write_all(self._folder, before, routing)
            self._folder.remember([routing])
        if before or not words:
            log = self._proxy.log_size()
            self._proxy.ensure()
            self._await_answer()
            self._note_refused_start(log)

    def _note_refused_start(self, log: int) -> None:
        """A proxy can come up and still not listen: somebody was faster on the port."""
        with reading(self._folder.path) as admin:
            _, refusals = versions_seen(admin)
        if any(refusals.values()):
            words = self._proxy.last_words(log)
            self._folder.refuse(_refused(words or "the proxy refused its configuration when it started"))

    def _change(self, before: list[Routing], routing: Routing) -> None:
        self._proxy.ensure()
        self._await_answer()
        known = [r for r in before if r.revision != routing.revision]
        self._folder.remember([*known, routing])
        log = self._proxy.log_size()
        try:
            converge(self._folder, known, routing)
        except Refused as refused:
            self._folder.refuse(_refused(self._proxy.last_words(log) or str(refused)))
            if before:
                self._take_back(before)
            return
        self._folder.remember([routing])
        self._folder.refuse(None)

    def _take_back(self, before: list[Routing]) -> None:
        """The files as they were, so that Envoy would start with them; what it serves has not changed."""
        good = before[0]
        self._folder.remember(before)
        with suppress(Refused):  # then all of them stay remembered, and the next pass begins with all of them
            converge(self._folder, before, good)
            self._folder.remember([good])

    def _observe(self) -> RouterSeen:
        routings = self._folder.routings()
        rejected = self._folder.refused()
        if not routings:
            return RouterSeen(running=self._proxy.runs(), rejected=rejected, detail="has no routing yet")
        try:
            self._proxy.revive()
            with reading(self._folder.path) as admin:
                versions, _ = versions_seen(admin)
                inflight = telemetry.in_flight(admin)
                epoch = admin.started()
        except RouterError as error:
            return RouterSeen(running=False, rejected=rejected, detail=self._why_down(error))
        revision = self._proven(routings, versions, epoch)
        seen = next((routing for routing in routings if routing.revision == revision), None)
        return RouterSeen(
            running=True,
            revision=revision,
            rejected=rejected,
            inflight=inflight,
            since=datetime.fromisoformat(epoch),
            detail="" if revision else "the wanted routing is not in effect yet",
            mirrored=self._mirrored(seen),
        )

    def _mirrored(self, routing: Routing | None) -> Reconciliation | None:
        """What came of the copies so far; also restarts the process that compares, if it has died."""
        wanted = wanted_for(routing) if routing is not None else None
        if wanted is None:
            return None
        with suppress(SupervisorError):  # nobody's answer depends on it
            self._tap.revive()
        return self._tap.report(wanted)

    def _proven(self, routings: list[Routing], versions: Mapping[str, str], epoch: str) -> str | None:
        """The revision that all route configurations hold and that the listener itself answers with."""
        for routing in reversed(routings):
            revision = routing.revision
            if any(versions.get(prefix) != revision for prefix in route_prefixes(routing)):
                continue
            known = self._proved == (epoch, revision)
            self._token = self._token or self._folder.token()
            connections = 1 if known else _PROBES_A_WORKER * self._concurrency
            if served(routing.listen, self._token, connections) != {revision}:
                return None
            self._proved = (epoch, revision)
            return revision
        return None

    def _telemetry(self) -> Telemetry:
        routings = self._folder.routings()
        if not routings:
            raise RouterError(Problem(code="router.no-routing", what="the router has no routing yet"))
        with reading(self._folder.path) as admin:
            return telemetry.read(admin, union(routings))

    def _await_answer(self) -> None:
        """Until Envoy answers after its start. Raises RouterError with what it wrote when it does not."""
        until = time.monotonic() + _START_PATIENCE
        while True:
            try:
                with reading(self._folder.path) as admin:
                    if admin.get("/server_info")["state"] == "LIVE":
                        return
                error = None
            except RouterError as caught:
                error = caught
            if time.monotonic() > until:
                raise RouterError(_not_started(self._why_down(error))) from error
            time.sleep(0.01)

    def _why_down(self, error: RouterError | None) -> str:
        status = self._proxy.status()
        said = self._proxy.log(5).strip() if status.state is State.CRASHED else ""
        causes = [problem.why for problem in error.problems] if error else ["it is still starting"]
        why = "; ".join(part for part in (*causes, status.detail, said) if part)
        return why.replace(self._folder.token(), "…")


def _in_our_words(call: Callable[..., _T], *args: Any) -> _T:
    """The supervisor's troubles are a router's to whoever called the router."""
    try:
        return call(*args)
    except SupervisorError as error:
        raise RouterError(*error.problems) from error


def _refused(words: str) -> Problem:
    return Problem(
        code="router.refused",
        what="Envoy refused the new routing; the one before still serves",
        why=words,
        mend="look at what Envoy names: most often the name of a header or a cookie in a pin",
    )


def _not_started(why: str) -> Problem:
    return Problem(
        code="router.not-started",
        what="Envoy was started but does not answer",
        why=why,
        mend="mend what its log names; it is tried again by itself",
    )


def _unknown(key: str) -> Problem:
    near = difflib.get_close_matches(key, _SETTINGS, n=1)
    return Problem(
        code="router.unknown-setting",
        what=f"the router envoy has no setting {key!r}",
        mend=f"did you mean {near[0]!r}?" if near else f"it knows: {', '.join(_SETTINGS)}",
    )


def _wrong(key: str, value: object) -> Problem:
    return Problem(
        code="router.setting",
        what=f"{key} is {value!r}, but must be {_SETTINGS[key]}",
    )

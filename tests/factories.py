"""Valid values for tests: releases, plans, rollouts and environments, each with what matters overridden.

make_plan(environment="staging", judge=None)
make_created(by="ada"), make_state(Status.QUEUED), make_history("shop-1", 5)
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pilotage.core import events as e
from pilotage.core.environment import Environment, Glance
from pilotage.core.evidence import Statement
from pilotage.core.fleet import Instance, Phase
from pilotage.core.judging import Arm, Snapshot
from pilotage.core.plan import Basis, Plan, RouterSpec, TargetSpec
from pilotage.core.release import Release, Requirement, Run
from pilotage.core.routing import Address
from pilotage.core.state import State, apply, fold
from pilotage.core.steps import Check
from pilotage.ports import Change, Held
from pilotage.strategies.canary import Canary
from pilotage.strategies.method import Context, Method

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    """So many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def make_release(version: str = "2.0", **overrides: Any) -> Release:
    fields: dict[str, Any] = {
        "service": "shop",
        "version": version,
        "artifact": Requirement(requirements=(f"shop=={version}",)),
        "run": Run(command=("shop", "--port", "{port}"), folder="/srv/shop"),
    }
    return Release(**{**fields, **overrides})


def make_context(**overrides: Any) -> Context:
    """Version 2.0 in the place of 1.0, two instances; ``basis=Basis()`` for a first release."""
    service = overrides.pop("service", "shop")
    fields: dict[str, Any] = {
        "environment": "production",
        "new": make_release("2.0", service=service),
        "instances": 2,
        "basis": Basis(live=make_release("1.0", service=service), instances=2),
        "target": TargetSpec(kind="process"),
        "router": RouterSpec(
            kind="envoy",
            listen=Address(host="127.0.0.1", port=8000),
            preview=Address(host="127.0.0.1", port=8001),
        ),
        "checks": (Check(name="front page", path="/"),),
    }
    return Context(**{**fields, **overrides})


def make_plan(method: Method | None = None, **overrides: Any) -> Plan:
    """A plan of ``method`` (a canary with its defaults); ``overrides`` as of make_context."""
    return (method or Canary()).compile(make_context(**overrides))


def make_created(plan: Plan | None = None, **overrides: Any) -> e.Created:
    plan = plan or make_plan()
    return e.Created(**{"at": NOW, "by": "ada", "plan": plan, "digest": plan.digest, **overrides})


def make_history(length: int = 1, plan: Plan | None = None, **created: Any) -> tuple[e.Event, ...]:
    """A creation and what follows, ``length`` events in all; never final."""
    first = make_created(plan, **created)
    queued = first.queued_behind is not None
    later: list[e.Event] = [e.Started(at=at(1))] if queued else []
    later += [
        e.Intended(at=at(number), key=f"effect:{number}", value=str(number), told=f"do {number}")
        for number in range(len(later) + 1, length)
    ]
    return (first, *later[: length - 1])


def make_state(id: str = "shop-1", events: Iterable[e.Event] | None = None, **created: Any) -> State:
    """What the events (one creation, if none are given) make."""
    return fold(id, events if events is not None else make_history(**created))


def make_finished(ending: e.Ending = e.Ending.SUCCEEDED, **overrides: Any) -> e.Finished:
    return e.Finished(**{"at": at(60), "ending": ending, **overrides})


def make_change(state: State | str, *events: e.Event, held: Held | None = None, **fields: Any) -> Change:
    """The change of these events: to a rollout, or (with an id) of a new one."""
    if isinstance(state, str):
        return Change(fold(state, events), events, 0, held, **fields)
    after = state
    for event in events:
        after = apply(after, event)
    return Change(after, events, state.events, held, **fields)


def make_environment(**overrides: Any) -> Environment:
    return Environment(**{"service": "shop", "name": "production", **overrides})


def make_snapshot(second: float = 1.0, **overrides: Any) -> Snapshot:
    old = Arm(
        requests=900 * second, errors=9 * second, latency_bucket=(800 * second, 890 * second, 900 * second)
    )
    new = Arm(requests=100 * second, errors=second, latency_bucket=(90 * second, 99 * second, 100 * second))
    return Snapshot(**{"t": second, "weight": 0.1, "control": old, "canary": new, **overrides})


def make_instance(number: int = 1, release: Release | None = None, **overrides: Any) -> Instance:
    id = (release or make_release()).id
    fields: dict[str, Any] = {
        "id": f"{id}.{number}",
        "release": id,
        "number": number,
        "address": Address(host="127.0.0.1", port=9000 + number),
        "phase": Phase.HEALTHY,
    }
    return Instance(**{**fields, **overrides})


def make_statement(**overrides: Any) -> Statement:
    """A rehearsal of a big-bang that has passed; at NOW, for thirty days."""
    fields = {
        "service": "shop",
        "environment": "staging",
        "method": "big-bang",
        "release": "2-0-aa",
        "artifact": "sha256:aa",
        "plan": "sha256:bb",
        "new": "2.0",
        "old": "1.0",
        "rollouts": ("shop-staging-2",),
        "reached": "whole",
        "unseen": 1.2,
        "back": 4.0,
        "by": "ada",
        "at": NOW,
        "valid_until": NOW + timedelta(days=30),
    }
    return Statement.model_validate({**fields, **overrides})


def make_glance(**overrides: Any) -> Glance:
    return Glance(**{"at": NOW, "instances": (make_instance(1), make_instance(2)), **overrides})

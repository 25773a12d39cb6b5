"""What the judge would see of a plan: the traffic to be expected, and what follows from it."""

from __future__ import annotations

from pilotage.core.judging import JudgeSettings
from pilotage.core.plan import Plan
from pilotage.core.traffic import Traffic
from pilotage.judge.foresight import Stage
from pilotage.judge.mends import Trouble, troubles
from pilotage.judge.planner import Forecast, foresee, stages
from pilotage.judge.recorded import traffic_of
from pilotage.ports import Store

ROLLOUTS = 5
"""So many of the last rollouts are asked for figures, the newest first."""
LOOKS = 3600
"""So many of a rollout's last snapshots are read."""


async def foreseen(
    store: Store, plan: Plan, said: Traffic | None
) -> tuple[Forecast, tuple[Trouble, ...]] | None:
    """The forecast and what is wrong with it; None when nothing is judged, or there are no figures yet.

    ``said`` is what the manifest expects; else the last rollouts' telemetry tells. Slowness, bursts and
    declared counts are known from telemetry only.
    """
    judged = stages(plan)
    if plan.judge is None or not judged or plan.feature is not None:
        return None  # of a feature the traffic of the versions says nothing
    traffic = _merged(said, await recorded(store, plan.service, plan.environment))
    if traffic is None:
        return None
    forecast = foresee(plan.judge, judged, traffic)
    return None if forecast is None else (forecast, unmeant(plan.judge, judged, forecast, traffic))


def unmeant(
    settings: JudgeSettings, judged: tuple[Stage, ...], forecast: Forecast, traffic: Traffic
) -> tuple[Trouble, ...]:
    """What is wrong with it, without what takes long because it is held for as long: that is meant so."""
    held = {stage.number: stage.at_least for stage in judged}
    wrong = troubles(settings, judged, forecast, traffic)
    return tuple(one for one in wrong if one.time is None or one.time.total_seconds() > held[one.step] + 1.0)


async def recorded(store: Store, service: str, environment: str) -> Traffic | None:
    """As the newest of the last rollouts had it that was judged long enough."""
    for state in await store.rollouts(service, environment, limit=ROLLOUTS):
        if state.plan.judge is None:
            continue
        kept = await store.last_checkpoint(state.id)
        after = 0 if kept is None else max(0, kept[0] - LOOKS)
        looks = [snapshot for _, snapshot in await store.snapshots(state.id, after)]
        glance = await store.glance(state.id)
        bounds = state.plan.judge.latency_bounds
        if not bounds and glance is not None and glance.telemetry is not None:
            bounds = glance.telemetry.latency_bounds
        found = traffic_of(looks, state.plan.judge, bounds, f"as {state.id} had it")
        if found is not None:
            return found
    return None


def _merged(said: Traffic | None, known: Traffic | None) -> Traffic | None:
    """What is said counts; what it can not say is taken from what is known."""
    if said is None or known is None:
        return said or known
    more = {name: getattr(known, name) for name in ("slow", "bounds", "measures", "bursts")}
    return said.model_copy(update=more)

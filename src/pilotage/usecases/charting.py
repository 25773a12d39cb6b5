"""A rollout's measures over time: its recorded telemetry is judged again, and what the judge held is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pilotage.core.judging import JudgeSettings, Snapshot, Verdict
from pilotage.core.state import State
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.ports import Store
from pilotage.usecases.proving import recording_gone
from pilotage.usecases.replaying import replay
from pilotage.views.chart import Chart, charts_of
from pilotage.views.titles import version

QUICK = 5_000
"""Snapshots that are judged again in about a second."""


def judged_again(settings: JudgeSettings, snapshots: Iterable[Snapshot]) -> Iterator[tuple[Snapshot, Verdict]]:
    """As the worker heard them, up to the verdict that takes back: after it nothing changes any more."""
    for look in replay(snapshots, settings, whole=True):
        yield look.snapshot, look.verdict
        if look.verdict.verdict == "rollback":
            return


async def charts(store: Store, state: State, *, most: int | None = None) -> tuple[Chart, ...]:
    """A chart for each measure, those that decided first; none where nothing was judged.

    ``most``: with more snapshots than that, none either: it would take too long here.
    """
    settings = state.plan.judge
    if settings is None or state.compared_at is None:
        return ()
    snapshots = [snapshot for _, snapshot in await store.snapshots(state.id)]
    if most is None and not snapshots and (gone := await store.pruned(state.id)):
        raise PilotageError(recording_gone(state, gone))
    if most is not None and len(snapshots) > most:
        return ()
    plan = state.plan
    old, new = plan.old.version if plan.old else "old", version(plan, plan.new.id)
    if plan.feature is not None:
        old, new = "without it", f"with {plan.feature.key}"
    return charts_of(
        settings,
        judged_again(settings, snapshots),
        old=old,
        new=new,
        where=f"{plan.service} to {plan.environment}",
    )


def one_of(charts: tuple[Chart, ...], measure: str, rollout: str) -> Chart:
    """The chart of that measure; PilotageError with the names of those there are."""
    for chart in charts:
        if chart.measure == measure:
            return chart
    known = ", ".join(chart.measure for chart in charts)
    problem = Problem(
        code="chart.unknown-measure",
        what=f"{rollout} has no measure {measure}",
        why=f"its measures are {known}",
        mend="name one of these with --measure",
    )
    raise PilotageError(problem, exit_code=ExitCode.USAGE)


def needed(charts: tuple[Chart, ...], rollout: str) -> None:
    """PilotageError when there is none to draw."""
    if charts:
        return
    problem = Problem(
        code="chart.nothing-judged",
        what=f"there is nothing to draw of {rollout}",
        why="the judge has not heard both versions in it: no user saw the new one, it has no judge, "
        "or its telemetry is lost",
        mend="`pilotage why` tells what decided; `pilotage history` names other rollouts",
    )
    raise PilotageError(problem, exit_code=ExitCode.FAILED)

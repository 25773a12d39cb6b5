"""Every command on a fake App: what it asks for, what it shows, how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Command
from cli.fake import FakeApp, FakeClock, FakeStore
from pilotage.core import events as e
from pilotage.core.plan import Plan
from pilotage.core.traffic import Traffic
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.judge.mends import Trouble, troubles
from pilotage.judge.planner import Forecast, foresee, stages
from views import scripted as s


def play(app: FakeApp, written: s.Play, *, happened: int = 1) -> None:
    app.play, app.store, app.clock = written, FakeStore(written, happened), FakeClock(written)


# release


def test_release_without_a_terminal_does_not_ask_and_tells_every_event(cli: Command, app: FakeApp) -> None:
    ended = cli("release", "0.65.5", "--to", "production", "--reason", "weekly")
    assert app.done == ["plan 0.65.5 to production", "release 0.65.5 weekly"]
    assert ended.code == ExitCode.DONE
    assert "catalogue to production: 0.65.4 → 0.65.5" in ended.out
    assert "  14:00:09  Confirmed: 10 % of requests to 0.65.5, first users see 0.65.5\n" in ended.out
    assert "✓ Released: everybody has 0.65.5, 0.65.4 is kept warm" in ended.out
    assert ended.err == ""
    assert app.closed


@pytest.mark.parametrize(
    ("written", "code"),
    [(s.rolled_back, ExitCode.ROLLED_BACK), (s.warm, ExitCode.DONE), (s.succeeded, ExitCode.DONE),
     (lambda: s.Play().ended(e.Ending.VOID, "queue"), ExitCode.BLOCKED)],
)  # fmt: skip
def test_release_ends_as_the_rollout_did(
    cli: Command, app: FakeApp, written: Callable[[], s.Play], code: ExitCode
) -> None:
    play(app, written())
    assert cli("release", "0.65.5", "--yes").code == code


def test_release_asks_on_a_terminal(cli: Command, app: FakeApp, answers: Callable[[str], None]) -> None:
    answers("\n")
    ended = cli("release", "0.65.5")
    assert ended.out.endswith("Release it? [y/N] Nothing was started.\n")
    assert ended.code == ExitCode.DONE
    assert app.done == ["plan 0.65.5 to None"]


def test_release_goes_ahead_when_told_to(cli: Command, app: FakeApp, answers: Callable[[str], None]) -> None:
    answers("y\n")
    assert cli("release", "0.65.5").code == ExitCode.DONE
    assert app.done[-1] == "release 0.65.5"


def test_release_can_be_left_alone(cli: Command, app: FakeApp) -> None:
    ended = cli("release", "0.65.5", "--detach")
    assert ended.out.endswith(f"Started {s.ID}: `pilotage watch {s.ID}` shows it.\n")


def test_release_stops_watching_in_time(cli: Command, app: FakeApp) -> None:
    app.store.pace = 0
    ended = cli("release", "0.65.5", "--timeout", "10ms")
    assert ended.code == ExitCode.TIMED_OUT
    assert f"{s.ID} goes on without you: `pilotage watch {s.ID}` comes back" in ended.err


def test_a_rollback_that_is_not_finished_in_time_has_its_own_code(cli: Command, app: FakeApp) -> None:
    play(app, s.judged_bad(), happened=99)
    app.store.happened = len(app.play.events)
    assert cli("watch", "--timeout", "10ms").code == ExitCode.COULD_NOT_ROLL_BACK


def test_a_plan_is_written_and_carried_out(cli: Command, app: FakeApp, tmp_path: Path) -> None:
    kept = tmp_path / "plan.json"
    assert cli("plan", "0.65.5", "--out", str(kept)).code == 0
    ended = cli("release", "--plan", str(kept))
    assert ended.code == ExitCode.DONE
    assert app.done == ["plan 0.65.5 to None", "release 0.65.5"]


def test_a_plan_tells_what_the_judge_will_see(cli: Command, app: FakeApp) -> None:
    assert "no figures yet of the traffic: release once, or write `expect`" in cli("plan", "0.65.5").out
    app.foreseen = forecast(requests=300.0, errors=0.01)
    ended = cli("plan", "0.65.5")
    assert "at 300 requests/s, 1.0 % errors, as then" in ended.out
    assert "no figures" not in ended.out
    told = json.loads(cli("plan", "0.65.5", "--json").out)
    assert [one["share"] for one in told["sees"]["outlooks"]] == [100_000, 500_000]
    assert told["digest"] == s.CANARY.digest


def test_a_plan_warns_of_what_can_not_be_decided(cli: Command, app: FakeApp) -> None:
    app.foreseen = forecast(requests=1.0, errors=0.01)
    assert "Warning   At 10 % the judge has 10m, and needs about" in cli("plan", "0.65.5").out
    assert json.loads(cli("plan", "0.65.5", "--json").out)["sees"]["troubles"][0]["mends"]


def forecast(requests: float, errors: float) -> tuple[Forecast, tuple[Trouble, ...]]:
    traffic, judged = Traffic(requests=requests, errors=errors, source="as then"), stages(s.CANARY)
    assert s.CANARY.judge is not None
    found = foresee(s.CANARY.judge, judged, traffic)
    assert found is not None
    return found, troubles(s.CANARY.judge, judged, found, traffic)


def test_a_changed_plan_is_refused(cli: Command, app: FakeApp, tmp_path: Path) -> None:
    kept = tmp_path / "plan.json"
    cli("plan", "0.65.5", "--out", str(kept))
    kept.write_text(kept.read_text().replace('"PT2M"', '"PT1M"'))
    ended = cli("release", "--plan", str(kept))
    assert ended.code == ExitCode.BLOCKED
    assert "plan.json: error plan.changed: this plan was changed after it was written" in ended.err
    assert app.done == ["plan 0.65.5 to None"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"plan": {}, "digest": ""}', "\0"])
def test_a_file_that_is_no_plan_is_refused(cli: Command, tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    ended = cli("release", "--plan", "plan.json")
    assert ended.code == ExitCode.USAGE
    assert "plan.not-a-plan" in ended.err


@pytest.mark.parametrize("words", [("release",), ("release", "1", "--plan", "x")])
def test_release_needs_a_version_or_a_plan(cli: Command, words: tuple[str, ...]) -> None:
    assert cli(*words).code == ExitCode.USAGE


# rollback, abort, and other orders


def test_rollback_of_what_is_under_way(cli: Command, app: FakeApp) -> None:
    play(app, s.rolled_back(), happened=10)
    ended = cli("rollback", "--reason", "phones ring")
    assert ended.out.startswith("catalogue in production: from 0.65.5 back to 0.65.4\n")
    assert app.done == ["rollback None phones ring"]
    assert ended.code == ExitCode.DONE


def test_rollback_after_a_finished_release(cli: Command, app: FakeApp) -> None:
    app.going_back = s.plan("canary").model_copy(update={"method": "restore"})
    ended = cli("rollback", "production", "--yes")
    assert "from 0.65.4 back to 0.65.5" in ended.out
    assert ended.code == ExitCode.DONE


def test_rollback_usually_means_yes(cli: Command, app: FakeApp, answers: Callable[[str], None]) -> None:
    answers("\n")
    play(app, s.rolled_back())
    assert "Go back? [Y/n]" in cli("rollback").out
    assert app.done == ["rollback None"]


def test_nobody_to_answer_is_a_no(cli: Command, app: FakeApp, answers: Callable[[str], None]) -> None:
    answers("")
    cli("rollback")
    assert app.done == []


def test_a_restore_that_fails_could_not_roll_back(cli: Command, app: FakeApp) -> None:
    play(app, s.rolled_back())
    app.going_back = s.CANARY
    assert cli("rollback").code == ExitCode.COULD_NOT_ROLL_BACK


def test_pause_is_heard(cli: Command, app: FakeApp) -> None:
    play(app, s.exposed_at_ten(), happened=13)
    app.store.answer = lambda order: [e.Paused(at=s.START, by="ada", reason="lunch")]
    ended = cli("pause", "--reason", "lunch")
    assert ended.out == "Paused by ada (lunch), 0.65.5 has 10 %.\n"
    assert app.done == ["pause lunch"]


def test_a_refused_order_is_told(cli: Command, app: FakeApp) -> None:
    play(app, s.exposed_at_ten(), happened=13)
    problem = Problem(code="rollout.cannot-resume", what="Cannot resume: it is not paused")
    app.store.answer = lambda order: [e.Refused(at=s.START, message="resume", problem=problem)]
    ended = cli("resume")
    assert ended.code == ExitCode.BLOCKED
    assert ended.err == "error rollout.cannot-resume: Cannot resume: it is not paused\n"
    assert ended.out == ""


def test_an_order_nobody_hears(cli: Command, app: FakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pilotage.cli.steer.HEARD_WITHIN", 0.0)
    assert cli("promote").code == ExitCode.TIMED_OUT


@pytest.mark.parametrize(
    ("words", "order"),
    [(("promote",), "promote"), (("promote", "--full"), "promote-full"), (("pause",), "pause")],
)
def test_orders(cli: Command, app: FakeApp, words: tuple[str, ...], order: str) -> None:
    ended = cli(*words, "--json")
    assert json.loads(ended.out)["order"] == order
    assert app.done == [order]


def test_abort_watches_the_way_back(cli: Command, app: FakeApp) -> None:
    play(app, s.rolled_back(), happened=10)
    ended = cli("abort")
    assert "Rolled back completely" in ended.out
    assert ended.code == ExitCode.DONE


# looking


def test_watch_tells_events_in_lines(cli: Command, app: FakeApp) -> None:
    play(app, s.rolled_back())
    ended = cli("watch")
    assert ended.code == ExitCode.ROLLED_BACK
    assert [row for row in ended.out.splitlines() if "Turned back" in row] == [
        "  14:00:51  Turned back: it was judged worse"
    ]
    assert "Rollback  1.3s from the verdict until no user reached 0.65.5" in ended.out


def test_watch_as_json_is_a_line_an_event_and_the_outcome(cli: Command, app: FakeApp) -> None:
    play(app, s.rolled_back())
    rows = [json.loads(row) for row in cli("watch", s.ID, "--json").out.splitlines()]
    events = [
        e.EVENT.validate_python({k: v for k, v in row.items() if k not in ("rollout", "number")})
        for row in rows[:-1]
    ]
    assert events == app.play.events
    assert [row["number"] for row in rows[:-1]] == list(range(1, len(rows)))
    assert rows[-1]["kind"] == "outcome"
    assert rows[-1]["view"]["status"] == "rolled-back"


def test_watch_until_retired_goes_on(cli: Command, app: FakeApp) -> None:
    assert "Finished after" not in cli("watch").out
    play(app, s.succeeded())
    assert "Finished after 15m: 0.65.5 is released" in cli("watch", "--until-retired").out


READING = [
    ("plan", "0.65.5"),
    ("status",),
    ("status", "production"),
    ("why",),
    ("history",),
    ("history", "-n", "3"),
    ("logs",),
    ("doctor",),
]


@pytest.mark.parametrize("words", READING)
def test_reading_commands_give_json_and_only_json(cli: Command, app: FakeApp, words: tuple[str, ...]) -> None:
    play(app, s.rolled_back(), happened=99)
    ended = cli(*words, "--json")
    assert json.loads(ended.out)
    assert ended.err == ""


@pytest.mark.parametrize("words", READING)
def test_reading_commands_say_something(cli: Command, app: FakeApp, words: tuple[str, ...]) -> None:
    ended = cli(*words)
    assert ended.out
    assert "\x1b" not in ended.out
    assert ended.err == ""


def test_logs_cannot_move_the_cursor(cli: Command, app: FakeApp) -> None:
    ended = cli("logs", f"{s.NEW.id}.1", "-n", "7")
    assert ended.out == f"── {s.NEW.id}.1\nstarted\nlistening\n"
    assert app.done == [f"logs {s.NEW.id}.1 None 7"]


def test_doctor_fails_when_something_is_wrong(cli: Command) -> None:
    assert cli("doctor").code == ExitCode.FAILED


# operating


def test_down_needs_yes_without_a_terminal(cli: Command, app: FakeApp) -> None:
    ended = cli("down")
    assert ended.code == ExitCode.USAGE
    assert app.done == []


def test_down_with_yes(cli: Command, app: FakeApp) -> None:
    assert cli("down", "production", "--yes").out.startswith("Stopped ")
    assert app.done == ["down production"]


def test_down_asks(cli: Command, app: FakeApp, answers: Callable[[str], None]) -> None:
    answers("n\n")
    assert cli("down").out.endswith("Nothing was stopped.\n")
    assert app.done == []


def test_worker(cli: Command, app: FakeApp) -> None:
    assert cli("worker", "--until-idle").code == ExitCode.DONE
    assert app.done == ["work until idle"]


def test_a_plan_file_holds_the_plan_itself(cli: Command, tmp_path: Path) -> None:
    cli("plan", "0.65.5", "-o", "plan.json")
    kept = json.loads((tmp_path / "plan.json").read_text())
    assert Plan.model_validate(kept["plan"]).digest == kept["digest"] == s.CANARY.digest


def test_a_refusal_starts_nothing(cli: Command, app: FakeApp) -> None:
    app.fault = PilotageError(Problem(code="release.busy", what="busy"), exit_code=ExitCode.BLOCKED)
    assert cli("release", "0.65.5").code == ExitCode.BLOCKED
    assert app.closed


@pytest.mark.parametrize("command", ["rollback", "status", "down"])
def test_two_different_environments_are_refused(cli: Command, app: FakeApp, command: str) -> None:
    ended = cli(command, "production", "--to", "elsewhere", *([] if command == "status" else ["--yes"]))
    assert ended.code == ExitCode.USAGE
    assert "two environments are named" in ended.err

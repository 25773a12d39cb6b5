"""Readiness on the example, with the real store and the real commands; nothing is ever started."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pilotage import wiring
from pilotage.cli.main import main
from pilotage.core.readiness import Tick
from pilotage.dossier.policy import Policy
from pilotage.errors import ExitCode, PilotageError
from pilotage.manifest.load import load
from pilotage.manifest.release_files import load_release
from pilotage.strategies.restore import Restore
from pilotage.usecases.readying import assessed

from factories import make_context, make_plan  # isort: skip

EXAMPLE = Path(__file__).parents[2] / "examples" / "documents"
EVENING = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example, in a folder where one may stand."""
    for name in ("pilotage.yaml", "release.yaml", "facts.yaml"):
        shutil.copy(EXAMPLE / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PILOTAGE_STATE", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def run(shop: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        written = capsys.readouterr()
        return int(code), written.out, written.err

    return command


def changed(shop: Path, before: str, after: str, file: str = "release.yaml") -> None:
    text = (shop / file).read_text(encoding="utf-8")
    assert before in text
    (shop / file).write_text(text.replace(before, after), encoding="utf-8")


def rollouts(shop: Path) -> int:
    async def count() -> int:
        app = wiring.open_app(shop / "pilotage.yaml", None)
        found = await app.store.rollouts()
        await app.close()
        return len(found)

    return asyncio.run(count())


AT = ("--at", "2026-12-01T21:00+01:00")


def test_the_example_is_ready_when_its_steps_are_ticked_off(run: Run) -> None:
    code, out, _ = run("readiness", *AT)
    assert code == ExitCode.BLOCKED
    assert "backup: Take the restore point" in out
    for step in ("backup", "freeze-content"):
        assert run("tick", step, "--by", "Kofi Mensah", "--note", "run complete")[0] == ExitCode.DONE
    code, out, _ = run("readiness", *AT)
    assert code == ExitCode.DONE, out
    assert "Ready: all" in out
    found = json.loads(run("readiness", *AT, "--json")[1])
    assert found["ready"] is True
    assert "by Kofi Mensah" in str(found["readiness"]["items"])
    run("tick", "backup", "--undo")
    assert run("readiness", *AT)[0] == ExitCode.BLOCKED


def test_what_is_open_stops_a_release_with_a_problem_for_each(shop: Path, run: Run) -> None:
    changed(shop, 'done: "2026-11-26", material', "material")
    code, _, err = run("release", "2.4", "--json")
    problems = json.loads(err)["problems"]
    assert code == ExitCode.BLOCKED
    told = [one for one in problems if one["code"] == "readiness.training"]
    assert "customer support know the new checkout" in told[0]["what"]
    assert "Tom Adler" in told[0]["why"]
    line = (shop / "release.yaml").read_text().splitlines()[told[0]["where"]["line"] - 1]
    assert "audience: customer support" in line
    assert "readiness.runbook" in {one["code"] for one in problems}
    assert rollouts(shop) == 0


def test_a_release_file_with_problems_stops_it_too(shop: Path, run: Run) -> None:
    changed(shop, "goals:", "gaols:")
    code, _, err = run("release", "2.4")
    assert code == ExitCode.REFUSED_MANIFEST
    assert "did you mean `goals`?" in err
    assert rollouts(shop) == 0


def test_a_step_that_is_none_is_told(run: Run) -> None:
    code, _, err = run("tick", "back-up")
    assert code == ExitCode.USAGE
    assert "did you mean `backup`?" in err


def test_the_policy_says_what_blocks(shop: Path) -> None:
    release = load_release(shop / "release.yaml")
    plan = make_plan()
    plan = plan.model_copy(update={"new": plan.new.model_copy(update={"version": "2.4"})})
    late = datetime(2027, 7, 15, 20, 0, tzinfo=UTC)
    hard = assessed(plan, release, Policy(), (), late)
    soft = assessed(plan, release, Policy(**dict.fromkeys(Policy.model_fields, "warn")), (), late)
    off = assessed(plan, release, Policy(**dict.fromkeys(Policy.model_fields, "ignore")), (), late)
    assert hard is not None
    assert soft is not None
    assert off is not None
    assert {p.code for p in hard.blocking} >= {"readiness.vendors", "readiness.windows", "readiness.support"}
    assert [p.code for p in hard.warnings] == ["readiness.interfaces"]
    assert soft.blocking == () == off.blocking == off.warnings
    assert sorted(p.code for p in soft.warnings) == sorted(p.code for p in (*hard.blocking, *hard.warnings))
    with pytest.raises(PilotageError) as refused:
        hard.demand()
    assert refused.value.exit_code is ExitCode.BLOCKED
    assert soft.demand() == soft.readiness


def test_a_way_back_is_never_asked(shop: Path) -> None:
    back = Restore().compile(make_context())
    release = load_release(shop / "release.yaml")
    assert assessed(back, release, Policy(), (), EVENING) is None
    assert assessed(back, None, Policy(), (), EVENING) is None


def test_nothing_is_asked_unless_somebody_wants_it(shop: Path) -> None:
    release = load_release(shop / "release.yaml")
    assert assessed(make_plan(), None, None, (), EVENING) is None
    elsewhere = make_plan(environment="staging")
    assert assessed(elsewhere, release, Policy(), (), EVENING) is None
    wanted = assessed(make_plan(), None, Policy(), (), EVENING)
    assert wanted is not None
    assert [p.code for p in wanted.blocking] == ["readiness.release-file"]


def test_an_environments_policy_goes_over_the_services(shop: Path) -> None:
    changed(
        shop, "environments:\n", "readiness: {training: warn, risks: warn}\nenvironments:\n", "pilotage.yaml"
    )
    changed(shop, "    instances: 4\n", "    instances: 4\n    readiness: {risks: block}\n", "pilotage.yaml")
    policy = load(shop / "pilotage.yaml").environment("production").readiness()
    assert policy == Policy(training="warn", risks="block")
    assert load(EXAMPLE / "pilotage.yaml").environment("production").readiness() is None


def test_a_tick_is_of_one_plan(shop: Path) -> None:
    release = load_release(shop / "release.yaml")
    plan = make_plan()
    plan = plan.model_copy(update={"new": plan.new.model_copy(update={"version": "2.4"})})
    mine = Tick(plan=plan.digest, step="backup", by="ada", at=EVENING)
    found = assessed(plan, release, Policy(), [mine], EVENING)
    assert found is not None
    open_steps = [item.what for item in found.readiness.items if item.subject == "runbook" and item.open]
    assert open_steps == ["freeze-content: Ask the editors to stop publishing"]

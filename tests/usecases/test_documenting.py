"""Documents in a folder: written, replaced, protected, told void; with the real commands and the real store."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pilotage.cli.main import main
from pilotage.errors import ExitCode, PilotageError
from pilotage.usecases.documenting import Format, State, check, read_index, write

from views.release_case import bare, example, make_release_plan  # isort: skip

EXAMPLE = Path(__file__).parents[2] / "examples" / "documents"
TEXTS = (Format.MD, Format.HTML)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example, in a folder where one may stand."""
    for name in ("pilotage.yaml", "release.yaml", "facts.yaml"):
        shutil.copy(EXAMPLE / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PILOTAGE_STATE", raising=False)
    return tmp_path


@pytest.fixture
def run(shop: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        written = capsys.readouterr()
        return int(code), written.out, written.err

    return command


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_input_gives_the_same_bytes_also_in_pdf(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(example(), tmp_path / folder, list(Format))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    names = contents(tmp_path / "a").keys()
    assert len([name for name in names if name.endswith(".pdf")]) == 8
    assert {"rollout.ics", "charts/exposure.svg", "charts/risks.svg", "index.html", "index.md"} <= names


def test_again_replaces_and_what_is_not_made_any_more_goes(tmp_path: Path) -> None:
    write(example(), tmp_path, TEXTS)
    written = write(example(), tmp_path, (Format.HTML,))
    assert written.voided is None
    assert written.index.void == ()
    assert not list(tmp_path.rglob("*-plan.md"))
    assert (tmp_path / "rollout-plan.html").exists()
    assert check(tmp_path, example().plan).sound


def test_what_was_edited_by_hand_is_not_lost(tmp_path: Path) -> None:
    write(example(), tmp_path, TEXTS)
    edited = tmp_path / "release-notes.md"
    edited.write_text("mine\n", encoding="utf-8")
    before = contents(tmp_path)
    with pytest.raises(PilotageError) as refused:
        write(bare(), tmp_path, TEXTS)
    assert [problem.code for problem in refused.value.problems] == ["documents.edited"]
    assert contents(tmp_path) == before
    assert check(tmp_path, example().plan).files["release-notes.md"] is State.EDITED
    write(example(), tmp_path, (Format.HTML,))  # which does not touch it
    assert edited.read_text(encoding="utf-8") == "mine\n"
    write(example(), tmp_path, TEXTS, force=True)
    assert check(tmp_path, example().plan).sound


def test_a_file_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my own pages\n", encoding="utf-8")
    with pytest.raises(PilotageError) as refused:
        write(example(), tmp_path, TEXTS)
    assert refused.value.exit_code is ExitCode.BLOCKED
    assert list(contents(tmp_path)) == ["index.html"]


def test_another_plan_makes_them_void(tmp_path: Path) -> None:
    old, new = make_release_plan(), make_release_plan(environment="staging")
    write(bare(old), tmp_path, TEXTS)
    (tmp_path / "release-notes.md").unlink()
    found = check(tmp_path, new)
    assert set(found.files.values()) == {State.VOID, State.MISSING}
    written = write(bare(new), tmp_path, TEXTS)
    assert written.voided == old.digest
    index = read_index(tmp_path)
    assert index is not None
    assert [one.plan for one in index.void] == [old.digest]
    assert old.digest in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert old.digest not in (tmp_path / "rollout-plan.html").read_text(encoding="utf-8")
    assert check(tmp_path, new).sound


def test_an_index_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PilotageError, match="no index"):
        write(example(), tmp_path, TEXTS)
    with pytest.raises(PilotageError, match="no documents"):
        check(tmp_path / "elsewhere", example().plan)


def test_the_commands_from_the_page(shop: Path, run: Run) -> None:
    """As docs/documents.md has them."""
    code, out, _ = run("documents", "2.4", "--facts", "facts.yaml", "--format", "md", "--format", "html")
    assert code == ExitCode.DONE
    assert "Not given" not in out
    assert run("tick", "backup", "--by", "Jun Park", "--note", "run complete")[0] == ExitCode.DONE
    assert "Jun Park" not in book(shop, "backup")
    run("documents", "--format", "md")
    assert "Jun Park, " in book(shop, "backup")
    assert "run complete" in book(shop, "backup")
    assert run("documents", "check")[0] == ExitCode.DONE
    text = (shop / "pilotage.yaml").read_text(encoding="utf-8")
    (shop / "pilotage.yaml").write_text(text.replace("instances: 4", "instances: 3"), encoding="utf-8")
    code, out, _ = run("documents", "check")
    assert code == ExitCode.BLOCKED
    assert "void     cut-over-runbook.md" in out
    found = json.loads(run("documents", "check", "--json")[1])
    assert found["sound"] is False
    assert found["plan"] != found["documents_of"]
    _, _, err = run("documents", "--format", "md")
    assert f"{found['documents_of']} are void" in err
    assert "☑" not in book(shop, "backup")


def book(shop: Path, step: str) -> str:
    rows = (shop / "documents" / "cut-over-runbook.md").read_text(encoding="utf-8").splitlines()
    return next(row for row in rows if f"`{step}`" in row)


def test_a_starter_is_written_once(shop: Path, run: Run) -> None:
    (shop / "release.yaml").unlink()
    assert run("documents", "init", "2.5", "--title", "Gift cards")[0] == ExitCode.DONE
    code, _, err = run("documents", "init", "2.5")
    assert code == ExitCode.USAGE
    assert "--force" in err
    code, out, _ = run("documents", "2.5", "--format", "html")
    assert code == ExitCode.DONE
    assert "who stands by: add `support:` to the release file" in out


def test_documents_of_a_plan_file_and_of_nothing_known(shop: Path, run: Run) -> None:
    run("plan", "2.4", "--out", "plan.json")
    code, out, _ = run("documents", "--plan", "plan.json", "--format", "md", "--out", "elsewhere", "--json")
    assert code == ExitCode.DONE
    made = json.loads(out)
    assert made["plan"] == json.loads((shop / "plan.json").read_text(encoding="utf-8"))["digest"]
    (shop / "release.yaml").unlink()
    code, _, err = run("documents")
    assert code == ExitCode.USAGE
    assert "which version?" in err


@pytest.mark.real
def test_changes_are_read_from_git(tmp_path: Path) -> None:
    from pilotage.dossier.file import ReleaseFile
    from pilotage.usecases.documenting import history

    def git(*words: str) -> None:
        names = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *names, *words], check=True, capture_output=True)

    git("init", "-q")
    for version, subject in (("2.3", "feat: begin"), ("2.4", "fix(cart): vouchers")):
        git("commit", "-q", "--allow-empty", "-m", subject)
        git("tag", f"v{version}")
    file = ReleaseFile.model_validate({"version": "2.4", "repository": {"path": "."}})
    found = history(file, make_release_plan(), tmp_path)
    assert found is not None
    assert [one.text for one in found.commits] == ["vouchers"]
    other = ReleaseFile.model_validate({"version": "2.4", "repository": {"tag": "release-{version}"}})
    unknown = history(other, make_release_plan(), tmp_path)
    assert unknown is not None
    assert "release-2.3" in unknown.trouble
    assert history(ReleaseFile(version="2.4"), make_release_plan(), tmp_path) is None

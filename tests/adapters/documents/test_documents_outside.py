"""The typesetter and git, as they really are."""

from __future__ import annotations

import builtins
import subprocess
from pathlib import Path

import pytest

from pilotage.adapters.documents.repository import NotKnown, commits
from pilotage.adapters.documents.typesetter import Typesetter
from pilotage.errors import PilotageError
from pilotage.views.documents.model import (
    Bullets,
    Document,
    Figure,
    Heading,
    Note,
    Paragraph,
    Quote,
    Table,
)

EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
ODD = '#panic("x") $x$ `#let y` \\ <a> @b *c* _d_ ` " \' {"k": 1} ' + "sha256:" + "0" * 64


def a_document(text: str) -> Document:
    return Document(
        name="x", title=text, about=text, plan="sha256:" + "0" * 64, facts=((text, text),), missing=(text,),
        blocks=(
            Heading(text=text), Heading(text=text, level=3), Paragraph(text=text), Bullets(items=(text,)),
            Bullets(items=(text, text), numbered=True),
            Table(head=(text, "b"), rows=((text, text),), widths=(1, 2)),
            Table(head=("a",), rows=(("",),)), Note(tone="missing", title=text, items=(text,)),
            Quote(title=text, text=text),
            Figure(name="f", title=text, told=text, svg=EMPTY),
        ),
    )  # fmt: skip


def test_text_is_never_markup_and_the_same_document_gives_the_same_bytes() -> None:
    first = Typesetter().pdf(a_document(ODD))
    setter = Typesetter()
    setter.pdf(a_document("another one before it"))
    assert first.startswith(b"%PDF-")
    assert setter.pdf(a_document(ODD)) == first
    assert setter.pdf(a_document(ODD + "!")) != first


def test_other_scripts_are_set_too() -> None:
    assert Typesetter().pdf(a_document("山田 さんが ☑ Łódź Ελλάδα ничего")).startswith(b"%PDF-")


def test_without_typst_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: object, **words: object) -> object:
        if name == "typst":
            raise ImportError(name)
        return real(name, *args, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(PilotageError) as refused:
        Typesetter()
    assert "pilotage[documents]" in (refused.value.problems[0].mend or "")


def git(folder: Path, *words: str) -> None:
    names = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *names, *words], check=True, capture_output=True)


@pytest.mark.real
def test_commits_between_two_tags(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for number, message in enumerate(
        ["feat: begin", "fix(ui): vouchers", "feat!: pay\n\nBREAKING CHANGE: keys move"]
    ):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", message)
        git(tmp_path, "tag", f"v{number}")
    found = commits(tmp_path, "v0", "v2")
    assert [(one.kind, one.scope, one.text, one.breaks) for one in found] == [
        ("feat", "", "pay", "keys move"),
        ("fix", "ui", "vouchers", ""),
    ]
    assert commits(tmp_path, "v2", "v2") == ()
    for since in ("v9", "--all", "v0 v1"):
        with pytest.raises(NotKnown, match="no tag or commit"):
            commits(tmp_path, since, "v2")


@pytest.mark.real
def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(NotKnown):
        commits(tmp_path / "nowhere", "v1", "v2")

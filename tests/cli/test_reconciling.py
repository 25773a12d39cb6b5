"""`report` and `sign-off`: what a person reads of a parallel run, and signs."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from cli.conftest import Command
from cli.fake import FakeApp
from cli.test_commands import play
from pilotage.core.comparing import Difference, Finding, Trait
from pilotage.core.judging import Outcome
from pilotage.errors import ExitCode
from views import side_by_side


def test_the_recorded_report_is_shown(cli: Command, app: FakeApp) -> None:
    play(app, side_by_side.reconciled(), happened=99)
    ended = cli("report")
    assert ended.code == ExitCode.DONE
    assert "reconciled" in ended.out
    assert side_by_side.EQUAL.digest in ended.out
    assert re.search(r"`pilotage sign-off \S+ [0-9a-f]{12}`", ended.out)


def test_how_it_stands_is_shown_while_it_is_compared(cli: Command, app: FakeApp) -> None:
    play(app, side_by_side.compared())
    app.store.glances = side_by_side.glance(app.play, side_by_side.TOO_FEW)
    told = json.loads(cli("report", "--json").out)
    assert (told["final"], told["awaits_sign_off"]) == (False, False)
    assert told["report"]["compared"] == 1_240
    assert told["report"]["left_out"] == {"a stream of events": 31, "no room in the queue": 9}


def test_a_rollout_without_a_report_says_so(cli: Command, app: FakeApp) -> None:
    ended = cli("report", "--json")
    assert ended.code == ExitCode.USAGE
    assert json.loads(ended.err)["problems"][0]["code"] == "report.none"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_runs_nothing_loads_nothing_and_escapes_what_it_tells(
    cli: Command, app: FakeApp, tmp_path: Path
) -> None:
    evil = Difference(
        endpoint="GET /<script>alert(1)</script>",
        place='$["<img src=x onerror=alert(1)>"]',
        trait=Trait.VALUE,
        new=1,
        noise=0,
        finding=Finding.UNCLEAR,
        examples=("<b>1</b> → 2",),
    )
    play(app, side_by_side.reconciled(side_by_side.report(Outcome.PASS, 4_102, 0, evil)), happened=99)
    ended = cli("report", "--html", str(tmp_path / "report.html"))
    assert ended.out == ""
    page = _Page()
    page.feed((tmp_path / "report.html").read_text())
    assert not {"script", "img", "b", "link", "iframe"} & set(page.tags)
    assert "<script>alert(1)</script>" in page.text
    assert "default-src 'none'" in (tmp_path / "report.html").read_text()


def test_a_signature_names_the_whole_digest(cli: Command, app: FakeApp) -> None:
    play(app, side_by_side.reconciled(), happened=99)
    digest = side_by_side.EQUAL.digest
    ended = cli("sign-off", app.play.state.id, digest[7:17], "--reason", "read with bookkeeping")
    assert ended.code == ExitCode.DONE, ended.err
    assert app.done == [f"sign-off {digest} read with bookkeeping"]


def test_too_few_digits_and_other_digests_are_sent_as_they_are_and_refused(cli: Command, app: FakeApp) -> None:
    """Guessing would sign what nobody has read."""
    play(app, side_by_side.reconciled(), happened=99)
    digest = side_by_side.EQUAL.digest
    for said in (digest[7:12], "f" * 64):
        cli("sign-off", app.play.state.id, said)
    assert app.done == [f"sign-off {digest[7:12]}", f"sign-off {'f' * 64}"]

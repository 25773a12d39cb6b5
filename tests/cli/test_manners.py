"""How commands behave whatever they do: problems, colours, pipes, interruptions, encodings."""

from __future__ import annotations

import io
import json
import stat
import sys
from pathlib import Path

import pytest

from cli.conftest import Command
from cli.fake import FakeApp
from pilotage.cli import faults
from pilotage.cli.main import main
from pilotage.cli.painter import Painter
from pilotage.cli.terminal import Terminal, drawn, in_encoding
from pilotage.errors import ExitCode, PilotageError, Place, Problem
from pilotage.views.ink import Tone, line, span

BAD = Problem(
    code="manifest.unknown-key",
    what="there is no key `stepps`",
    mend="did you mean `steps`?",
    where=Place(file="pilotage.yaml", line=3, column=3, length=6, text="  stepps: [5%]"),
)


def test_problems_are_drawn_with_a_caret_on_standard_error(cli: Command, app: FakeApp) -> None:
    app.fault = PilotageError(BAD, BAD, exit_code=ExitCode.REFUSED_MANIFEST)
    ended = cli("plan", "1")
    block = (
        "pilotage.yaml:3:3: error manifest.unknown-key: there is no key `stepps`\n"
        "    stepps: [5%]\n"
        "    ^^^^^^\n"
        "  mend: did you mean `steps`?\n"
    )
    assert (ended.code, ended.out, ended.err) == (ExitCode.REFUSED_MANIFEST, "", f"{block}\n{block}")


def test_problems_are_json_for_programs(cli: Command, app: FakeApp) -> None:
    app.fault = PilotageError(BAD)
    ended = cli("plan", "1", "--json")
    assert json.loads(ended.err)["problems"][0]["code"] == "manifest.unknown-key"
    assert ended.out == ""


@pytest.mark.parametrize(
    ("words", "hint"),
    [(("relase",), 'Did you mean "release"?'), (("plan", "1", "--tto", "x"), "Did you mean --to?"),
     (("check", "--format", "txt"), "text"), (("plan",), "requires an argument"),
     (("watch", "--timeout", "5"), "write it like 30s"), (("watch", "--timeout", "P1D"), "not a duration")],
)  # fmt: skip
def test_wrong_words_are_a_usage_problem_with_a_hint(cli: Command, words: tuple[str, ...], hint: str) -> None:
    ended = cli(*words)
    assert ended.code == ExitCode.USAGE
    assert hint in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err


def test_an_unknown_rollout_is_told(cli: Command) -> None:
    ended = cli("why", "nope")
    assert ended.code == ExitCode.UNREACHABLE
    assert "rollout.unknown" in ended.err


def test_an_error_of_our_own_is_one_problem_and_a_trace_in_a_file(
    cli: Command, app: FakeApp, tmp_path: Path
) -> None:
    (tmp_path / ".pilotage").mkdir()
    app.fault = ZeroDivisionError("two\nlines")
    ended = cli("logs")
    assert ended.code == ExitCode.FAILED
    assert ended.err.startswith("error pilotage.internal: Pilotage itself failed: ZeroDivisionError: two\n")
    assert "Traceback" not in ended.err
    (trace,) = (tmp_path / ".pilotage").glob("trace-*.txt")
    assert "Traceback" in trace.read_text()
    assert str(trace.name) in ended.err
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600


def test_the_trace_is_shown_to_those_who_ask(
    cli: Command, app: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOTAGE_DEBUG", "1")
    app.fault = ZeroDivisionError("x")
    assert "Traceback" in cli("logs").err


def test_an_interruption_is_quiet(cli: Command, app: FakeApp) -> None:
    app.fault = KeyboardInterrupt()
    ended = cli("logs")
    assert (ended.code, ended.err) == (ExitCode.INTERRUPTED, "")


def test_a_closed_pipe_is_quiet(app: FakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    errors = io.StringIO()
    monkeypatch.setattr(sys, "stdout", Closed())
    monkeypatch.setattr(sys, "stderr", errors)
    assert main(["history"]) == 141
    assert errors.getvalue() == ""


def test_help_is_shown_for_no_words_at_all(cli: Command) -> None:
    ended = cli()
    assert ended.code == ExitCode.DONE
    for name in ("init", "release", "rollback", "why", "doctor"):
        assert name in ended.out


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("settings", "plain", "tty", "coloured"),
    [
        ({}, False, True, True),
        ({}, False, False, False),
        ({}, True, True, False),
        ({"NO_COLOR": "1"}, False, True, False),
        ({"NO_COLOR": ""}, False, True, True),
        ({"FORCE_COLOR": "1"}, False, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False, False),
        ({"TERM": "dumb"}, False, True, False),
    ],
)
def test_colours_are_for_those_who_want_them(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], plain: bool, tty: bool, coloured: bool
) -> None:
    for name, value in ({"TERM": "xterm", "NO_COLOR": "", "FORCE_COLOR": ""} | settings).items():
        monkeypatch.setenv(name, value)
    stream = _Terminal() if tty else io.StringIO()
    assert Terminal(plain=plain).coloured(stream) is coloured


def test_colour_never_carries_the_meaning_alone() -> None:
    row = line(span("✓", Tone.GOOD), " done")
    assert drawn(row, coloured=False) == "✓ done"
    assert drawn(row, coloured=True) == "\x1b[32m✓\x1b[0m done"


def test_bars_become_ascii_where_they_must() -> None:
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert in_encoding("✓ 10 % ██░░ → é", latin) == "+ 10 % ##.. > ?"
    assert in_encoding("✓ é", io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) == "✓ é"


def test_json_survives_any_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(kept, encoding="ascii"))
    Terminal().json({"a": "→"})
    assert json.loads(kept.getvalue().decode().replace("\\u2192", "→")) == {"a": "→"}


def test_the_painter_writes_only_what_changed() -> None:
    stream = io.StringIO()
    painter = Painter(stream)
    painter.enter()
    painter.paint(["one", "two", "three"], (80, 24))
    stream.truncate(0)
    stream.seek(0)
    painter.paint(["one", "2", "three"], (80, 24))
    assert stream.getvalue() == "\x1b[?2026h\x1b[2;1H2\x1b[0m\x1b[K\x1b[?2026l"
    stream.truncate(0)
    stream.seek(0)
    painter.paint(["one", "2", "three"], (80, 24))
    assert stream.getvalue() == ""
    painter.paint(["one"], (80, 24))
    assert stream.getvalue().count("\x1b[K") == 2
    painter.leave()
    painter.leave()
    assert stream.getvalue().count("\x1b[?1049l") == 1


def test_a_new_size_is_painted_anew() -> None:
    stream = io.StringIO()
    painter = Painter(stream)
    painter.paint(["one"], (80, 24))
    painter.paint(["one"], (60, 24))
    assert stream.getvalue().count("one") == 2


def test_a_live_watch_ends_with_the_whole_screen(
    cli: Command, app: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Terminal, "live", True)
    out = cli("watch").out
    assert out.startswith("\x1b[?1049h\x1b[?25l")
    last = out.split("\x1b[?1049l")[-1]
    assert last.startswith("catalogue to production: 0.65.4 → 0.65.5")
    assert "Timeline" in last


def test_a_file_below_here_is_named_as_one_would() -> None:
    here = BAD.model_copy(update={"where": Place(file=str(Path.cwd() / "a" / "b.yaml"), line=1)})
    assert faults.toned([here])[0][0].text == "a/b.yaml:1: "


def test_init_writes_once(app: FakeApp, cli: Command, tmp_path: Path) -> None:
    assert cli("init").code == ExitCode.DONE
    written = (tmp_path / "pilotage.yaml").read_text()
    ended = cli("init")
    assert ended.code == ExitCode.USAGE
    assert "--force" in ended.err
    assert (tmp_path / "pilotage.yaml").read_text() == written
    assert cli("init", "--force").code == ExitCode.DONE


@pytest.mark.parametrize("format", ["text", "json", "github", "sarif"])
def test_check_says_everything_in_every_format(app: FakeApp, cli: Command, tmp_path: Path, format: str) -> None:
    (tmp_path / "pilotage.yaml").write_text("service: 3\nstepps: 1\n")
    ended = cli("check", "--format", format)
    assert ended.code == ExitCode.REFUSED_MANIFEST
    assert "stepps" in ended.out
    if format in ("json", "sarif"):
        json.loads(ended.out)


def test_check_of_a_sound_manifest(app: FakeApp, cli: Command) -> None:
    cli("init")
    ended = cli("check")
    assert ended.code == ExitCode.DONE
    assert ended.out.splitlines()[-1].startswith("pilotage.yaml is sound: ")
    assert json.loads(cli("check", "--json").out)["problems"] == []


def test_schema_is_json(app: FakeApp, cli: Command) -> None:
    assert json.loads(cli("schema").out)["$schema"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(app: FakeApp, cli: Command, shell: str) -> None:
    script = cli("completion", shell)
    assert script.code == ExitCode.DONE
    assert "pilotage" in script.out
    assert script.out == cli("completion", "print", shell).out

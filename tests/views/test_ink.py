"""Lines of toned text: measured in columns, harmless, and never wider than they may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pilotage.views.ink import Span, Tone, cells, clean, cut, fit, in_ascii, line, pad, plain, table, wrap


@given(st.text(), st.integers(1, 80))
def test_cut_keeps_within_the_width(text: str, width: int) -> None:
    assert cells(cut(clean(text), width)) <= width


@given(st.lists(st.text(max_size=40)), st.integers(10, 80), st.integers(0, 8))
def test_wrap_keeps_within_the_width_and_every_word_that_fits(texts: list[str], width: int, hang: int) -> None:
    lines = wrap(line(*texts), width, hang)
    assert all(sum(cells(one.text) for one in row) <= width for row in lines)
    words = [word for word in clean(" ".join(texts)).split(" ") if word and cells(word) <= width - hang]
    together = "".join(one.text for row in lines for one in row).replace(" ", "")
    assert len(together) >= max(map(len, words), default=0)


def test_a_number_and_its_unit_stay_together() -> None:
    told = plain(wrap(line("needs about 3 400 more requests for 12.5 % of users"), 16))
    assert told == "needs about\n3 400 more\nrequests for\n12.5 % of users\n"


@given(st.text())
def test_nothing_moves_the_cursor(text: str) -> None:
    assert all(sign.isprintable() or not sign.isascii() for sign in clean(text))
    assert "\x1b" not in clean(text)


def test_escape_sequences_go_as_a_whole() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]0;title\x07bell") == "red bell"


def test_lines_become_one() -> None:
    assert clean("one\ntwo\tthree") == "one two  three"


def test_a_wide_sign_counts_two_columns() -> None:
    assert cells("幅") == 2
    assert pad(Span("幅"), 4).text == "幅  "
    assert cut("幅幅幅", 4) == "幅…"


@given(st.lists(st.lists(st.text(max_size=30), min_size=1, max_size=4), max_size=5), st.integers(10, 100))
def test_tables_keep_within_the_width(rows: list[list[str]], width: int) -> None:
    drawn = table([[Span(clean(cell)) for cell in row] for row in rows], width)
    assert all(cells(row) <= width for row in plain(drawn).splitlines())


def test_fit_keeps_tones() -> None:
    assert fit((Span("abc", Tone.GOOD), Span("defgh", Tone.BAD)), 5) == (
        Span("abc", Tone.GOOD),
        Span("d…", Tone.BAD),
    )


def test_ascii_has_a_likeness_for_every_sign_we_draw() -> None:
    assert in_ascii("✓✗●○▶→←·…×█░■□━│‹›–≤") == "+x*o>><-~x#.#.=|<>-<"

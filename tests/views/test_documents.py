"""Every document of the example, whole (documents/NAME.md); nothing is made up, and nothing becomes markup.

After a deliberate change: PILOTAGE_REWRITE=1 pytest tests/views/test_documents.py, and read the difference.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.core.flags import FlagSeen
from pilotage.core.plan import Basis, FlagsSpec
from pilotage.dossier.file import ReleaseFile
from pilotage.dossier.people import Message, When
from pilotage.dossier.risks import Risk
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.registry import METHODS
from pilotage.views.documents import calendar, criteria
from pilotage.views.documents.case import Case
from pilotage.views.documents.html import html
from pilotage.views.documents.index import Index, Void, as_html, as_markdown, documents, missing, next_void
from pilotage.views.documents.markdown import markdown
from pilotage.views.documents.model import Document, Figure, Paragraph, Table
from pilotage.views.documents.pictures import exposure, matrix, stretches
from pilotage.views.documents.steps import steps_of
from pilotage.views.documents.strategy import strategy

from factories import make_context  # isort: skip
from views.release_case import RELEASE, bare, example, make_release_plan  # isort: skip

FOLDER = Path(__file__).parent / "documents"
NAMES = [document.name for document in documents(example())]
VOID_TAGS = {"meta", "col"}


def changed(case: Case, **fields: object) -> Case:
    return Case(**{**case.__dict__, **fields})


@pytest.mark.parametrize("name", NAMES)
def test_what_the_example_says(name: str) -> None:
    text = markdown(next(one for one in documents(example()) if one.name == name))
    path = FOLDER / f"{name}.md"
    if os.environ.get("PILOTAGE_REWRITE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_document_states_its_plan_and_nothing_of_the_example_is_missing() -> None:
    made = documents(example())
    digest = example().plan.digest
    for document in made:
        assert digest in markdown(document)
        assert digest in html(document)
    assert missing(made) == ()


def test_what_nobody_said_is_listed_and_never_made_up() -> None:
    made = documents(bare())
    lacking = "\n".join(missing(made))
    for key in ("stakeholders", "communication", "training", "support", "raci", "risks", "recovery", "windows",
                "goals", "slas", "vendors", "work_items", "summary", "change"):  # fmt: skip
        assert f"`{key}:`" in lacking, key
    text = "\n".join(markdown(document) for document in made)
    for words in ("Mira", "Ada Byrne", "Customers", "pager"):
        assert words not in text
    assert "pilotage advise" in lacking


def test_an_empty_list_is_said_and_not_missing() -> None:
    file = ReleaseFile(version="2.4", training=(), risks=(), vendors=())
    lacking = "\n".join(missing(documents(changed(bare(), file=file))))
    for key in ("training", "risks", "vendors"):
        assert f"`{key}:`" not in lacking


def test_a_first_release_by_a_big_bang_has_its_documents_too() -> None:
    first = bare(make_release_plan(basis=Basis()))
    loud = bare(BigBang().compile(make_context()))
    for case in (first, loud):
        text = "\n".join(markdown(document) for document in documents(case))
        assert "Nothing is compared" in text


BRANCH = {"header": "x-branch", "values": ["north"]}
NEEDED = {
    "feature-flag": {"flag": "new-checkout"},
    "pilot": {"who": BRANCH},
    "ab": {"decide": "orders", "at_most": "14d"},
    "phased": {"waves": [{"name": "north", "who": BRANCH}, {"name": "all"}]},
}
"""What a method does not begin without."""


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_its_documents(name: str) -> None:
    flagged = name == "feature-flag"
    context = make_context()
    if flagged:
        basis = context.basis.model_copy(update={"flag": FlagSeen(key="new-checkout")})
        context = context.model_copy(update={"basis": basis, "flags": FlagsSpec(kind="file")})
    plan = METHODS[name].model_validate(NEEDED.get(name, {})).compile(context)
    case = bare(plan)
    for document in documents(case):
        balanced(html(document))
    pages = "\n".join(markdown(document) for document in documents(case))
    for step in (*case.view.steps, *case.view.way_back):
        assert step.title in pages, step.title
    assert stretches(case)[-1].end > timedelta()


class Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not any(name.startswith("on") for name, _ in attributes)
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def balanced(page: str) -> set[str]:
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser.seen


HOSTILE = "</td><script>alert(1)</script> | `a|b` *x* [y](javascript:1) #let $ \\ \" '\n- z"
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)


def hostile(text: str) -> Document:
    return Document(
        name="x", title=text or "x", about=text, plan="sha256:0", facts=((text, text),), missing=(text,),
        blocks=(
            Paragraph(text=text), Table(head=("a", text), rows=((text, "b"),), widths=(1, 2)),
            Figure(name="f", title=text, told=text, svg="<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ),
    )  # fmt: skip


@given(text=TEXTS)
def test_no_text_becomes_markup_in_html(text: str) -> None:
    allowed = balanced(html(hostile("")))
    assert balanced(html(hostile(text + HOSTILE))) <= allowed | {"code", "a"}
    assert "javascript:1" not in re.findall(r'href="([^"]*)"', html(hostile(HOSTILE)))


@given(text=TEXTS)
def test_no_text_breaks_a_row_of_markdown(text: str) -> None:
    rows = [row for row in markdown(hostile(text + HOSTILE)).splitlines() if row.startswith("| ")]
    for row in rows:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 3, row


@pytest.mark.parametrize("case", [example(), bare()], ids=["example", "bare"])
def test_pages_are_whole_and_hold_no_script(case: Case) -> None:
    for document in documents(case):
        seen = balanced(html(document))
        assert not {"script", "link", "iframe", "img"} & seen


def test_pictures_are_well_formed_and_say_it_in_words_too() -> None:
    case = example()
    for document in documents(case):
        for block in document.blocks:
            if isinstance(block, Figure):
                ElementTree.fromstring(block.svg)
                assert block.told.endswith(".")
    shares = [one.share for one in stretches(case)]
    assert shares == sorted(shares)
    assert shares == [50_000, 250_000, 500_000, 1_000_000]
    assert sum((one.end - one.start for one in stretches(case)[:-1]), timedelta()) == case.view.promoted_after
    for text in ("5 %", "25 %", "50 %", "100 %", "20:00", "21:30", "2.3"):
        assert f">{text}</text>" in exposure(case)


def test_the_matrix_has_every_risk_that_is_alive() -> None:
    drawn = matrix(RELEASE.value.risks)
    assert all(f">{id}</text>" in drawn for id in ("R1", "R2", "R3"))
    assert "R4" not in drawn
    crowd = [
        Risk(id=f"C{n}", what="x", likelihood=5, impact=5, response="avoid", action="y", owner="z")
        for n in range(5)
    ]
    assert ">C0, C1, C2 +2</text>" in matrix(crowd)


def test_the_calendar_is_read_by_a_calendar() -> None:
    text = calendar.calendar(example())
    assert text is not None
    events = icalendar.Calendar.from_ical(text).walk("VEVENT")
    titles = {str(event["SUMMARY"]): event for event in events}
    rollout = titles["bookshop 2.4 to production: rollout"]
    assert rollout.decoded("DTSTART") == datetime(2026, 12, 1, 20, tzinfo=UTC)
    assert rollout.decoded("DTEND") == datetime(2026, 12, 1, 21, 30, tzinfo=UTC)
    assert example().plan.digest in str(rollout["DESCRIPTION"])
    assert titles["Due: training of finance"].decoded("DTSTART").isoformat() == "2026-11-30"
    assert "Kofi Mensah stands by" in titles
    assert len({str(event["UID"]) for event in events}) == len(events)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert calendar.calendar(bare()) is None


@given(title=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200))
def test_a_calendar_says_what_was_written(title: str) -> None:
    from pilotage.dossier.terms import Window

    window = Window(name=title, start="2026-12-01T20:00Z", end="2026-12-01T22:00Z")
    case = changed(example(), file=ReleaseFile(version="2.4", windows=(window,)))
    events = icalendar.Calendar.from_ical(calendar.calendar(case) or "").walk("VEVENT")
    assert f"Cut-over window: {title}" in [str(event["SUMMARY"]) for event in events]


def test_the_same_case_gives_the_same_documents() -> None:
    assert [html(one) for one in documents(example())] == [html(one) for one in documents(example())]


def test_ids_of_the_runbook_are_different_and_people_have_names() -> None:
    steps = steps_of(make_release_plan(), RELEASE.value)
    assert len({step.id for step in steps}) == len(steps)
    assert {"backup", "freeze-content", "begin", "back", "refunds"} <= {s.id for s in steps if s.by_people}


def test_the_judges_limits_are_told_as_they_are_set() -> None:
    plan = make_release_plan()
    assert plan.judge is not None
    stricter = plan.model_copy(update={"judge": plan.judge.model_copy(update={"error_excess": 0.02})})
    assert "plus 2.0 % of all" in str(criteria.rows(stricter))
    assert "plus 2.0 % of all" not in str(criteria.rows(plan))


def test_who_is_told_of_the_start_and_of_no_end_is_a_gap() -> None:
    one = Message(audience="partners", when=When.BEFORE, channel="mail", owner="Nora")
    case = changed(example(), file=ReleaseFile(version="2.4", communication=(one,)))
    text = "\n".join(markdown(document) for document in documents(case))
    assert "partners are not told when it was taken back" in text


def test_a_method_that_the_adviser_refuses_is_told_so() -> None:
    case = example()
    assert case.advice is not None
    first, *others = case.advice.ranks
    reason = first.reasons[0].model_copy(update={"refuses": True, "because": "nobody has tried the way back"})
    worse = first.model_copy(update={"refused": True, "reasons": (reason, *first.reasons)})
    refused = case.advice.model_copy(update={"ranks": (worse, *others)})
    text = markdown(strategy(changed(case, advice=refused)))
    assert "The adviser refuses this method" in text
    assert "> - nobody has tried the way back" in text


def test_what_is_void_is_remembered_until_it_holds_again() -> None:
    def index(plan: str, void: tuple[Void, ...] = ()) -> Index:
        return Index(service="s", environment="e", version="1", plan=plan, files={}, void=void)

    assert next_void(None, "a") == ()
    first = next_void(index("a"), "b")
    assert [one.plan for one in first] == ["a"]
    second = next_void(index("b", first), "c")
    assert [one.plan for one in second] == ["b", "a"]
    assert [one.plan for one in next_void(index("c", second), "a")] == ["c", "b"]
    made = documents(bare())
    for page in (as_html(made, index("c", second)), as_markdown(made, index("c", second))):
        assert "Void" in page
    balanced(as_html(made, index("c", second)))

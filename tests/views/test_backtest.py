"""The screen and the data of ``judge backtest``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from pilotage.judge.backtest import Case, Judged, Permission, rate
from pilotage.judge.margins import Margin
from pilotage.views import backtest as view


@dataclass
class Past:
    name: str
    judged: Judged
    ended: str


@dataclass
class Report:
    past: tuple[Past, ...] = ()
    cases: tuple[Case, ...] = ()
    permissions: tuple[Permission, ...] = ()
    margins: tuple[Margin, ...] = ()
    by_instances: bool | None = None
    releases: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=("mind this",))


WHOLE = Report(
    past=(
        Past("shop-1", Judged(33.4, ("errors",), (), None, (0.1,), 9), "rolled-back"),
        Past("shop-2", Judged(None, (), ((0.5, 3.0),), 90.0, (0.5,), 9), "succeeded"),
        Past("shop-3", Judged(None, (), ((0.1, 3.0),), None, (0.1,), 9), "succeeded"),
        Past("shop-4", Judged(None, (), (), None, (0.1,), 9), ""),
    ),
    cases=(
        Case("healthy", False, rate(0, 20), (), ()),
        Case("errors x2", True, rate(19, 20), (5.0, 70.0), (("errors", 19),)),
    ),
    permissions=(Permission(0.05, rate(1, 2), (12.0,)),),
    margins=(Margin("errors", 1.234, 0.1, 8),),
    by_instances=True,
    releases=20,
)


def test_the_whole_screen() -> None:
    assert view.as_text(WHOLE) == (
        "past releases  with these settings              because of  it ended\n"
        "shop-1         rollback             after 33 s  errors      rolled-back\n"
        "shop-2         promote              after 90 s              succeeded\n"
        "shop-3         may go on                                    succeeded\n"
        "shop-4         not known\n"
        "\n"
        "pretend releases (20 of each)  taken back  95 % interval  median   p90  by\n"
        "healthy                           0 of 20  0.0 … 16.1 %\n"
        "errors x2                        19 of 20  76.4 … 99.1 %    70 s  70 s  errors 19\n"
        "\n"
        "healthy, at a share of  may go on  95 % interval  median   p90\n"
        "5 %                        1 of 2  9.5 … 90.5 %     12 s  12 s\n"
        "\n"
        "margins it suggests  ratio  because\n"
        "errors                1.23  instances differ by 10 % (standard deviation, 8 times 10 minutes)\n"
        "\n"
        "! mind this\n"
    )


def test_notes_alone() -> None:
    assert view.as_text(Report()) == "! mind this\n"


def test_for_programs() -> None:
    found = json.loads(json.dumps(view.as_data(WHOLE), allow_nan=False))
    assert found["healthy"][0]["taken_back"]["of"] == 20
    missed = found["regressions"][0]["missed"]
    assert (missed["count"], missed["of"]) == (1, 20)
    assert round(missed["low"], 3) == 0.009
    assert found["past"][0]["verdict"] == "rollback"
    assert found["margins"][0]["reason"].startswith("instances differ")
    assert found["permissions"][0]["median_seconds"] == 12.0

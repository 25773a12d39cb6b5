"""The tables of results/judge.md, from results/judge.json.

python benchmarks/judge/tables.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.judge.figures import Row, gates
from benchmarks.judge.peers import PEERS
from benchmarks.judge.run import RESULTS

RATIOS = ("x2 from the start", "x5 from the start", "x10 from the start")
Rows = dict[str, Row]


def gated(rows: Rows) -> Iterator[str]:
    yield "| gate | | seen |"
    yield "|--|--|--|"
    for name, (good, seen) in gates(rows).items():
        yield f"| {name} | {'pass' if good else '**fail**'} | {seen} |"


def healthy(rows: Rows) -> Iterator[str]:
    yield "| healthy | taken back | 95 % interval | let go on | last word |"
    yield "|--|--|--|--|--|"
    for name, one in rows.items():
        if one["healthy"]:
            part = f"{one['rolled_back']} of {one['rollouts']}"
            yield f"| {name} | {part} | {_interval(one)} | {one['left']} | {one['promoted']} |"


def worse(rows: Rows) -> Iterator[str]:
    yield "| worse | caught | median s | 25 … 75 % | most | ratio (to the margin) | let go on | blamed |"
    yield "|--|--|--|--|--|--|--|--|"
    for name, one in rows.items():
        if not one["healthy"]:
            caught = f"{one['caught']} of {one['rollouts']}" + (
                f", early {one['early']}" if one["early"] else ""
            )
            spread = f"{one['times'][2]} … {one['times'][4]}" if one["times"] else ""
            ratio = f"{one['ratio']} ({one['ratio_to_margin']})" if "ratio" in one else ""
            cells = (
                caught,
                _seconds(one["median"]),
                spread,
                _seconds(one.get("most")),
                ratio,
                one["left"] or "",
            )
            yield f"| {name} | {' | '.join(str(cell) for cell in cells)} | {_blamed(one)} |"


def beside(found: dict[str, Rows]) -> Iterator[str]:
    """Every rule: how often it takes back what is healthy, how soon it finds what is bad."""
    kinds = {
        "stationary": [name for name in found["ours"] if name.startswith("stationary")],
        "bursts": [name for name in found["ours"] if "bursts" in name and found["ours"][name]["healthy"]],
        "shared": [name for name in found["ours"] if "shared" in name and found["ours"][name]["healthy"]],
        "wander": [name for name in found["ours"] if name.startswith("instances wander")],
    }
    yield _line(["rule", *kinds, *[f"ratio {name.split()[0]}" for name in RATIOS], "outage, s"])
    yield "|--" * (len(kinds) + len(RATIOS) + 2) + "|"
    for rule in ("ours", *PEERS):
        rows = found.get(rule, {})
        cells = [_rate([rows[name] for name in names if name in rows]) for names in kinds.values()]
        cells += [str(rows.get(name, {}).get("ratio", "—")) for name in RATIOS]
        late = rows.get("outage from 1200 s", {}).get("median")
        yield _line([rule, *cells, _seconds(late) or "—"])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rate(rows: list[Row]) -> str:
    hits, of = sum(one["rolled_back"] for one in rows), sum(one["rollouts"] for one in rows)
    return f"{100 * hits / of:.1f} %" if of else "—"


def _interval(one: Row) -> str:
    return f"{100 * one['low']:.1f} … {100 * one['high']:.1f} %"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _blamed(one: Row) -> str:
    return ", ".join(name for name, count in one["blame"].items() if 4 * count >= one["caught"])


def main() -> None:
    found = json.loads(RESULTS.read_text())["rules"]
    for table in (gated(found["ours"]), healthy(found["ours"]), worse(found["ours"]), beside(found)):
        print("\n".join(table), end="\n\n")


if __name__ == "__main__":
    main()

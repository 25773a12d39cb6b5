"""Our judge beside the field's rules, on simulated rollouts of half an hour. README: benchmarks/README.md.

python benchmarks/judge/run.py                          ten scenarios, a few rollouts each: under a minute
python benchmarks/judge/run.py --full --rollouts 100    everything; --keep writes it down
python benchmarks/judge/run.py --only outage --rollouts 50
python benchmarks/judge/run.py --judge kayenta --full
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.judge import peers
from benchmarks.judge.figures import Row, gates, row, told
from benchmarks.judge.ours import Played, play, settings
from benchmarks.judge.scenarios import HEALTHY, QUICK, WORSE
from benchmarks.judge.streams import Stream, make
from benchmarks.judge.truth import Truth
from benchmarks.machine import described

RULES: dict[str, Callable[[Stream], Played]] = {
    "ours": lambda stream: play(stream, settings(stream.truth)),
    "lean": lambda stream: play(stream, settings(stream.truth, lean=True)),
    **{name: partial(peers.play, name) for name in peers.PEERS},
}
"""``lean``: our judge with errors only."""
RESULTS = Path(__file__).parents[1] / "results" / "judge.json"


def chosen(given: argparse.Namespace) -> list[Truth]:
    everything = [*HEALTHY, *WORSE]
    if given.only:
        return [one for one in everything if any(part in one.name for part in given.only)]
    return everything if given.full else [one for one in everything if one.name in QUICK]


def rollout(truth: Truth, seed: int, rules: list[str]) -> list[Played]:
    stream = make(truth, seed)
    return [RULES[name](stream) for name in rules]


def played(truth: Truth, given: argparse.Namespace, pool: ProcessPoolExecutor | None) -> dict[str, Row]:
    """One scenario under the chosen rules, all of them on the same streams."""
    seeds = range(given.seed, given.seed + given.rollouts)
    if pool is None:
        found = [rollout(truth, seed, given.judge) for seed in seeds]
    else:
        found = list(pool.map(rollout, [truth] * len(seeds), seeds, [given.judge] * len(seeds), chunksize=2))
    return {
        name: row(truth, list(column))
        for name, column in zip(given.judge, zip(*found, strict=True), strict=True)
    }


def scenes(given: argparse.Namespace) -> Iterator[tuple[Truth, dict[str, Row]]]:
    if given.jobs == 1:
        for truth in chosen(given):
            yield truth, played(truth, given, None)
        return
    with ProcessPoolExecutor(given.jobs) as pool:
        for truth in chosen(given):
            yield truth, played(truth, given, pool)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=4, help="of each scenario")
    parser.add_argument("--only", action="append", help="scenarios with this in their names; may be repeated")
    parser.add_argument("--full", action="store_true", help="all scenarios, not only ten")
    parser.add_argument("--judge", action="append", choices=[*RULES, "peers"], help="ours if none is named")
    parser.add_argument("--keep", action="store_true", help="write it to results/judge.json")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, default=0, help="of the first rollout")
    given = parser.parse_args()
    named = given.judge or ["ours"]
    given.judge = [one for name in named for one in (peers.PEERS if name == "peers" else [name])]
    return given


def kept(rows: dict[str, dict[str, Row]]) -> None:
    """Puts these scenarios into results/judge.json, beside those of earlier runs; a line for each."""
    before = json.loads(RESULTS.read_text())["rules"] if RESULTS.exists() else {}
    order = [truth.name for truth in [*HEALTHY, *WORSE]]
    both = {name: before.get(name, {}) | rows.get(name, {}) for name in RULES}
    blocks = []
    for name, found in both.items():
        lines = [f"{json.dumps(scene)}: {json.dumps(found[scene])}" for scene in order if scene in found]
        if lines:
            blocks.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
    rules = ",\n".join(blocks)
    RESULTS.write_text(f'{{"machine": {json.dumps(described())},\n"rules": {{\n{rules}\n}}}}\n')


def main() -> None:
    given, began = arguments(), monotonic()
    rows: dict[str, dict[str, Row]] = {name: {} for name in given.judge}
    for truth, found in scenes(given):
        for name, one in found.items():
            rows[name][truth.name] = one
            print(f"{name:8s} {told(truth.name, one)}", flush=True)
        if given.keep:
            kept({name: {truth.name: one} for name, one in found.items()})
    for name, ones in rows.items():
        for gate, (good, why) in gates(ones).items():
            print(f"{name:8s} {'pass' if good else 'FAIL'}  {gate}{': ' + why if why else ''}")
    print(f"{monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

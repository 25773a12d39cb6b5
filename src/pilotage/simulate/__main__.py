"""``python -m pilotage.simulate``: many seeds, or one again; exit status 1 when a law is broken."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import replace

from pilotage.simulate import telling
from pilotage.simulate.planted import BUGS, planted, seeds_to_detection
from pilotage.simulate.play import Outcome, play
from pilotage.simulate.scenario import Scenario, draw
from pilotage.simulate.shrink import shrink

TOGETHER = 20
"""Seeds that one process plays in a row."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.bugs:
        return _table(options.seeds)
    if options.seed is not None:
        with planted(options.planted) if options.planted else nullcontext():
            return _one(_scenario(options), whole=options.whole)
    return _many(options.begin, options.seeds, options.jobs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pilotage.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to play")
    parser.add_argument("--begin", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, help="play this one, and tell its story")
    parser.add_argument("--only", help="of that one: only these troubles (crash:1,stall:2), or `nothing`")
    for name in ("workers", "environments", "releases"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--seconds", type=float, help="how long troubles last")
    parser.add_argument("--whole", action="store_true", help="tell the whole story")
    parser.add_argument("--planted", choices=sorted(BUGS), help="of that one: with this planted bug")
    parser.add_argument(
        "--bugs", action="store_true", help="seeds to detection of every planted bug, as a table"
    )
    return parser


def _scenario(options: argparse.Namespace) -> Scenario:
    scenario = draw(options.seed)
    for name in ("workers", "environments", "releases", "seconds"):
        if getattr(options, name) is not None:
            scenario = replace(scenario, **{name: getattr(options, name)})
    if options.only is not None:
        scenario = replace(scenario, only=frozenset(options.only.split(",")) - {"nothing"})
    return scenario


def _one(scenario: Scenario, *, whole: bool) -> int:
    outcome = play(scenario)
    print(telling.story(outcome, whole=whole))
    print(telling.verdict(outcome))
    return 0 if outcome.breach is None else 1


def _many(begin: int, count: int, jobs: int) -> int:
    ends: Counter[str] = Counter()
    struck: Counter[str] = Counter()
    broken, looks, virtual = 0, 0, 0.0
    for outcome in _outcomes(begin, count, jobs):
        ends.update(end.split()[1] for end in outcome.ends)
        struck.update(key.split(":")[0] for key in outcome.struck)
        looks, virtual = looks + outcome.checked, virtual + outcome.seconds
        if outcome.breach is not None:
            broken += 1
            _report(outcome)
    told = ", ".join(f"{count} {name}" for name, count in sorted(ends.items()))
    troubles = ", ".join(f"{count} {name}" for name, count in struck.most_common())
    print(f"{count} seeds, {virtual / 3600:.1f} virtual hours, {looks} looks at laws; rollouts: {told}")
    print(f"troubles: {troubles}")
    print("all laws held" if not broken else f"{broken} seeds broke a law")
    return 1 if broken else 0


def _outcomes(begin: int, count: int, jobs: int) -> Iterator[Outcome]:
    batches = [
        range(first, min(first + TOGETHER, begin + count)) for first in range(begin, begin + count, TOGETHER)
    ]
    if jobs == 1:
        for batch in batches:
            yield from _batch(batch)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for outcomes in pool.map(_batch, batches):
            yield from outcomes


def _batch(seeds: range) -> list[Outcome]:
    return [play(draw(seed)) for seed in seeds]


def _report(outcome: Outcome) -> None:
    print(telling.verdict(outcome))
    shorter = shrink(outcome, print)
    print(telling.story(shorter))
    print(f"again: {telling.command(shorter)}\n", flush=True)


def _table(most: int) -> int:
    """The table of docs/simulation.md."""
    print("| planted bug | what it does | seeds to detection | the law that found it |")
    print("|--|--|--|--|")
    missed = 0
    for name, bug in BUGS.items():
        seeds, law = seeds_to_detection(name, most)
        missed += seeds is None
        print(f"| `{name}` | {bug.told} | {seeds or f'not in {most}'} | {law} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

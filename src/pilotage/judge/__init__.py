"""The judge: telemetry of the old and the new version in, pass, fail or undecided out.

evidence.py    e-variables: what one block of counters says
wealth.py      what the bets on it have grown to
dispersion.py  how bursty the old version's events are
history.py     what is known of the old version before a block
confidence.py  how many times as often, with 95 % confidence at every look
counters.py    cumulative counters to differences; restarts, gaps, contradictions
latency.py     latency as counts above chosen bounds
comparison.py  one kind of event with its margin: evidence against and for
guard.py       the absolute limit, where there is nothing to compare with
channel.py     one kind of counters, cut into blocks, handed to its comparisons
bench.py       everything the judge weighs, set up from its settings
report.py      the verdict: figures and sentences (words.py)
judge.py       snapshot in, verdict out
bounds.py      the least that any such test needs; the harm law
foresight.py   the same bench on expected counts: what its bets would come to
planner.py     what can be seen of a plan at the traffic to be expected, and when (mends.py: what would help)
recorded.py    traffic to be expected, out of recorded telemetry
pretend.py     the history of one version cut into pretend releases; worsen.py: with something wrong in them
backtest.py    pretend and past releases judged and counted, with intervals
margins.py     how much instances of one version differ, and the margins that this asks for

It is pure, and usable without the rest of Pilotage; docs/judge.md explains it.
"""

from pilotage.judge.judge import Judge

__all__ = ["Judge"]

"""The heart: values and pure functions. No clock, no I/O, no randomness; ``now`` is always passed in.

values.py     frozen base class, shares, durations
release.py    what is deployed: artifact, how to run it, its health check
routing.py    which version serves whom: the router's one wanted state, and what it reports back
fleet.py      running instances as a target reports them
judging.py    snapshots in, verdicts out: the values between telemetry and judge
steps.py      the step language every method compiles to
plan.py       steps in order with the way back, and a digest
events.py     everything that can happen to a rollout
state.py      fold(events): the only place where state is made
decide.py     decide(state, seen, now): the only place where a decision is made
"""

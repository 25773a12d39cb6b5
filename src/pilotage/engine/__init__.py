"""What makes decisions happen: look, decide, record, perform, look again.

reconcile.py   one pass over one rollout, safe to be killed anywhere
looking.py     observes the world through the ports; what can not be seen is said, never guessed
asking.py       one call of an adapter: an answer or a Problem comes of it, whatever it does
performing.py  makes one command happen through the ports
bench.py       feeds the judge with telemetry and keeps its memory
worker.py      drives all rollouts that are due, under leases
"""

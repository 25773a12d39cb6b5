"""What a plan is rehearsed against, and what came of it: values and sums, no clock and no chance of its own.

model.py     the service as it is expected to be: traffic by hour, errors, latency, times, users
fault.py     what goes wrong, and when, as people write it
draws.py     numbers of events as chance has them
crowd.py     how many different users a number of requests reaches
outcome.py   what came of one run, of many, and of all of them
spread.py    figures of several runs, with their intervals

The room pilotage.stage plays; docs/rehearsal.md says what it shows and what it does not.
"""

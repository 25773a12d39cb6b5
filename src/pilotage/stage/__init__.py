"""The stage of a rehearsal: the real heart and engine in simulated time, with a service as it is expected.

clock.py     the time of a run, which jumps
site.py      instances that start, stop and crash as the model says
errands.py   hooks, and the database they change
users.py     users, and the router that counts them: by hour, with chance
sources.py   telemetry as any source would have it
notebook.py  a store in memory that is asked nothing afterwards, and tells who watches
agenda.py    what is going to happen: faults, and people who answer
looks.py     when the world is looked at next
tally.py     what came of it, step by step
play.py      one run, from beginning to end

Nothing of the real environment is reached, and nothing is written.
"""

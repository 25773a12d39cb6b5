"""The command line. A command reads what it is told, calls the App, draws a view; it decides nothing.

main.py       the entry point: `--version` without importing anything
running.py    parse, call, draw what went wrong, exit code
app.py        every command by name, in groups
options.py    options that several commands have
begin.py release.py steer.py look.py operate.py completion.py     the commands
judge.py backtest.py charting.py     those of the judge
watching.py   following a rollout: live screen, lines, JSON lines
painter.py    a live screen that redraws only what changed
outcome.py    from a rollout's state to an exit code
terminal.py   where text goes: colours, width, questions
faults.py     problems drawn; unexpected errors kept
session.py    the App, opened and closed
"""

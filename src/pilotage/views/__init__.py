"""Read models: from values to values and text, for every face alike. No clock, no file, no terminal.

    plan.py       a plan before it is carried out
    rollout/      one rollout, live or ended
    why.py        what decided, and what would change it
    verdict.py    what the judge said, in three sentences
    chart/        one measure over time, as a picture and in the terminal
    history.py    the rollouts of a service
    status.py     an environment
    findings.py   what doctor found
    problems.py   troubles: for people, programs, GitHub, SARIF

    story.py      events in sentences
    titles.py     what steps, statuses and causes are called
    margins.py    the lines that measures are held to
    figures.py    numbers, times and durations
    ink.py        lines of toned text, which everything is drawn as

Each of the first has ``view_of(...)``, a frozen model that is the ``--json`` output; ``draw(view, width)``,
lines that are never wider; ``as_text(view, width)``.
"""

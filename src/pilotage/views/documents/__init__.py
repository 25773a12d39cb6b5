"""The documents of a release, as values; drawn as Markdown, HTML, and as data for a typesetter.

model.py       what a document is made of
case.py        everything that is known, and the sheet that a document is written on
strategy.py, rollout.py, monitoring.py, runbook.py, notes.py, communication.py, support.py, risks.py
               one document each
pictures.py    exposure over time, the risk matrix
calendar.py    the dates as RFC 5545
markdown.py, html.py, index.py
               how they are written
"""

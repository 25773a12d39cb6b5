"""Answers of the old and the new version to the same requests, compared; noise told from real differences.

answers.py     what a comparison works on: an answer, and where two of them differ
places.py      paths in answers, the rules about them, endpoints
bodies.py      where two JSON values, or two texts, differ
headers.py     where two sets of headers differ
differing.py   where two whole answers differ
evidence.py    is it more than noise, and is it few enough: bets that may be looked at at any time
ledger.py      counts at every place; memory does not grow with traffic
reconciling.py the report out of the counts

It is pure, and usable without the rest of Pilotage; docs/parallel-run.md explains it.
"""

from pilotage.comparing.ledger import Ledger

__all__ = ["Ledger"]

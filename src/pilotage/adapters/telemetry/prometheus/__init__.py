"""The source ``prometheus``: any server that speaks the HTTP API of Prometheus.

promql.py    queries with placeholders: filled so that no value can change their meaning
settings.py  what may be set
asking.py    HTTP: one server, its clock, its words
answers.py   from its JSON to samples and histograms
finding.py   every query of both versions
past.py      the past in steps
source.py    the source itself: looks, and the past
"""

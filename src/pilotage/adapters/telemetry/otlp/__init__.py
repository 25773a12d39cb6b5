"""The source ``otlp``: services push their metrics to us with OTLP over HTTP.

settings.py  what may be set
points.py    from OpenTelemetry's messages to points
arrivals.py  what has arrived, by series, as cumulative counts
receiver.py  HTTP: who may send, and what is taken
source.py    the source itself
"""

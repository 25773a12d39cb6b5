"""Sources of telemetry beside the router's own counters.

http.py      a JSON document behind a URL
command.py   a program that prints one
otlp/        services that push their metrics with OpenTelemetry
prometheus/  a server that speaks the HTTP API of Prometheus
sql/         counts of the business, by a query

ledger.py        from samples of many series to one cumulative counter
histograms.py    histograms of all kinds as counts up to fixed bounds
book.py          the ledgers of both versions, from which readings are made
settings.py      what all of them check alike
secret.py        secret values by reference
placeholders.py  {service}, {version} and their like
pointer.py       the way to one value in a JSON document
document.py      JSON from outside, parsed without trust
"""

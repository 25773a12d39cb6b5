"""Sources of telemetry beside the router's own counters.

http.py     a JSON document behind a URL
command.py  a program that prints one

settings.py  what all of them check alike
secret.py    secret values by reference
"""

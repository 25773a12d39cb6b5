"""The methods, one file each: settings as the manifest writes them, and ``compile(context) -> Plan``.

method.py       what every method shares: Context, the way back, the steps before anything is exposed
registry.py     every method by name
restore.py      not chosen in a manifest: back to the last good release after a finished rollout
"""

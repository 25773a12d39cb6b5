"""What a person can do, one verb a module; the command line, and later the API and pages, call these.

planning.py    what a release would do, before anything is done
releasing.py   start a rollout, or refuse with a reason
returning.py   take a running rollout back, or a finished one
recordings.py  recordings of telemetry, read and written
replaying.py   a recording fed to the judge
charting.py    a rollout's measures over time
backtesting.py settings of the judge tried on the past
importing.py   files of another tool into a manifest
proving.py     what verdicts were made of: exported, and made again
"""

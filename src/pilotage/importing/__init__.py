"""Files of other tools into a manifest, and a report of what became of every field of theirs.

fields.py      a foreign file as fields: where each stands, and what it holds
ledger.py      what became of each: translated, met by how Pilotage works, or lost
draft.py       the manifest that is written, with a comment at every gap
promql.py      what a PromQL query counts
metrics.py     metrics and their thresholds: sources of telemetry and measures of the judge
pods.py        containers: how an instance runs
argo.py, analysis.py, flagger.py, codedeploy.py, kamal.py
               one tool a module; what they do not translate stands in tables of rules
translating.py which tool a file is of, and the whole way from fields to a manifest
report.py      the report as text, and as data

Nothing here reads or writes a file.
"""

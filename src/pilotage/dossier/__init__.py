"""The release file: what people know of a release beside how it runs, and whether they are ready for it.

words.py       days, moments and texts
purpose.py     goals, definition of done, requirements, work items
people.py      stakeholders, messages, training, support, who does what
risks.py       risks, issues, failure modes, data recovery
terms.py       vendors, change policy, windows, residency, interfaces, manual steps
file.py        the whole
policy.py      what blocks and what only warns
readiness.py   what is open of a release, item by item
"""

"""Feature flags: who has which variant, and how a rule is written for the clients of flagd and OpenFeature.

evaluation.py   who has which variant, by a documented hash
murmur.py       that hash
flagd.py        a rule as a flag definition of flagd, and back
"""

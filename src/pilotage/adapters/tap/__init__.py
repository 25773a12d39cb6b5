"""The tap: a process beside the router that gets copies of users' requests, asks both versions, and compares.

wanted.py     what it is asked to do, as a file
receiving.py  copies in, over a unix socket of its owner only: answered at once, kept in a short queue
asking.py     one request to one instance, within limits
comparing.py  from the queue to the ledger: each copy asked of old, old again and new
tap.py        all of it together, with what is kept on disk
handle.py     how a router starts it, reads its report and ends it

Nothing that users wait for runs here. It may die, hang or be slow: then less is compared, and that is counted.
Bodies, headers and queries are never written; docs/parallel-run.md says what is.
"""

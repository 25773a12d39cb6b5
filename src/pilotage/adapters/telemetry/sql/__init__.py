"""The source ``sql``: counts of the business, by a query.

settings.py    what may be set
statement.py   the query with its parameters, and its rows
sqlite.py      a file, opened for reading
postgresql.py  a server, in a transaction for reading
source.py      the source itself
"""

"""The store for several machines: history, leases and telemetry in one PostgreSQL database.

    store.py        PostgresStore: the Store port
    commit.py       writing history: one commit, and whether one whose answer was lost was made
    leases.py       who looks at what and when: claims, wake-ups, the inbox
    reading.py      reading history
    telemetry.py    what the judge saw and remembers, the last look
    presence.py     one worker among others: its lock, what it hears, whose leases it takes over
    clock.py        the database's time, for all who share it
    database.py     connections, transactions, patience, trying again
    server.py       where it is and how it is reached; its password is never told
    schema.py       what is in it, and how an older one is brought up to date
    problems.py     what to tell a person about each of its errors

The same words and the same statements as of the SQLite store one floor up, where the two need not differ.
Set-up, roles, backup: docs/postgresql.md.
"""

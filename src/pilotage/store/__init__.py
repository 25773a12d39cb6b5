"""The embedded store: history, leases and telemetry in two SQLite files.

    sqlite.py       SqliteStore: the Store port
    commit.py       writing history: one commit
    leases.py       who looks at what and when: claims, wake-ups, the inbox
    reading.py      reading history
    vault.py        all of it, out and in: for backups
    telemetry.py    the statements on the telemetry file
    database.py     one SQLite file: opening, transactions, patience, errors
    schema.py       what is in the files, and how older files are brought up to date
    problems.py     what to tell a person about each SQLite error

What lies in the state folder, and how to back it up: docs/state.md.
"""

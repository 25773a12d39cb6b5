"""Databases that are changed by Alembic or dbmate: where they are, and what the next changes would do.

tool.py      the port: revision and survey, by the tool of the spec
where.py     the revision, read from the database itself (SQLite, PostgreSQL)
marks.py     what a change's file says of itself: its phase, and whether it can be undone
dbmate.py    plain SQL files
alembic.py   a chain of Python files, read and not imported; their SQL by Alembic's own offline mode
danger.py    SQL that harms the version that still runs, or everybody while it runs
"""

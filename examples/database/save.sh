#!/bin/sh
# A restore point before what can not be undone: a copy that is consistent while others write.
set -eu
python3 - "${DATABASE_URL#sqlite:}" <<'END'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as live, sqlite3.connect(sys.argv[1] + ".restore-point") as copy:
    live.backup(copy)
print("a restore point is at", sys.argv[1] + ".restore-point")
END

"""The demo's database: 28 298 airports of the world, from the package airportsdata (MIT licence) on PyPI."""

from __future__ import annotations

import csv
import io
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

PACKAGE = "airportsdata==20260905"
ROWS = 28_298

_SCHEMA = """
CREATE TABLE countries (code TEXT PRIMARY KEY, airports INTEGER NOT NULL);
CREATE TABLE airports (
    icao TEXT PRIMARY KEY, iata TEXT, name TEXT NOT NULL, city TEXT, region TEXT,
    country TEXT NOT NULL REFERENCES countries (code),
    elevation_feet REAL, latitude REAL, longitude REAL, timezone TEXT
);
CREATE INDEX airports_country ON airports (country);
CREATE INDEX airports_timezone ON airports (timezone);
CREATE VIRTUAL TABLE airports_fts USING fts5 (name, city, content="airports");
"""


def build(database: Path, downloads: Path) -> None:
    """Makes ``database`` unless it is there; needs the network only when ``downloads`` has no wheel yet."""
    if database.exists():
        return
    rows = list(_rows(_wheel(downloads)))
    if len(rows) != ROWS:
        raise ValueError(f"{PACKAGE} holds {len(rows)} airports, not {ROWS}")
    unfinished = database.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as connection, connection:
        connection.executescript(_SCHEMA)
        connection.executemany(f"INSERT INTO airports VALUES ({','.join('?' * 10)})", rows)
        connection.execute("INSERT INTO countries SELECT country, count(*) FROM airports GROUP BY country")
        connection.execute("INSERT INTO airports_fts (airports_fts) VALUES ('rebuild')")
        connection.execute("ANALYZE")
    unfinished.rename(database)


def _wheel(downloads: Path) -> Path:
    def found() -> list[Path]:
        return sorted(downloads.glob("airportsdata-*.whl"))

    if not found():
        command = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
        words = [*command, "--no-deps", "--dest", str(downloads), PACKAGE]
        subprocess.run(words, check=True, start_new_session=True)
    return found()[-1]


def _rows(wheel: Path) -> Iterator[tuple[str | float | None, ...]]:
    with zipfile.ZipFile(wheel) as archive, archive.open("airportsdata/airports.csv") as file:
        for row in csv.DictReader(io.TextIOWrapper(file, "utf-8", newline="")):
            yield (
                *(row[column] or None for column in ("icao", "iata", "name", "city", "subd", "country")),
                *(float(row[column]) for column in ("elevation", "lat", "lon")),
                row["tz"],
            )

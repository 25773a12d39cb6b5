"""Keeps customers. This version knows their name."""

import os
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = os.environ["VERSION"]
DATABASE = os.environ.get("DATABASE") or Path(os.environ["DATABASE_FILE"]).read_text().strip()


def run(query: str, *values: object) -> list[tuple]:
    """On SQLite, or on PostgreSQL when that is what the address says."""
    if DATABASE.startswith("postgresql:"):
        import psycopg

        with psycopg.connect(DATABASE) as database:
            cursor = database.execute(query.replace("?", "%s"), values)
            return cursor.fetchall() if cursor.description else []
    with sqlite3.connect(DATABASE, timeout=10) as database:
        return database.execute(query, values).fetchall()


def added() -> str:
    run("INSERT INTO customers (name) VALUES (?)", f"Ada {VERSION}")
    return "added"


def known() -> str:
    (count,) = run("SELECT count(*) FROM customers WHERE name IS NOT NULL")[0]
    (lost,) = run("SELECT count(*) FROM customers WHERE name IS NULL")[0]
    if lost:
        raise LookupError(f"{lost} customers have no name")
    return f"{count} customers"


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        status, text = 200, "well"
        if self.path != "/health":
            try:
                text = added() if self.command == "POST" else known()
            except Exception as error:
                status, text = 500, f"{type(error).__name__}: {error}"
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-version", VERSION)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


Server((os.environ["HOST"], int(os.environ["PORT"])), Page).serve_forever()

"""A shop whose new checkout is behind a flag, asked through OpenFeature with flagd's provider in its file mode.

Needs `pip install openfeature-provider-flagd`. Users tell who they are in the header x-user. Every answer is
counted by the variant that its user had; /figures tells the counts of all instances, for the judge.
"""

import json
import os
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

VERSION, FLAG, BOOK = os.environ["VERSION"], os.environ["FLAG"], os.environ["BOOK"]
HAS_IT = VERSION != "1.0"
"""The first version does not know the new checkout."""
BROKEN = VERSION == "3.0"
"""Of this one every second new checkout fails."""


def flags():
    """The file is looked at ten times a second; the default of the code is: off."""
    path = os.environ["FLAGD_OFFLINE_FLAG_SOURCE_PATH"]
    file = FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=path, deadline_ms=100)
    api.set_provider_and_wait(file)
    return api.get_client()


def book():
    return closing(sqlite3.connect(BOOK, timeout=10, isolation_level=None))


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    turns = 0

    def do_GET(self):
        if self.path == "/health":
            self.answer(200, "well")
        elif self.path == "/figures":
            self.answer(200, json.dumps(figures()))
        else:
            self.shop()

    def shop(self):
        user = EvaluationContext(self.headers.get("x-user"), {"team": self.headers.get("x-team", "")})
        on = HAS_IT and CLIENT.get_boolean_value(FLAG, default_value=False, evaluation_context=user)
        variant = "on" if on else "off"
        Page.turns += on
        failed = bool(on and BROKEN and Page.turns % 2)
        count(variant, failed)
        self.answer(500 if failed else 200, f"the {'new' if on else 'old'} checkout of {VERSION}", variant)

    def answer(self, status, text, variant="none"):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-variant", variant)
        self.send_header("x-version", VERSION)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


COUNTS = {"on": [0, 0], "off": [0, 0]}
COUNTING = threading.Lock()


def count(variant, failed):
    with COUNTING:
        COUNTS[variant][0] += 1
        COUNTS[variant][1] += failed


def keep_books():
    """Five times a second what was counted since goes into the book that all instances share."""
    while True:
        threading.Event().wait(0.2)
        with COUNTING:
            fresh = [(*COUNTS[name], f"{FLAG} {name}") for name in COUNTS]
            COUNTS.update(on=[0, 0], off=[0, 0])
        with book() as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "UPDATE counted SET requests = requests + ?, errors = errors + ? WHERE name = ?", fresh
            )
            db.execute("COMMIT")


def figures():
    with book() as db:
        rows = db.execute("SELECT name, requests, errors FROM counted WHERE name LIKE ?", (f"{FLAG} %",))
        return {name.split()[1]: {"requests": requests, "errors": errors} for name, requests, errors in rows}


def open_book():
    with book() as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(
            "CREATE TABLE IF NOT EXISTS counted (name TEXT PRIMARY KEY, requests INTEGER, errors INTEGER)"
        )
        for name in COUNTS:
            db.execute("INSERT OR IGNORE INTO counted VALUES (?, 0, 0)", (f"{FLAG} {name}",))


open_book()
CLIENT = flags() if HAS_IT else None
threading.Thread(target=keep_books, daemon=True).start()
ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer((os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"])), Page).serve_forever()

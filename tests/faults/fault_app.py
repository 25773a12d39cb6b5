"""The program that the shop's versions run: small, and it misbehaves exactly as its knobs say.

Standard library only; it is copied into the artifacts. Knobs are files in $KNOBS named ``<what>-<version>``:
``dies`` (ends at its start), ``sick`` (its health check fails), ``errors`` (every third page is a 500),
``unsold`` (a tenth of the orders), ``oversold`` (twice as many), ``mute`` (its figures are not told).

Every second page sells something. What each version has sold every instance can tell, at /figures/VERSION.

It proves by itself that no instance ever runs twice: each holds a lock of its own, and tells when it is taken.
"""

import fcntl
import json
import os
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

VERSION, INSTANCE, KNOBS = os.environ["VERSION"], os.environ["INSTANCE"], Path(os.environ["KNOBS"])
TURN = threading.local()


def is_set(knob: str) -> bool:
    return (KNOBS / f"{knob}-{VERSION}").exists()


def note(book: str) -> None:
    with open(KNOBS / book, "a") as file:
        file.write(f"{VERSION} {INSTANCE} {os.getpid()}\n")


def sold(pages: int) -> int:
    if is_set("oversold"):
        return pages
    return pages // 20 if is_set("unsold") else pages // 2


def keep_figures(pages: int) -> None:
    book = KNOBS / f"figures-{VERSION}.{INSTANCE}"
    fresh = book.with_suffix(f".{threading.get_ident()}")
    fresh.write_text(json.dumps({"pages": pages, "orders": sold(pages)}))
    fresh.replace(book)


def figures(version: str) -> bytes:
    books = [json.loads((KNOBS / f"figures-{version}.{n}").read_text()) for n in (1, 2)]
    return json.dumps({"shop": {key: sum(book[key] for book in books) for key in ("pages", "orders")}}).encode()


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served = 0
    pages = 0
    counting = threading.Lock()

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/slow":
            time.sleep(0.3)
        Page.served += 1
        bad = is_set("sick") if self.path == "/health" else is_set("errors") and Page.served % 3 == 0
        body = f"hello from {VERSION}\n".encode()
        if self.path == "/":
            with Page.counting:
                Page.pages += 1
                keep_figures(Page.pages)
        elif self.path.startswith("/figures/"):
            bad = any(KNOBS.glob("mute-*"))
            body = b"" if bad else figures(self.path.removeprefix("/figures/"))
        self.send_response(500 if bad else 200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-version", VERSION)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


class Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer asks the resolver for its name
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


note("starts")
if is_set("dies"):
    print(f"the ledger of {VERSION} is locked: giving up", flush=True)
    sys.exit(3)
lock = os.open(KNOBS / f"running-{VERSION}.{INSTANCE}", os.O_CREAT | os.O_WRONLY)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    note("doubled")
keep_figures(0)
Server((os.environ["HOST"], int(os.environ["PORT"])), Page).serve_forever()

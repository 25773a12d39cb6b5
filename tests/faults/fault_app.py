"""The program that the shop's versions run: small, and it misbehaves exactly as its knobs say.

Standard library only; it is copied into the artifacts. Knobs are files in $KNOBS named ``<what>-<version>``:
``dies`` (ends at its start), ``sick`` (its health check fails), ``errors`` (every third page is a 500).

It proves by itself that no instance ever runs twice: each holds a lock of its own, and tells when it is taken.
"""

import fcntl
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


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served = 0

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/slow":
            time.sleep(0.3)
        Page.served += 1
        bad = is_set("sick") if self.path == "/health" else is_set("errors") and Page.served % 3 == 0
        body = f"hello from {VERSION}\n".encode()
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
Server((os.environ["HOST"], int(os.environ["PORT"])), Page).serve_forever()

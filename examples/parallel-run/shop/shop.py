"""A shop that answers in JSON: prices that must not change, a time and a request number that always do.

GET /orders/N is an order; POST /orders books one, as a line in the file LEDGER. Of version 3.0 the total of
every fifth order is a text.
"""

import json
import os
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION, LEDGER = os.environ["VERSION"], Path(os.environ["LEDGER"])
BOOKING = threading.Lock()


def order(number):
    total = number * 3
    return {
        "id": number,
        "total": str(total) if VERSION == "3.0" and number % 5 == 0 else total,
        "items": [{"name": f"thing {n}", "price": n} for n in range(number % 4)],
        "at": time.time(),
        "request": secrets.token_hex(8),
    }


def book(text):
    """Says how many there are now."""
    with BOOKING, LEDGER.open("a+") as ledger:
        ledger.write(f"{text}\n")
        ledger.seek(0)
        return sum(1 for _ in ledger)


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/orders/"):
            self.answer(order(int(self.path.removeprefix("/orders/"))))
        else:
            self.answer({"well": True})

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        self.answer({"booked": book(text), "at": time.time()})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-request", secrets.token_hex(8))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()

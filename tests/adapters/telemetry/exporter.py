"""A process that exports what the file next to it says: ``exporter.py FOLDER PORT``.

``page`` is the whole answer to every scrape, ``type`` its content type. A test rewrites them by rename.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Page(BaseHTTPRequestHandler):
    folder: Path

    def do_GET(self) -> None:
        page = (self.folder / "page").read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", (self.folder / "type").read_text())
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    Page.folder = Path(sys.argv[1])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Page).serve_forever()

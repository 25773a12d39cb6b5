"""One health check as a small non-blocking HTTP exchange: no thread, no http.client (6 MB with its TLS).

Part of the supervisor process: standard library only, and little of that.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time

_ENOUGH = 16_384


class Probe:
    """``GET path``. Call ``step`` whenever ``wants`` is ready or ``deadline`` (monotonic) has come.

    ``verdict``: None while it is under way; then the empty text for a good answer, else what was wrong.
    """

    def __init__(self, host: str, port: int, path: str, timeout: float) -> None:
        self.deadline = time.monotonic() + timeout
        self.verdict: str | None = None
        self._what = f"GET {path}"
        self._timeout = timeout
        self._answer = b""
        shown = f"[{host}]" if ":" in host else host
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {shown}:{port}\r\nUser-Agent: pilotage-health\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n"
        ).encode()
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        self._socket.settimeout(0)
        try:
            code = self._socket.connect_ex((host, port))
        except OSError as error:
            code = error.errno or errno.EINVAL
        if code not in (0, errno.EINPROGRESS):
            self._end(f"{self._what}: {os.strerror(code).lower()}")

    @property
    def wants(self) -> tuple[int, int]:
        """Descriptor and poll events."""
        return self._socket.fileno(), select.POLLOUT if self._request else select.POLLIN

    def step(self) -> None:
        """Goes as far as it can without waiting."""
        if self.verdict is not None:
            return
        try:
            self._exchange()
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno == errno.ENOTCONN and time.monotonic() < self.deadline:
                return  # macOS, while it connects
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            self._end(self._judge() if self._answer else f"{self._what}: {reason}")
        if self.verdict is None and time.monotonic() >= self.deadline:
            late = f"{self._what}: no answer within {self._timeout:g} s"
            self._end(self._judge() if b"\r\n" in self._answer else late)

    def close(self) -> None:
        self._socket.close()

    def _exchange(self) -> None:
        if code := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(code, os.strerror(code))
        while self._request:
            self._request = self._request[self._socket.send(self._request) :]
        while len(self._answer) < _ENOUGH:
            chunk = self._socket.recv(_ENOUGH)
            if not chunk:
                break
            self._answer += chunk
            if b"\r\n\r\n" in self._answer and not self._judge():
                break  # good; some servers keep the connection open all the same
        self._end(self._judge())

    def _judge(self) -> str:
        head, _, body = self._answer.partition(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].split()
        if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
            return f"{self._what}: " + ("not an HTTP answer" if self._answer else "closed without an answer")
        if 200 <= int(words[1]) < 400:
            return ""
        if b"chunked" in head.lower():
            body = body.partition(b"\r\n")[2]  # the first chunk's size
        first = body.decode(errors="replace").strip().split("\n")[0].strip()[:120]
        shown = f": {first}" if first and first.isprintable() else ""
        return f"{self._what} answered {int(words[1])}{shown}"

    def _end(self, verdict: str) -> None:
        self.verdict = verdict
        self._socket.close()

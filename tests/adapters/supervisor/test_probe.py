"""One health check, against servers with manners of their own."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import closing

import pytest

from pilotage.adapters.supervisor.probe import Probe

pytestmark = pytest.mark.real
PATIENCE = 100_000.0
"""Longer than any test may take: a check that waits for the server to hang up never ends."""


def asked(answer: bytes, *, keep_open: bool) -> str | None:
    """The verdict; with ``keep_open`` the server keeps the connection until it is there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        done = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)
                if keep_open:
                    done.wait(PATIENCE)

        threading.Thread(target=serve, daemon=True).start()
        probe = Probe("127.0.0.1", server.getsockname()[1], "/health", PATIENCE)
        while probe.verdict is None:
            poll = select.poll()
            poll.register(*probe.wants)
            poll.poll(100)
            probe.step()
        done.set()
        return probe.verdict


def test_a_good_answer_counts_though_the_server_keeps_the_connection():
    assert asked(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", keep_open=True) == ""


def test_a_redirect_is_good():
    assert asked(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", keep_open=False) == ""


def test_a_bad_answer_is_told_with_its_first_line():
    verdict = asked(b"HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\nno database\nmore", keep_open=False)
    assert verdict == "GET /health answered 503: no database"


def test_nonsense_is_not_health():
    assert asked(b"SSH-2.0-OpenSSH\r\n\r\n", keep_open=False) == "GET /health: not an HTTP answer"

"""`make demo` in its short form, its end by Ctrl-C, and the load generator on whose count it rests."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "examples" / "demo"

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("demo"), pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A path with spaces; what is built in it serves all tests."""
    folder = tmp_path_factory.mktemp("the demo's") / "work folder"
    yield folder
    assert running(folder) == []


def running(folder: Path) -> list[str]:
    """Command lines of the processes that work out of this folder, or in it."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_text(errors="replace").replace("\0", " ")
            lines.append(f"{line} (in {(process / 'cwd').readlink()}/)")
        except OSError:
            continue
    return [line for line in lines if f"{folder}/" in line]


def demo(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(DEMO / "demo.py"), "--short", "--rate=80", "--work", str(folder), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_good_version_is_promoted_and_a_bad_one_taken_back_while_nobody_else_loses_a_request(work):
    with demo(work) as played:
        told, _ = played.communicate()
    assert played.returncode == 0, told
    assert re.search(r"0\.65\.5 is the version of local now", told), told
    assert re.search(r"[1-9]\d* failed for users, all by answers 500 of 0\.65\.5-cache itself", told), told
    assert "from verdict to full rollback" in told
    assert "nothing is left running" in told
    assert running(work) == []
    lines = [json.loads(line) for line in (work / "load.jsonl").read_text().splitlines()]
    failures = {(line["version"], line["failure"]) for line in lines if "failure" in line}
    assert failures == {("0.65.5-cache", "status 500")}
    assert lines[-1]["kind"] == "end"
    assert lines[-1]["sent"] == lines[-1]["requests"]
    assert lines[-1]["versions"].keys() == {"0.64.8", "0.65.5", "0.65.5-cache"}


def test_interrupted_twice_under_load_it_leaves_nothing_running(work):
    with demo(work) as played:
        assert played.stdout is not None
        told = ""
        for line in played.stdout:
            told += line
            if "Users come" in line:
                break
        assert "Users come" in told, told
        time.sleep(1)
        assert running(work)
        played.send_signal(signal.SIGINT)
        time.sleep(0.2)
        played.send_signal(signal.SIGINT)
        told += played.stdout.read()
    assert played.returncode == 130, told
    assert "nothing is left running" in told
    assert running(work) == []


def test_what_does_not_come_to_its_end_is_ended_and_told(work):
    """A limit that is over before anybody can be released."""
    with demo(work, "--within=1") as played:
        told, _ = played.communicate()
    assert played.returncode == 1, told
    assert "The demo has not come to its end within 1 s: the release of 0.64.8 still goes on." in told
    assert "nothing is left running" in told or "did not end by themselves and were ended" in told
    assert running(work) == []


@contextmanager
def server(answer: Callable[[socket.socket, int], None]) -> Iterator[int]:
    """Hands each connection's first request to ``answer`` with the number of the connection; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for number in range(10_000):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                answer(connection, number)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)


def load(port: int, report: Path, seconds: float = 1) -> list[dict]:
    words = [f"--url=http://127.0.0.1:{port}", "--rate=100", f"--seconds={seconds}", f"--report={report}"]
    subprocess.run([sys.executable, str(DEMO / "load.py"), *words], check=True)
    return [json.loads(line) for line in report.read_text().splitlines()]


def test_the_load_generator_counts_every_way_to_fail_and_never_tries_again(tmp_path):
    given: Counter[str] = Counter()
    head = b"HTTP/1.1 %s\r\nX-Served-By: 1.0\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"

    def answer(connection: socket.socket, number: int) -> None:
        kinds = ("status 500", "status 404", "closed", "cut", "reset", "wrong")
        kind = kinds[number % len(kinds)]
        given[kind] += 1
        if kind.startswith("status"):
            connection.sendall(head % kind.removeprefix("status ").encode() + b"sorry")
        elif kind == "wrong":
            connection.sendall(head % b"200" + b"hello")
        elif kind == "cut":
            connection.sendall(head % b"200" + b"he")
        elif kind == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with server(answer) as port:
        end = load(port, tmp_path / "load.jsonl")[-1]
    found: Counter[str] = Counter()
    for version in end["versions"].values():
        found.update(version["failures"])
    assert end["requests"] == end["failed"] == sum(given.values()) == end["sent"]
    given["closed"] += given.pop("cut")
    assert found == given
    assert set(end["versions"]) == {"1.0", "nobody"}


def test_a_machine_is_asked_what_it_can_do(tmp_path):
    """A server that answers no more than so many at once, each after a while: that is what is found."""

    def answer(connection: socket.socket, number: int) -> None:
        time.sleep(0.02)  # one after the other: no more than 50 a second
        connection.sendall(b"HTTP/1.1 500 Sorry\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry")

    report = tmp_path / "most.jsonl"
    with server(answer) as port:
        words = [f"--url=http://127.0.0.1:{port}", "--users=4", "--seconds=1", f"--report={report}"]
        subprocess.run([sys.executable, str(DEMO / "load.py"), *words], check=True)
    *requests, end = [json.loads(line) for line in report.read_text().splitlines()[1:]]
    assert end["requests"] == end["failed"] == len(requests)
    assert 0 < end["requests"] <= 50 * end["seconds"]


def test_the_load_generator_counts_what_nobody_answers(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    end = load(free, tmp_path / "load.jsonl", seconds=0.5)[-1]
    assert end["versions"]["nobody"]["failures"] == {"refused": end["sent"]}

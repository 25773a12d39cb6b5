"""What a supervised command goes through: started, crashed, unwell, changed, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from supervised_bench import Bench, kill, processes, wait

from pilotage.adapters.supervisor import Spec, Status, Supervised, SupervisorError
from ports import free_port

pytestmark = pytest.mark.real

STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\n"
    "while True: time.sleep(60)"
)
FLOOD = """
import time
for n in range(11_000): print(f"{n:999}")
print("end of the flood", flush=True)
while True:
    print("later", flush=True)
    time.sleep(0.1)
"""
SERVER = """
import http.server, pathlib, sys
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        wish = pathlib.Path("answer").read_text() if pathlib.Path("answer").exists() else "200 fine"
        status, words = wish.split(" ", 1)
        self.send_response(int(status)); self.end_headers(); self.wfile.write(words.encode())
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", PORT), App).serve_forever()
"""


def test_nothing_was_ever_ensured(bench: Bench) -> None:
    status = bench.supervised.status()
    assert (status.state, status.pid, status.restarts) == ("stopped", None, 0)
    bench.supervised.stop()
    assert not bench.supervised.revive()
    assert bench.supervised.log(5) == ""
    assert not bench.supervised.directory.exists()


def test_runs_in_a_session_of_its_own_with_a_minimal_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATORS_SECRET", "hush")
    bench.supervised.ensure(bench.spec(environment={"GIVEN": "yes"}))
    status = bench.until_state("healthy")
    assert status.pid is not None
    assert os.getsid(status.pid) == status.pid
    for pid in (status.pid, status.supervisor):
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"hush" not in environment
        assert (b"GIVEN=yes" in environment) == (pid == status.pid)
    assert wait(lambda: bench.supervised.log(3)) == "sleeping"


def test_the_supervisor_stays_small(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec(health=bench.probe(free_port())))
    status = bench.until(lambda status: "refused" in status.detail)
    loaded = Path(f"/proc/{status.supervisor}/maps").read_text()
    assert "python" in loaded
    for heavy in ("site-packages", "_ssl", "_hashlib", "_ctypes"):
        assert heavy not in loaded


def test_a_long_log_is_cut_while_the_command_writes_on(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec(FLOOD))
    older = bench.supervised.directory / "child.log.1"
    wait(lambda: older.exists() and bench.supervised.log(1) == "later")
    assert older.stat().st_size <= 10_000_000
    assert "end of the flood" in bench.supervised.log(1000)
    assert bench.supervised.log_path.stat().st_size < 1_000_000


def test_ensure_again_changes_nothing(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    for _ in range(3):
        Supervised(bench.supervised.directory).ensure(bench.spec())
    assert bench.until_state("healthy").pid == first.pid
    assert bench.supervisors() == [first.supervisor]


def test_another_command_restarts_it(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    bench.supervised.ensure(bench.spec(environment={"NEW": "1"}))
    second = bench.until(lambda status: status.state == "healthy" and status.pid != first.pid)
    assert second.restarts == 0
    assert second.supervisor == first.supervisor
    assert bench.children() == [second.pid]


def test_another_grace_does_not_restart_it(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec(STUBBORN, grace=timedelta(minutes=5)))
    first = bench.until_state("healthy")
    wait(lambda: bench.supervised.log(1))
    bench.supervised.ensure(bench.spec(STUBBORN, grace=timedelta(milliseconds=50)))
    assert bench.until_state("healthy").pid == first.pid
    bench.supervised.stop()
    assert bench.until_state("stopped").last_exit == "SIGKILL"


def _healthy_after(bench: Bench, restarts: int) -> Status:
    return bench.until(lambda status: status.restarts == restarts and status.state == "healthy")


def test_killed_it_comes_back_and_is_counted(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    for times in (1, 2, 3):
        kill(_healthy_after(bench, times - 1).pid)
        assert _healthy_after(bench, times).last_exit == "SIGKILL"
    assert len(bench.children()) == 1


def test_a_crash_loop_backs_off_and_keeps_the_log(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec("print('cannot find the database'); raise SystemExit(3)"))
    # Between its end and the supervisor's next look there is nothing to say of it yet.
    status = bench.until(lambda status: status.restarts >= 3 and "exit 3; restarting after 0." in status.detail)
    assert (status.state, status.last_exit) == ("crashed", "exit 3")
    said = (bench.supervised.directory / "supervisor.log").read_text()
    assert [f"restarting in {wait_} s" in said for wait_ in ("0.02", "0.04", "0.08")] == [True] * 3
    assert bench.supervised.log(2).splitlines() == ["cannot find the database"] * 2
    bench.supervised.stop()
    assert bench.until_state("stopped").last_exit == "exit 3"


def test_a_missing_command_is_a_crash_with_a_reason(bench: Bench) -> None:
    spec = Spec(command=("no-such-command", str(bench.folder)), cwd=str(bench.folder))
    bench.supervised.ensure(spec)
    status = bench.until_state("crashed")
    assert "could not start: No such file or directory: no-such-command" in (status.last_exit or "")
    assert status.pid is None


def test_health_follows_the_answers(bench: Bench) -> None:
    port, answer = free_port(), bench.folder / "answer"
    answer.write_text("503 warming up")
    program = SERVER.replace("PORT", str(port))
    bench.supervised.ensure(bench.spec(program, health=bench.probe(port, failures=2)))
    starting = bench.until(lambda status: "warming up" in status.detail)
    assert (starting.state, starting.detail) == ("starting", "GET / answered 503: warming up")
    answer.unlink()
    first = bench.until_state("healthy")
    answer.write_text("500 lost the database")
    sick = bench.until_state("unhealthy")
    assert "GET / answered 500: lost the database" in sick.detail
    assert sick.pid == first.pid
    answer.unlink()
    assert bench.until_state("healthy").restarts == 0


def test_never_healthy_within_its_time_is_unhealthy(bench: Bench) -> None:
    probe = bench.probe(free_port(), within=timedelta(milliseconds=100))
    bench.supervised.ensure(bench.spec(health=probe))
    status = bench.until_state("unhealthy")
    assert status.detail == "not healthy within 0.1 s; GET /: connection refused"
    assert status.pid is not None


def test_one_that_answers_nothing_is_late(bench: Bench) -> None:
    port = free_port()
    silent = f"import socket, time\ns = socket.create_server(('127.0.0.1', {port}))\nwhile True: time.sleep(60)"
    probe = bench.probe(port, within=timedelta(0), timeout=timedelta(milliseconds=100))
    bench.supervised.ensure(bench.spec(silent, health=probe))
    bench.until(lambda status: "no answer within 0.1 s" in status.detail)


def test_stop_is_heard_at_once_by_a_polite_one(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec(grace=timedelta(minutes=5)))
    bench.until_state("healthy")
    bench.supervised.stop()
    bench.supervised.stop()
    status = bench.until_state("stopped")
    assert (status.last_exit, status.pid) == ("SIGTERM", None)
    wait(lambda: not bench.supervisors())
    assert bench.children() == []


def test_stop_kills_a_stubborn_one_after_the_grace(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec(STUBBORN, grace=timedelta(milliseconds=100)))
    bench.until_state("healthy")
    wait(lambda: bench.supervised.log(1) == "deaf")
    bench.supervised.stop()
    assert bench.supervised.status().state == "stopping"
    assert bench.until_state("stopped").last_exit == "SIGKILL"


FAMILY = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", STUBBORN, sys.argv[1]])
print("parent", flush=True)
while True: time.sleep(60)
"""


def test_stop_ends_what_the_command_started(bench: Bench) -> None:
    program = FAMILY.replace("STUBBORN", repr(STUBBORN))
    bench.supervised.ensure(bench.spec(program, grace=timedelta(milliseconds=200)))
    wait(lambda: "deaf" in bench.supervised.log(5))
    assert len(bench.children()) == 2
    bench.supervised.stop()
    bench.until_state("stopped")
    assert bench.children() == []


def test_a_crash_ends_what_the_command_had_started_before_it_starts_again(bench: Bench) -> None:
    program = FAMILY.replace("STUBBORN", repr(STUBBORN))
    bench.supervised.ensure(bench.spec(program, grace=timedelta(milliseconds=200)))
    first = bench.until(lambda status: "deaf" in bench.supervised.log(5))
    before = set(bench.children())
    kill(first.pid)
    bench.until(lambda status: status.restarts == 1 and status.state == "healthy")
    assert before.isdisjoint(bench.children())


def test_started_again_while_it_stops(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec(STUBBORN, grace=timedelta(milliseconds=300)))
    wait(lambda: bench.supervised.log(1) == "deaf")
    first = bench.until_state("healthy")
    bench.supervised.stop()
    bench.supervised.ensure(bench.spec())
    second = bench.until(lambda status: status.state == "healthy" and status.pid != first.pid)
    assert bench.children() == [second.pid]
    assert second.restarts == 0


def test_it_outlives_whoever_started_it(bench: Bench) -> None:
    starter = (
        "import sys; from pathlib import Path; from datetime import timedelta\n"
        "from pilotage.adapters.supervisor import Spec, Supervised\n"
        f"command = ({sys.executable!r}, '-c', 'import time; time.sleep(600)', {str(bench.folder)!r})\n"
        f"spec = Spec(command=command, cwd={str(bench.folder)!r})\n"
        f"Supervised(Path({str(bench.supervised.directory)!r})).ensure(spec)\n"
    )
    subprocess.run([sys.executable, "-c", starter], check=True, start_new_session=True)
    status = bench.until_state("healthy")
    parent = int(Path(f"/proc/{status.supervisor}/stat").read_text().rpartition(")")[2].split()[1])
    assert parent != os.getpid()
    kill(status.pid)
    bench.until(lambda status: status.restarts == 1 and status.state == "healthy")


def test_a_removed_folder_ends_the_command(bench: Bench) -> None:
    import shutil

    bench.supervised.ensure(bench.spec())
    bench.until_state("healthy")
    shutil.rmtree(bench.supervised.directory)
    wait(lambda: not list(processes(bench.folder)))


def test_what_is_in_the_way_is_a_problem(bench: Bench) -> None:
    (bench.folder / "file").write_text("")
    with pytest.raises(SupervisorError) as caught:
        Supervised(bench.folder / "file" / "one").ensure(bench.spec())
    assert caught.value.problems[0].code == "supervisor.unusable-folder"


def test_sigterm_to_the_supervisor_leaves_the_command(bench: Bench) -> None:
    bench.supervised.ensure(bench.spec())
    first = bench.until_state("healthy")
    kill(first.supervisor, signal.SIGTERM)
    wait(lambda: not bench.supervisors())
    assert bench.children() == [first.pid]

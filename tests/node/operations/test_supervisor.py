"""The supervisor with real processes: start, death, replacement, stop."""

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from node.operations import valkey
from tests.node.operations.supervised import Running

pytestmark = pytest.mark.slow


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def eventually(claim: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if claim():
            return True
        time.sleep(0.05)
    return claim()


def test_everything_starts_and_everything_stops(running: Running) -> None:
    assert running.announcement == {"link": f"http://localhost:{running.port}/invitations/once"}
    assert running.ask("/a")["path"] == "/a"
    assert valkey.answers(running.folder)
    assert eventually(lambda: "of=scheduler" in running.log.read_text())
    pids = [running.pid_of(part) for part in ("valkey", "web", "worker-1", "scheduler")]
    began = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - began < 10
    assert not any(is_alive(pid) for pid in pids)
    assert "stopped" in running.log.read_text().splitlines()[-1]


@pytest.mark.parametrize("part", ["web", "worker-1", "scheduler", "valkey"])
def test_a_part_that_is_killed_is_started_again(running: Running, part: str) -> None:
    assert eventually(lambda: f"of={part} " in running.log.read_text())
    old = running.pid_of(part)
    os.kill(old, signal.SIGKILL)
    assert eventually(lambda: running.pid_of(part) != old)
    assert running.ask()["path"] == "/"
    assert eventually(lambda: valkey.answers(running.folder))
    assert "why=SIGKILL" in running.log.read_text()


def test_nothing_outlives_a_killed_supervisor(running: Running) -> None:
    assert eventually(lambda: "of=scheduler" in running.log.read_text())
    pids = [running.pid_of(part) for part in ("valkey", "web", "worker-1", "scheduler")]
    running.process.kill()
    running.process.wait()
    assert eventually(lambda: not any(is_alive(pid) for pid in pids), 15)


@pytest.mark.parametrize("way", ["SIGTERM to web", "SIGHUP to supervisor"])
def test_replacing_the_web_process_under_load_costs_no_client_an_error(running: Running, way: str) -> None:
    failures: list[str] = []
    answers: list[int] = []
    stop = threading.Event()

    def use() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        while not stop.is_set():
            try:
                connection.request("POST", "/inbox", b"x" * 2000)
                answer = connection.getresponse()
                answer.read()
                answers.append(answer.status)
            except (OSError, http.client.HTTPException) as error:
                failures.append(repr(error))
                connection.close()
        connection.close()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        time.sleep(0.7)
        old = running.pid_of("web")
        if way == "SIGTERM to web":
            os.kill(old, signal.SIGTERM)
        else:
            running.process.send_signal(signal.SIGHUP)
        assert eventually(lambda old=old: running.pid_of("web") != old and not is_alive(old), 15)
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(answers) > 100
    assert set(answers) == {200}


def test_a_request_that_has_begun_is_answered_before_the_node_stops(running: Running) -> None:
    outcome: list[object] = []
    thread = threading.Thread(target=lambda: outcome.append(running.ask("/slow")["path"]))
    thread.start()
    time.sleep(0.3)
    assert running.stop() == 0
    thread.join()
    assert outcome == ["/slow"]


def test_a_second_node_in_the_same_folder_is_refused_in_one_line(running: Running) -> None:
    second = Running(running.folder, log_name="second.log")
    try:
        assert second.process.wait(10) == 1
    finally:
        second.stop()
    expected = f"courtyard: a node is running in {running.folder} already (process {running.process.pid})"
    assert second.log.read_text().splitlines() == [expected]


def test_a_taken_port_stops_the_start_with_one_line(running: Running, tmp_path: Path) -> None:
    second = Running(tmp_path / "other", COURTYARD_BIND=f"127.0.0.1:{running.port}")
    try:
        assert second.process.wait(10) == 1
    finally:
        second.stop()
    lines = second.log.read_text().splitlines()
    assert lines == [f"courtyard: cannot listen on COURTYARD_BIND=127.0.0.1:{running.port}: Address already in use"]


def test_a_web_server_that_never_starts_ends_the_start(tmp_path: Path) -> None:
    node = Running(tmp_path / "data", STAND_IN_WEB="broken")
    try:
        assert node.process.wait(20) == 1
    finally:
        node.stop()
    text = node.log.read_text()
    assert text.count("of=web ") == 6, text
    assert "the web server does not start" in text


def test_the_supervisor_is_light(running: Running) -> None:
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    assert resident < 25 * 1024

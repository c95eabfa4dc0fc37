"""The real node from an empty folder: what an operator sees first, and what it costs to keep it idle."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MOST_RESIDENT = 400
"""Megabytes, all processes of an idle node with two workers together (RSS: shared pages count in each)."""


def answers(url: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    return False


def resident(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1024


def children(pid: int) -> list[int]:
    return [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_node_starts_from_nothing_is_well_light_and_stops(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COURTYARD_")}
    environ |= {
        "COURTYARD_DATA": str(tmp_path / "data"),
        "COURTYARD_BIND": f"127.0.0.1:{port}",
        "COURTYARD_DOMAIN": f"localhost:{port}",
        "COURTYARD_WORKERS": "2",
    }
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "run"], env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=stream, text=True
        )
    try:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, log.read_text()
            said += line
        assert f"http://localhost:{port}/" in said
        link = re.findall(r"http\S+/invitations/\S+", said)
        assert len(link) == 1
        assert answers(link[0], 20), log.read_text()
        assert answers(f"http://localhost:{port}/readyz", 40), log.read_text()
        doctor = subprocess.run(
            [sys.executable, "-m", "node", "doctor", "--json"], env=environ, cwd=ROOT, capture_output=True, text=True
        )
        states = {finding["check"]: finding["state"] for finding in json.loads(doctor.stdout)}
        states.pop("disk space")
        assert set(states.values()) == {"ok"}, doctor.stdout
        sizes = [resident(pid) for pid in (process.pid, *children(process.pid))]
        assert len(sizes) == 6
        assert sum(sizes) < MOST_RESIDENT, sizes
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()
    assert "Traceback" not in log.read_text()

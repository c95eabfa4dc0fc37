"""The note of a running node: the doctor in another shell looks at the node with the node's settings."""

import json
import subprocess
import sys
from pathlib import Path

from node.config import load
from node.operations import running as notes
from tests.node.operations.supervised import ROOT, Running


def test_settings_of_a_running_node_are_noted_without_secrets(tmp_path: Path) -> None:
    given = {
        "COURTYARD_DOMAIN": "localhost:9", "COURTYARD_BIND": "127.0.0.1:9", "COURTYARD_METRICS_TOKEN": "x" * 40,
        "COURTYARD_SECRET_KEY": "kept-to-ourselves-0123456789-abcdefgh",
        "COURTYARD_DATABASE_URL": "postgresql+psycopg://me:word@db.test/courtyard",
    }  # fmt: skip
    settings = load(given, tmp_path)
    assert notes.noted(tmp_path) is None
    with notes.take(settings):
        assert notes.noted(tmp_path) == {"COURTYARD_DOMAIN": "localhost:9", "COURTYARD_BIND": "127.0.0.1:9"}
        written = (tmp_path / "run.lock").read_text()
        assert not any(secret in written for secret in ("word", "kept", "xxxx"))
        assert notes.settings_in_force(settings, given) == (settings, {})
        found, other = notes.settings_in_force(load({"COURTYARD_WORKERS": "3"}, tmp_path), {"COURTYARD_WORKERS": "3"})
        assert (found.origin, found.bind) == ("http://localhost:9", "127.0.0.1:9")
        assert other == {"COURTYARD_BIND": "127.0.0.1:9", "COURTYARD_DOMAIN": "localhost:9", "COURTYARD_WORKERS": ""}
    assert notes.noted(tmp_path) is None, "its lock is gone with it"


def test_the_doctor_in_another_shell_asks_the_running_node(running: Running) -> None:
    shell = {name: value for name, value in running.environ.items() if not name.startswith("COURTYARD_")}
    answer = subprocess.run(
        [sys.executable, "-m", "node", "--data", str(running.folder), "doctor", "--json"],
        env=shell, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    findings = {finding["check"]: finding for finding in json.loads(answer.stdout)}
    assert findings["settings"]["state"] == "warn"
    assert f"COURTYARD_DOMAIN=localhost:{running.port}" in findings["settings"]["text"]
    assert ".env" in findings["settings"]["advice"]
    assert f"http://localhost:{running.port}" in findings["reachability"]["text"]


def test_the_link_is_told_when_requests_are_taken(running: Running) -> None:
    text = running.log.read_text()
    assert -1 < text.find("web listens") < text.find("stand-in told that it is ready"), text

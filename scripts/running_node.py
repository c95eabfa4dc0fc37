"""A node started as an operator starts it: `courtyard run` on free loopback ports, with its own data folder.

For measuring, demos and tests of whole nodes. What its processes cost is read from /proc, so it needs Linux.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 30.0
TICKS = os.sysconf("SC_CLK_TCK")


class NodeFailed(Exception):
    """The node, or one of its commands, did not do what was asked; the text ends with what it printed."""


def free_port(address: str = "127.0.0.1") -> int:
    """Return a TCP port that is free on `address` now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """Return this process's environment without any COURTYARD_* of the person who runs us."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COURTYARD_")}


@dataclass
class RunningNode:
    """One node: `data` is its folder, `domain` its host:port on loopback, `settings` further COURTYARD_* values."""

    data: Path
    domain: str
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def prepare(
        cls, data: Path, *, settings: Mapping[str, str], address: str = "127.0.0.1", port: int | None = None
    ) -> RunningNode:
        """Choose a port and make the data folder; nothing is started. `settings` are named without COURTYARD_."""
        data.mkdir(parents=True, exist_ok=True)
        domain = f"{address}:{port or free_port(address)}"
        return cls(data, domain, settings)

    @property
    def origin(self) -> str:
        return f"http://{self.domain}"

    @property
    def log(self) -> Path:
        """Everything the node printed."""
        return self.data / "run.log"

    def environment(self) -> dict[str, str]:
        """Return the environment of the node and of its commands."""
        ours = {
            "DATA": str(self.data),
            "DOMAIN": self.domain,
            "BIND": self.domain,
            "SCHEME": "http",
            "ALLOW_PRIVATE_ADDRESSES": "on",
            **self.settings,
        }
        return clean_environment() | {f"COURTYARD_{name}": value for name, value in ours.items()}

    def start(self, *, seconds: float = START_SECONDS) -> float:
        """Start it, wait for the first answered request, return how long that took in seconds. Raises NodeFailed."""
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "node", "run"],
                cwd=ROOT, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        while time.monotonic() - begun < seconds:
            if self.process.poll() is not None:
                raise NodeFailed(f"the node ended with status {self.process.returncode}\n{self.log_end()}")
            if self.answers("/healthz"):
                return time.monotonic() - begun
            time.sleep(0.02)
        self.stop()
        raise NodeFailed(f"the node did not answer within {seconds:.0f} s\n{self.log_end()}")

    def wait_ready(self, *, seconds: float = START_SECONDS) -> None:
        """Wait until database, Redis and workers are there. Raises NodeFailed."""
        deadline = time.monotonic() + seconds
        while not self.answers("/readyz"):
            if time.monotonic() > deadline:
                raise NodeFailed(f"the node is not ready within {seconds:.0f} s\n{self.log_end()}")
            time.sleep(0.1)

    def answers(self, path: str) -> bool:
        """Say whether a GET of `path` is answered with anything but a server's failure (5xx)."""
        try:
            with urllib.request.urlopen(self.origin + path, timeout=5):
                return True
        except urllib.error.HTTPError as error:
            with error:
                return error.code < 500
        except OSError:
            return False

    def stop(self) -> None:
        """Stop it as Ctrl-C does; kill what is left after STOP_SECONDS. Does nothing when it does not run."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def command(self, *arguments: str, given: str | None = None, seconds: float = 120) -> str:
        """Run a `courtyard` command on this node's data and return what it printed. Raises NodeFailed."""
        done = subprocess.run(
            [sys.executable, "-m", "node", *arguments],
            cwd=ROOT, env=self.environment(), input=given, capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip
        if done.returncode != 0:
            raise NodeFailed(f"courtyard {' '.join(arguments)}: status {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout

    def add_member(self, name: str, *, role: str = "member", password: str = "correct horse battery") -> str:
        """Add a member and return an access token for the client API."""
        email = f"{name}@example.com"
        self.command("member", "add", name, "--email", email, "--role", role, "--password-stdin", given=password)
        printed = self.command("token", name, "--scopes", "read write follow", "--json")
        return token_in(printed)

    def log_end(self, lines: int = 30) -> str:
        """Return the last lines that it printed."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def processes(self) -> list[int]:
        """Return the ids of the node's process and of all its descendants."""
        if self.process is None:
            return []
        return [self.process.pid, *descendants(self.process.pid)]

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its processes so far, those that ended and were waited for included."""
        return sum(cpu_of(pid) for pid in self.processes())

    def cpu_by_process(self) -> dict[str, float]:
        """Return CPU seconds by 'pid command line', for reports."""
        return {f"{pid} {name_of(pid)}": cpu_of(pid) for pid in self.processes()}

    def memory(self) -> tuple[int, int]:
        """Return (resident, proportional) bytes of all its processes: RSS counts shared pages in each, PSS once."""
        resident = proportional = 0
        for pid in self.processes():
            try:
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            numbers = {line.split(":")[0]: line.split()[1] for line in rollup.splitlines()[1:]}
            resident += int(numbers["Rss"]) * 1024
            proportional += int(numbers["Pss"]) * 1024
        return resident, proportional


def token_in(printed: str) -> str:
    """Return the token in what `courtyard token --json` printed."""
    try:
        answer: Any = json.loads(printed)
    except ValueError:
        return printed.split()[-1]
    if isinstance(answer, str):
        return answer
    return str(answer.get("access_token") or answer["token"])


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below `pid`."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = stat_of(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def stat_of(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the command name (state first), or [] when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def cpu_of(pid: int) -> float:
    """Return user and system seconds of one process and of its children that ended (proc(5): fields 14 to 17)."""
    fields = stat_of(pid)
    return sum(int(value) for value in fields[11:15]) / TICKS if fields else 0.0


def name_of(pid: int) -> str:
    """Return a short command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    return " ".join(Path(word).name if word.startswith("/") else word for word in words if word)[:60]

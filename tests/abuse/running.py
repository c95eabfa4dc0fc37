"""A whole node as production runs it, in processes and a data folder of its own, told of the fake peers by its settings.

    with RunningNode(tmp_path, peers, federation="selective") as node:
        node.post(mallory, activity)                 # signed, to the shared inbox; -> Response
        node.get("/users/ada", cookies=node.sign_in("ada"))

What stands in its database is read from the file, read only (`node.state`); people and peers are made with the actions.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from flask import Flask
from sqlalchemy.orm import Session

from node import create_app
from node.actions import clients, logins, members, node_settings, peers
from node.config import Settings, load
from node.database import db, transaction
from node.models import Member
from node.policy import Mode, PeerState
from node.queries import actors
from node.runtime import RECENT
from tests.abuse.state import State
from tests.support.peers import Actor, Peers, Response

DOMAIN = "node.test"
ORIGIN = f"https://{DOMAIN}"
ROOT = Path(__file__).parents[2]
START_SECONDS = 90.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """What the node answered, and after how many seconds."""

    response: Response
    seconds: float

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def body(self) -> bytes:
        return self.response.body

    def header(self, name: str) -> str | None:
        """Return the header `name`, in any case; several are joined as HTTP joins them."""
        found = [value for key, value in self.response.headers.items() if key.lower() == name.lower()]
        return ", ".join(found) if found else None


class RunningNode:
    """`python -m node run`, from the first line of its log to the last. A context manager."""

    def __init__(self, folder: Path, around: Peers, *, federation: str = "selective", **settings: str) -> None:
        self.peers = around
        self.data = folder / "data"
        self.log_file = folder / "node.log"
        self.environment = {
            "COURTYARD_DATA": str(self.data),
            "COURTYARD_DOMAIN": DOMAIN,
            "COURTYARD_BIND": "127.0.0.1:0",
            "COURTYARD_FEDERATION": federation,
            "COURTYARD_RATE_LIMITS": "off",
            "COURTYARD_LOG_FORMAT": "json",
            **around.environment(),
            **settings,
        }
        self.address = ("127.0.0.1", 0)

    def __enter__(self) -> Self:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COURTYARD_")}
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "node", "run"], cwd=ROOT, env={**inherited, **self.environment},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            self._wait_until_ready()
            self.settings: Settings = load(self.environment, self.data)
            self.app: Flask = create_app(self.settings, doors=())
            self.state = State(self.data / "courtyard.sqlite3")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.state.close()
        with self.app.app_context():
            db.engine.dispose()
        self._stop()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            for entry in self.log():
                if entry.get("message") == "web listens":
                    host, _, port = entry["address"].rpartition(":")
                    self.address = (host, int(port))
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError("the node does not start:\n" + self.log_file.read_text(encoding="utf-8", errors="replace")[-4000:])

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)  # the session we made for it
                self._process.wait()

    # What it says

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the log entries from byte `since` on; what is no JSON (a traceback of a start) as message."""
        with self.log_file.open("rb") as stream:
            stream.seek(since)
            lines = stream.read().decode("utf-8", "replace").splitlines()
        return [_entry(line) for line in lines if line.strip()]

    def log_end(self) -> int:
        return self.log_file.stat().st_size

    def post(self, actor: Actor, document: Any, path: str = "/inbox", **options: Any) -> Answer:
        """Send a signed POST of `actor`; `options` are those of `Actor.signed`."""
        headers, body = actor.signed(ORIGIN + path, document, **options)
        return self.send("POST", path, headers, body)

    def send(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """Send a request as it stands."""
        return self.send_lines(method, path, list((headers or {}).items()), body)

    def send_lines(self, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes | Iterable[bytes] = b"") -> Answer:
        """Send exactly these header lines, duplicates and all; pieces of a body are sent chunked.

        A node that answers and closes before it has read everything is heard all the same.
        """
        began = time.monotonic()
        lines = list(headers)
        named = {name.lower() for name, _ in lines}
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if "host" not in named:
                lines.insert(0, ("Host", DOMAIN))
            if isinstance(body, bytes):
                if "content-length" not in named and (body or method == "POST"):
                    lines.append(("Content-Length", str(len(body))))
            else:
                lines.append(("Transfer-Encoding", "chunked"))
            for name, value in lines:
                connection.putheader(name, value if value.isascii() else _bytes(value))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.endheaders(body or None, encode_chunked=not isinstance(body, bytes))
            answer = connection.getresponse()
            response = Response(answer.status, _joined(answer.getheaders()), answer.read())
        finally:
            connection.close()
        return Answer(response, time.monotonic() - began)

    def get(self, path: str, cookie: str = "", actor: Actor | None = None, **headers: str) -> Answer:
        """Send a GET: as a browser with a login cookie, as a server that signs, or as anybody."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if actor is not None:
            signed, _ = actor.signed(ORIGIN + path, b"", method="GET")
            fields = {**signed, **fields}
        if cookie:
            fields["Cookie"] = f"__Host-courtyard={cookie}"
        return self.send("GET", path, fields)

    # Who is there

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open the node's database for writing, as its own commands do."""
        with self.app.app_context():
            try:
                with transaction() as session:
                    yield session
            finally:
                db.session.remove()

    def add_member(self, name: str, role: str = "member", password: str | None = None) -> None:
        with self.writing() as session:
            members.create(session, name, f"{name}@mail.test", password, role, settings=self.settings, now=now())

    def decide(self, host: str, state: PeerState) -> None:
        """Let a peer in, or keep it out."""
        with self.writing() as session:
            peers.set_state(session, host, state, by=None, now=now(), own_host=DOMAIN)
        time.sleep(RECENT)  # until then the web process may not know what another process has decided

    def set_mode(self, mode: Mode) -> None:
        with self.writing() as session:
            node_settings.set_mode(session, mode, None, now())
        time.sleep(RECENT)

    def sign_in(self, name: str) -> str:
        """Return the secret of a fresh login cookie."""
        with self.writing() as session:
            actor = actors.by_name(session, name)
            assert actor is not None
            member = session.query(Member).filter_by(actor_id=actor.id).one()
            return logins.open(session, member, "127.0.0.1", "tests", now())

    def token(self, name: str, scopes: str = "read write follow") -> str:
        """Return an access token for the client API."""
        with self.writing() as session:
            actor = actors.by_name(session, name)
            assert actor is not None
            member = session.query(Member).filter_by(actor_id=actor.id).one()
            return clients.token_for_member(session, member, scopes, now())

    def memory(self) -> int:
        """Return the resident bytes of all its processes but Valkey."""
        pids = [self._process.pid, *_children(self._process.pid)]
        return sum(_resident(pid) for pid in pids)


def now() -> datetime:
    return datetime.now(UTC)


def _bytes(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {"message": line}
    return entry if isinstance(entry, dict) else {"message": line}


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(stat.parent.name))
    return found


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")

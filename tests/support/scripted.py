"""A scripted HTTP server: says exactly what a test tells it to, also what no decent server would, and logs what it hears.

A route's answer is a status (`202`), a document (`dict` or `list`: ActivityStreams JSON), a `(status, headers, body)`, a
`Reply`, a function of the `Request` that returns one of these, or a misbehaviour: `hang()`, `reset()`, `drip(...)`,
`endless()`, `gzip_bomb()`, `raw(b"...")`. It is for tests of whole exchanges: one thread per connection, no speed.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from federation.signatures import Message

ACTIVITY_JSON = "application/activity+json"


@dataclass(frozen=True)
class Request:
    """What the server heard. `target` is the raw request target, `headers` all of them in order, `at` monotonic seconds."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float
    client: str = ""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    def header(self, name: str) -> str | None:
        """Return the first header `name`, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)

    def message(self, origin: str) -> Message:
        """Return it as `federation.signatures` wants it, to check its signature: `origin` is ours, `https://good.test`."""
        return Message(self.method, origin + self.target, self.headers, self.body or None)


@dataclass(frozen=True)
class Reply:
    """An answer. Content-Length is added; `close` ends the connection after it."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    close: bool = False


@dataclass(frozen=True)
class Misbehaviour:
    """Takes over the connection. `act(connection, stopped)`; the connection is closed when it returns."""

    act: Callable[[socket.socket, threading.Event], None]


Answer = int | dict[str, Any] | list[Any] | tuple[int, Mapping[str, str], bytes] | Reply | Misbehaviour
Route = Answer | Callable[[Request], Answer]


def hang() -> Misbehaviour:
    """Never answer."""
    return Misbehaviour(lambda connection, stopped: _wait(stopped))


def reset() -> Misbehaviour:
    """Break the connection (RST)."""
    return Misbehaviour(lambda connection, stopped: _break(connection))


def raw(data: bytes) -> Misbehaviour:
    """Send these bytes and close."""
    return Misbehaviour(lambda connection, stopped: connection.sendall(data))


def drip(head: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\n", *, every: float = 0.2) -> Misbehaviour:
    """Send `head` at once, then a byte every `every` seconds: a header, or a body if `head` ends in an empty line."""

    def act(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(head)
        while not stopped.wait(every):
            connection.sendall(b"x")

    return Misbehaviour(act)


def endless(content_type: str = ACTIVITY_JSON, status: int = 200) -> Misbehaviour:
    """Send a chunked body that does not end."""

    def act(connection: socket.socket, stopped: threading.Event) -> None:
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        while not stopped.is_set():
            connection.sendall(chunk)

    return Misbehaviour(act)


def gzip_bomb(status: int = 200, megabytes: int = 256, **headers: str) -> Reply:
    """Answer with a small body that inflates to `megabytes`. `Location=...` makes it a redirect's."""
    bomb = _bomb(megabytes)
    return Reply(status, {"Content-Type": ACTIVITY_JSON, "Content-Encoding": "gzip", **headers}, bomb)


def redirect(url: str, status: int = 302) -> Reply:
    """Redirect to `url`."""
    return Reply(status, {"Location": url})


class ScriptedServer:
    """Listens on `address`:`port` (0: any free one) in threads of this process until closed.

    `on_connect`, when set, takes over every new connection before TLS and HTTP (stalled handshakes, resets, silence).
    """

    def __init__(self, *, address: str = "127.0.0.2", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.address = address
        self.on_connect: Misbehaviour | None = None
        self.connections = 0
        self._tls = tls
        self._routes: dict[tuple[str, str], Route] = {}
        self._log: list[Request] = []
        self._news = threading.Condition()
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family, backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name=f"scripted-{self.port}", daemon=True).start()

    def route(self, method: str, path: str, answer: Route) -> None:
        """Answer `method` (or `*`) at `path` (without query; one ending in `/*` takes all below it)."""
        self._routes[method.upper(), path] = answer

    def received(self, method: str | None = None, path: str | None = None) -> list[Request]:
        """Return what was heard so far, oldest first."""
        with self._news:
            return [
                request
                for request in self._log
                if (method is None or request.method == method) and (path is None or request.path == path)
            ]

    def wait_for(self, method: str, path: str | None = None, *, count: int = 1, timeout: float = 10.0) -> list[Request]:
        """Wait until `count` such requests were heard and return them. Raises AssertionError after `timeout` seconds."""
        end = time.monotonic() + timeout
        with self._news:
            while len(found := self.received(method, path)) < count:
                left = end - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    heard = [f"{request.method} {request.target}" for request in self._log]
                    raise AssertionError(f"{count} x {method} {path or ''} expected, heard {heard}")
            return found

    def forget(self) -> None:
        """Empty the log and the count of connections."""
        with self._news:
            self._log.clear()
            self.connections = 0

    def drop_connections(self) -> None:
        """Close every open connection, as a server does with idle ones."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening and drop everything."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, client = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection, str(client[0])), daemon=True).start()

    def _serve(self, connection: socket.socket, client: str) -> None:
        self._open.add(connection)
        secured = connection
        with contextlib.suppress(OSError, ValueError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.on_connect is not None:
                self.on_connect.act(connection, self._stopped)
            else:
                if self._tls is not None:
                    connection.settimeout(30)
                    secured = self._tls.wrap_socket(connection, server_side=True)
                    self._open.add(secured)
                secured.settimeout(120)
                self._exchange(secured, client)
        self._open -= {connection, secured}
        secured.close()
        connection.close()

    def _exchange(self, connection: socket.socket, client: str) -> None:
        with connection.makefile("rb") as stream:
            while (request := _read_request(stream, client)) is not None and not self._stopped.is_set():
                with self._news:
                    self._log.append(request)
                    self._news.notify_all()
                answer = self._answer(request)
                if isinstance(answer, Misbehaviour):
                    answer.act(connection, self._stopped)
                    return
                connection.sendall(_rendered(answer, with_body=request.method != "HEAD"))
                if answer.close or (request.header("Connection") or "").lower() == "close":
                    return

    def _answer(self, request: Request) -> Reply | Misbehaviour:
        found = self._find(request.method, request.path)
        if found is None:
            found = Reply(404)
        return _as_reply(found(request) if callable(found) else found)

    def _find(self, method: str, path: str) -> Route | None:
        methods = ("HEAD", "GET", "*") if method == "HEAD" else (method, "*")
        patterns = [path]
        while path:
            path = path.rpartition("/")[0]
            patterns.append(path + "/*")
        return next((self._routes[key, name] for name in patterns for key in methods if (key, name) in self._routes), None)


def _read_request(stream: Any, client: str) -> Request | None:
    line = stream.readline(65_536)
    if not line.strip():
        return None
    try:
        method, target, _ = line.decode("ascii").split(" ", 2)
    except ValueError:  # a TLS greeting at a plain port is no request
        return None
    headers: list[tuple[str, str]] = []
    while (line := stream.readline(65_536)).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    body = stream.read(int(lengths[0])) if lengths else b""
    return Request(method, target, tuple(headers), body, time.monotonic(), client)


def _as_reply(answer: Answer) -> Reply | Misbehaviour:
    if isinstance(answer, Reply | Misbehaviour):
        return answer
    if isinstance(answer, int):
        return Reply(answer)
    if isinstance(answer, tuple):
        return Reply(*answer)
    return Reply(200, {"Content-Type": ACTIVITY_JSON}, json.dumps(answer).encode())


def _rendered(reply: Reply, *, with_body: bool) -> bytes:
    headers = {"Content-Length": str(len(reply.body)), **reply.headers}
    if reply.close:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (reply.body if with_body else b"")


def _wait(stopped: threading.Event) -> None:
    stopped.wait(60)


def _break(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


_bombs: dict[int, bytes] = {}


def _bomb(megabytes: int) -> bytes:
    if megabytes not in _bombs:
        piece = gzip.compress(b" " * 1_048_576)
        _bombs[megabytes] = piece * megabytes  # members of one gzip file follow each other (RFC 1952 2.2)
    return _bombs[megabytes]

"""Thousands of fake hosts in one cheap process: every address in 127/8, one port, told apart by the address dialled.

They show their actors, take everything that is posted and write down when. Some can be told to misbehave. It binds the
wildcard address, as only that covers 127/8, and drops every connection that does not come in on 127/8.
"""

from __future__ import annotations

import asyncio
import base64
import json
import multiprocessing
import resource
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from scripts.benchmarks.strangers import Strangers, address_of, number_of

CONTROL = "127.0.0.1"
"""Requests to this address are the bench's own."""

MARK = b"bench-mark-"
SAMPLE_EVERY = 40
SLOW_SECONDS = 6.0
ANSWERS = {
    "ok": b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
    "slow": b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
    "error": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "busy": b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n",
    "silent": b"",
}


@dataclass
class Log:
    """What came in, since the last reset."""

    strangers: Strangers
    behaviour: dict[str, str]
    posts: list[tuple[str, float, str]]
    samples: list[bytes]
    gets: int = 0
    connections: int = 0


class Visitor(asyncio.Protocol):
    """One connection to one fake host."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.buffer = b""
        self.address = ""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.address = transport.get_extra_info("sockname")[0]
        if not self.address.startswith("127."):
            transport.abort()
        self.log.connections += self.address != CONTROL

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end]
            length = content_length(head)
            if len(self.buffer) < end + 4 + length:
                return
            raw, self.buffer = self.buffer[: end + 4 + length], self.buffer[end + 4 + length :]
            self.answer(raw, head, raw[end + 4 :])

    def answer(self, raw: bytes, head: bytes, body: bytes) -> None:
        if self.address == CONTROL:
            self.send(json_answer(control(self.log, head.split(b" ", 2)[1].decode(), body)))
        elif head.startswith(b"POST"):
            self.take(raw, body)
        else:
            self.log.gets += 1
            self.send(self.show(head.split(b" ", 2)[1].decode()))

    def take(self, raw: bytes, body: bytes) -> None:
        log = self.log
        place = body.find(MARK)
        mark = body[place + len(MARK) : place + len(MARK) + 8].decode("latin-1") if place >= 0 else ""
        log.posts.append((self.address, time.monotonic(), mark))
        if len(log.posts) % SAMPLE_EVERY == 1 and len(log.samples) < 200:
            log.samples.append(raw)
        behaviour = log.behaviour.get(self.address, "ok")
        if behaviour == "slow":
            asyncio.get_running_loop().call_later(SLOW_SECONDS, self.send, ANSWERS["slow"])
        else:
            self.send(ANSWERS[behaviour])

    def show(self, path: str) -> bytes:
        if path.split("?")[0] == "/users/u":
            return json_answer(self.log.strangers.actor_document(number_of(self.address)), "application/activity+json")
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

    def send(self, answer: bytes) -> None:
        if answer and self.transport is not None and not self.transport.is_closing():
            self.transport.write(answer)


def content_length(head: bytes) -> int:
    """Return the length of the body that follows this head."""
    place = head.lower().find(b"\r\ncontent-length:")
    return int(head[place + 17 :].split(b"\r\n", 1)[0]) if place >= 0 else 0


def json_answer(value: Any, media_type: str = "application/json") -> bytes:
    body = json.dumps(value).encode()
    return f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def control(log: Log, path: str, body: bytes) -> Any:
    """Answer the bench: /count, /posts, /samples, /reset, /behave."""
    if path == "/count":
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "posts": len(log.posts),
            "gets": log.gets,
            "connections": log.connections,
            "cpu": usage.ru_utime + usage.ru_stime,
        }
    if path == "/posts":
        return log.posts
    if path == "/samples":
        return [base64.b64encode(sample).decode() for sample in log.samples]
    if path == "/reset":
        log.posts, log.samples, log.gets, log.connections = [], [], 0, 0
    if path == "/behave":
        log.behaviour = json.loads(body)
    return {}


def serve(ready: Connection) -> None:
    """Run the process: bind a free port, make the keys, send the Strangers back, serve until killed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard) if soft < hard else (soft, hard))
    asyncio.run(_serve(ready))


async def _serve(ready: Connection) -> None:
    loop = asyncio.get_running_loop()
    log: Log | None = None

    def visitor() -> Visitor:
        assert log is not None
        return Visitor(log)

    server = await loop.create_server(visitor, "0.0.0.0", 0, backlog=4096)
    strangers = Strangers.make(server.sockets[0].getsockname()[1])
    log = Log(strangers, {}, [], [])
    ready.send(strangers)
    await server.serve_forever()


@dataclass
class FakeHosts:
    """The bench's end of the process."""

    process: BaseProcess
    strangers: Strangers

    @classmethod
    def start(cls) -> FakeHosts:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
        process.start()
        return cls(process, ours.recv())

    def ask(self, path: str, value: Any = None) -> Any:
        """Ask the process over its own control address."""
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"http://{CONTROL}:{self.strangers.port}{path}", data=data)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def count(self) -> dict[str, Any]:
        """Return {posts, gets, connections, cpu}; cpu in seconds since it started."""
        answer: dict[str, Any] = self.ask("/count")
        return answer

    def posts(self) -> list[tuple[str, float, str]]:
        """Return (address, monotonic time, mark) of every POST since the reset."""
        return [(address, at, mark) for address, at, mark in self.ask("/posts")]

    def samples(self) -> list[bytes]:
        """Return some of the requests as they came."""
        return [base64.b64decode(sample) for sample in self.ask("/samples")]

    def reset(self) -> None:
        self.ask("/reset")

    def behave(self, numbers: Iterable[int], behaviour: Iterable[str]) -> None:
        """Give hosts a behaviour each; all others take what comes."""
        self.ask("/behave", {address_of(number): what for number, what in zip(numbers, behaviour, strict=True)})

    def wait_for(self, posts: int, seconds: float) -> bool:
        """Wait until that many POSTs came in; say whether they did."""
        deadline = time.monotonic() + seconds
        while self.count()["posts"] < posts:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def stop(self) -> None:
        self.process.kill()
        self.process.join()

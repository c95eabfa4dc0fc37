"""Bodies of requests, through the bridge without a server: their limits of size and memory, and what is no body."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from node.operations.bodies import LARGEST_BODY, Bodies
from node.operations.bridge import Bridge
from node.operations.web import UPLOADS

MIB = 1_048_576
MULTIPART = (b"content-type", b"multipart/form-data; boundary=x")
HOST = (b"host", b"a.test")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("X-Length", str(len(body)))])
    return [b""]


def bridge(most: int = 256 * MIB) -> Bridge:
    return Bridge(application, 1, Bodies(UPLOADS, most=most))


def chunks(size: int, of: int = 65_536) -> list[bytes]:
    return [b"x" * min(of, size - begin) for begin in range(0, size, of)]


class Exchange:
    """One request and what was read of it, and its answer."""

    def __init__(self, path: str, pieces: list[bytes], *headers: tuple[bytes, bytes], version: str = "1.1") -> None:
        self.scope = {
            "type": "http", "method": "POST", "path": path, "query_string": b"", "http_version": version, "headers": headers or (HOST,),
        }  # fmt: skip
        self.pieces = pieces
        self.read = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.status = 0
        self.answered: dict[bytes, bytes] = {}

    async def receive(self) -> dict[str, Any]:
        if self.read == len(self.pieces) - 1:
            await self.may_end.wait()
        if self.read == len(self.pieces):
            return {"type": "http.disconnect"}
        self.read += 1
        return {"type": "http.request", "body": self.pieces[self.read - 1], "more_body": self.read < len(self.pieces)}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.answered = message["status"], dict(message["headers"])

    async def through(self, over: Bridge) -> Exchange:
        await over(self.scope, self.receive, self.send)
        return self


def ask(*given: Any, over: Bridge | None = None, version: str = "1.1") -> Exchange:
    async def once() -> Exchange:
        return await Exchange(*given, version=version).through(over or bridge())

    return asyncio.run(once())


@pytest.mark.parametrize("path", ["/", "/inbox", "/users/ada/inbox", "/admin/peers", "/admin/peers/movements", "/api/v1/statuses"])
def test_p02_multipart_alone_makes_no_upload(path: str) -> None:
    length = (b"content-length", str(16 * MIB - 10).encode())
    announced = ask(path, chunks(16 * MIB - 10), HOST, MULTIPART, length)
    assert (announced.read, announced.answered[b"x-length"]) == (0, b"0"), "nothing of it is read"
    chunked = ask(path, chunks(16 * MIB - 10), HOST, MULTIPART, (b"transfer-encoding", b"chunked"))
    assert chunked.answered[b"x-length"] == str(LARGEST_BODY + 1).encode()
    assert chunked.read <= 17


@pytest.mark.parametrize("path", ["/admin/peers/move", "/admin/peers/move/apply"])
def test_a_path_that_takes_files_takes_them_whole(path: str) -> None:
    length = (b"content-length", str(16 * MIB).encode())
    assert ask(path, chunks(16 * MIB), HOST, MULTIPART, length).answered[b"x-length"] == str(16 * MIB).encode()


async def begun(over: Bridge, exchange: Exchange) -> asyncio.Task[Exchange]:
    exchange.may_end.clear()
    task = asyncio.create_task(exchange.through(over))
    while exchange.read < len(exchange.pieces) - 1 and not task.done():
        await asyncio.sleep(0)
    return task


def test_d10_all_bodies_under_way_have_one_room() -> None:
    chunked = (b"transfer-encoding", b"chunked")

    async def crowd() -> AsyncIterator[tuple[str, Exchange]]:
        over = bridge(most=4 * MIB)
        slow = [Exchange("/inbox", [*chunks(MIB - 100), b"end"], HOST, chunked) for _ in range(4)]
        tasks = [await begun(over, one) for one in slow]
        yield "one more", await Exchange("/inbox", chunks(MIB), HOST, chunked).through(over)
        yield "without a body", await Exchange("/", [], HOST).through(over)
        for one in slow:
            one.may_end.set()
        for task in tasks:
            yield "slow", await task
        yield "afterwards", await Exchange("/inbox", chunks(MIB), HOST, chunked).through(over)

    async def collect() -> list[tuple[str, Exchange]]:
        return [pair async for pair in crowd()]

    seen = asyncio.run(collect())
    assert [(name, one.status) for name, one in seen] == [
        ("one more", 503), ("without a body", 200), *[("slow", 200)] * 4, ("afterwards", 200),
    ]  # fmt: skip
    refused = seen[0][1]
    assert refused.read <= 1
    assert (refused.answered[b"connection"], refused.answered[b"retry-after"]) == (b"close", b"10")


def test_announcing_much_takes_no_room() -> None:
    async def two() -> int:
        over = bridge(most=2 * MIB)
        length = (b"content-length", str(MIB).encode())
        idle = [await begun(over, Exchange("/inbox", [b"x", b"x"], HOST, length)) for _ in range(50)]
        answered = await Exchange("/inbox", chunks(MIB), HOST, length).through(over)
        for task in idle:
            task.cancel()
        await asyncio.gather(*idle, return_exceptions=True)
        return answered.status

    assert asyncio.run(two()) == 200


def test_a_full_room_reads_nothing_more() -> None:
    over = bridge(most=0)
    refused = ask("/inbox", [b"x"], HOST, (b"content-length", b"1"), over=over)
    assert (refused.status, refused.read) == (503, 0)


def test_a_body_that_breaks_off_is_400_and_closes() -> None:
    broken = ask("/", [], HOST, (b"transfer-encoding", b"chunked"))
    assert (broken.status, broken.answered[b"connection"]) == (400, b"close")


def test_a_request_names_one_host() -> None:
    assert ask("/", [], HOST, HOST).status == 400
    assert ask("/", [], HOST, (b"host", b"b.test")).status == 400
    assert ask("/", [], (b"accept", b"*/*")).status == 400
    assert ask("/", [], (b"accept", b"*/*"), version="1.0").status == 200
    assert ask("/", [], HOST).status == 200

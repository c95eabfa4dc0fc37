"""The load generator: many signed requests over a few keep-alive connections, from a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What a run gave. Times in seconds; `cpu` is the generator's own."""

    elapsed: float
    cpu: float
    statuses: dict[int, int]
    latencies: list[float]

    @property
    def accepted(self) -> int:
        return self.statuses.get(202, 0)


def send_all(address: str, port: int, requests: Sequence[bytes], connections: int) -> Outcome:
    """Send all requests over `connections` connections at once, in a process of its own, and return what came back."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run, (address, port, list(requests), connections))


def _run(address: str, port: int, requests: list[bytes], connections: int) -> Outcome:
    return asyncio.run(_send(address, port, requests, connections))


async def _send(address: str, port: int, requests: list[bytes], connections: int) -> Outcome:
    waiting = iter(requests)
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    begun, cpu = time.monotonic(), time.process_time()

    async def work() -> None:
        reader, writer = await asyncio.open_connection(address, port)
        for request in waiting:
            sent = time.monotonic()
            writer.write(request)
            try:
                status, stays_open = await read_answer(reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                status, stays_open = 0, False
            latencies.append(time.monotonic() - sent)
            statuses[status] += 1
            if not stays_open:
                writer.close()
                reader, writer = await asyncio.open_connection(address, port)
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return Outcome(time.monotonic() - begun, time.process_time() - cpu, dict(statuses), latencies)


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Read one answer; return its status and whether the connection stays open."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    status = int(head.split(b" ", 2)[1])
    place = lower.find(b"\r\ncontent-length:")
    if place >= 0:
        length = int(lower[place + 17 :].split(b"\r\n", 1)[0])
        if length:
            await reader.readexactly(length)
    elif b"\r\ntransfer-encoding: chunked" in lower:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return status, b"\r\nconnection: close" not in lower

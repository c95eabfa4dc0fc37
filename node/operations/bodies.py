"""Bodies of requests: read on the event loop, within limits of size, of time and of memory for all of them together.

Who sends much or slowly is nobody yet: signature, token and cookie are read by the application, after the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

LARGEST_BODY = 1_048_576
LARGEST_UPLOAD = 16 * 1_048_576
BODY_SECONDS = 10.0
UPLOAD_SECONDS = 120.0
MOST_UNDER_WAY = 256 * 1_048_576


class BodyBroken(Exception):
    """What arrived is no body (RFC 9112 7.1), or the client went away before its end."""


class NoRoom(Exception):
    """The bodies under way already fill the memory they may have."""


class Bodies:
    """All bodies under way: at most `most` bytes of them, from their arrival until their requests are answered.

    On the paths that begin with one of `uploads` a body may be an upload: LARGEST_UPLOAD bytes in UPLOAD_SECONDS.
    Elsewhere it is at most LARGEST_BODY in BODY_SECONDS, whatever its type says. For one event loop, without a lock.
    """

    def __init__(self, uploads: tuple[str, ...] = (), *, most: int = MOST_UNDER_WAY) -> None:
        self._uploads = uploads
        self._most = most
        self.under_way = 0
        """Bytes."""

    def largest(self, path: str) -> int:
        """Return how many bytes a body on this path may have."""
        return LARGEST_UPLOAD if self._takes_uploads(path) else LARGEST_BODY

    @contextmanager
    def place(self) -> Iterator[Body]:
        """Give the place of one body; what it holds counts until the end of the block."""
        body = Body(self)
        try:
            yield body
        finally:
            self.under_way -= body.size

    def take(self, size: int) -> None:
        """Count `size` more bytes as under way. Raises NoRoom when they are too many."""
        if self.under_way + size > self._most:
            raise NoRoom
        self.under_way += size

    def seconds(self, path: str) -> float:
        """Return how long a body on this path may take to arrive."""
        return UPLOAD_SECONDS if self._takes_uploads(path) else BODY_SECONDS

    def _takes_uploads(self, path: str) -> bool:
        return any(path == prefix or path.startswith(prefix + "/") for prefix in self._uploads)


class Body:
    """The place of one body."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.size = 0

    async def read(self, environ: dict[str, Any], receive: Receive) -> bytearray:
        """Return what the client sends, cut one byte behind the largest, so that the application sees that it is too much.

        A length that is too large is not read at all: the application refuses it by its header. Raises TimeoutError,
        BodyBroken and NoRoom.
        """
        read = bytearray()
        length = environ.get("CONTENT_LENGTH", "")
        if not length and "HTTP_TRANSFER_ENCODING" not in environ:
            return read
        path = environ["PATH_INFO"]
        limit = self._bodies.largest(path) + 1
        if length and (not length.isdigit() or int(length) > limit):
            return read
        # What is announced is not yet counted, or announcing alone would fill the room. One byte more must fit, though.
        self._bodies.take(1)
        self.size += 1
        async with asyncio.timeout(self._bodies.seconds(path)):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyBroken
                chunk = message.get("body", b"")
                self._bodies.take(len(chunk))
                self.size += len(chunk)
                read += chunk
                if len(read) >= limit or not message.get("more_body"):
                    del read[limit:]
                    return read

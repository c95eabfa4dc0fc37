"""Connections that wait for their next use: at most so many, the longest unused closed first."""

from __future__ import annotations

import select
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from federation.client.sockets import Connection
from federation.client.target import Target

IDLE_SECONDS = 30.0
MAX_IDLE = 256
MAX_IDLE_PER_HOST = 5

_Key = tuple[str, str, int]


class IdleConnections:
    """A bounded store of open connections by scheme, host and port. Any number of threads may share it."""

    def __init__(self, *, most: int = MAX_IDLE, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._count = 0
        self._lock = threading.Lock()
        self._waiting: OrderedDict[_Key, list[tuple[float, Connection]]] = OrderedDict()

    def take(self, target: Target) -> Connection | None:
        """Return a connection to `target` that looks healthy, or None. It is the caller's until kept again or closed."""
        key = (target.scheme, target.host, target.port)
        while True:
            with self._lock:
                waiting = self._waiting.get(key)
                if not waiting:
                    return None
                until, connection = waiting.pop()
                self._count -= 1
                if not waiting:
                    del self._waiting[key]
            if until > self._clock() and not _is_readable(connection):
                return connection
            connection.close()

    def keep(self, target: Target, connection: Connection, seconds: float) -> None:
        """Store `connection` for at most `seconds`; the longest unused ones make room."""
        key = (target.scheme, target.host, target.port)
        now = self._clock()
        with self._lock:
            waiting = self._waiting.setdefault(key, [])
            waiting.append((now + seconds, connection))
            self._waiting.move_to_end(key)
            self._count += 1
            leaving = self._expired(now)
            if len(waiting) > MAX_IDLE_PER_HOST:
                leaving.append(self._pop_oldest(key))
            while self._count > self._most:
                leaving.append(self._pop_oldest(next(iter(self._waiting))))
        for old in leaving:
            old.close()

    def close_expired(self) -> None:
        """Close what has waited too long. `keep` does it in passing; a worker that falls idle calls this."""
        with self._lock:
            leaving = self._expired(self._clock())
        for old in leaving:
            old.close()

    def close_all(self) -> None:
        """Close every waiting connection."""
        with self._lock:
            leaving = [connection for waiting in self._waiting.values() for _, connection in waiting]
            self._waiting.clear()
            self._count = 0
        for old in leaving:
            old.close()

    def __len__(self) -> int:
        return self._count

    def _pop_oldest(self, key: _Key) -> Connection:
        waiting = self._waiting[key]
        self._count -= 1
        connection = waiting.pop(0)[1]
        if not waiting:
            del self._waiting[key]
        return connection

    def _expired(self, now: float) -> list[Connection]:
        """Take out expired connections of the longest unused hosts; stops at the first host that has a fresh one."""
        leaving = []
        while self._waiting:
            key, waiting = next(iter(self._waiting.items()))
            if waiting[0][0] > now:
                break
            leaving.append(self._pop_oldest(key))
        return leaving


def _is_readable(connection: Connection) -> bool:
    """Say whether something arrived on a connection that owes us nothing: the peer closed it, or broke the protocol."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))

"""How many threads of a web process may wait for other servers at once, so that slow ones never take all (case F13)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 1.0
"""Seconds to wait for a slot that quick servers hold."""
SLOW = 1.0
"""Seconds after which a server counts as slow: for what it holds nobody waits."""
MOST_PER_HOST = 2


class Busy(Exception):
    """Other servers keep us waiting already; try again in a few seconds."""


class Slots:
    """Half of the threads, and not more than two for a host that is slow. Thread-safe."""

    def __init__(self, threads: int) -> None:
        self._most = max(1, threads // 2)
        self._free = threading.Condition()
        self._held: dict[int, tuple[str, float]] = {}

    @contextmanager
    def hold(self, host: str) -> Iterator[None]:
        """Hold a slot while `host` is asked. Raises Busy at once when slow servers hold them all, else after PATIENCE."""
        mine = (host, time.monotonic())
        with self._free:
            if not self._free.wait_for(lambda: len(self._held) < self._most or self._is_stuck(host), PATIENCE):
                raise Busy
            if self._is_stuck(host):
                raise Busy
            key = id(mine)
            self._held[key] = mine
        try:
            yield
        finally:
            with self._free:
                del self._held[key]
                self._free.notify_all()

    def _is_stuck(self, host: str) -> bool:
        limit = time.monotonic() - SLOW
        slow = [held_for for held_for, since in self._held.values() if since < limit]
        return len(slow) >= self._most or slow.count(host) >= MOST_PER_HOST

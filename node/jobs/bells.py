"""Ring the workers after a commit. A bell that cannot be rung loses nothing: the scheduler rings them all again.

The ringing is done by a thread of its own, so that no request waits for Redis.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

    from node.config import Settings

QUEUES = ("outbound", "inbound", "fetch", "housekeeping")
JOB_SECONDS = 60
"""A job ends itself long before; RQ ends it for certain then."""
PAUSE = 0.02
"""Seconds between two rings of one process: what comes meanwhile is one ring."""
REDIS_PATIENCE = 0.5

log = logging.getLogger("courtyard.bells")


class Ringer:
    """Enqueues one job for each queue that has work, unless enough are waiting there already."""

    def __init__(self, redis_url: str, most_waiting: int) -> None:
        self._redis_url = redis_url
        self._most_waiting = most_waiting
        self._names: set[str] = set()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: Redis | None = None

    def __call__(self, names: frozenset[str]) -> None:
        with self._lock:
            self._names |= names
            if self._thread is None:  # lazily: a thread does not survive a fork
                self._thread = threading.Thread(target=self._run, name="bells", daemon=True)
                self._thread.start()
        self._wake.set()

    def ring_now(self, names: frozenset[str]) -> bool:
        """Ring from this thread and say whether Redis heard it."""
        from redis.exceptions import RedisError

        try:
            for name in sorted(names):
                self._enqueue(name)
        except (RedisError, OSError) as error:
            self._connection = None
            log.debug("bells not heard: %s", error)
            return False
        return True

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                names, self._names = frozenset(self._names), set()
            if names:
                self.ring_now(names)
                time.sleep(PAUSE)

    def _enqueue(self, name: str) -> None:
        from rq import Queue

        if self._connection is None:
            self._connection = connect(self._redis_url)
        queue = Queue(name, connection=self._connection, serializer="json")
        if queue.count >= self._most_waiting:
            return
        queue.enqueue_call(f"node.jobs.work.{name}", timeout=JOB_SECONDS, result_ttl=0, failure_ttl=86_400)


def connect(redis_url: str, *, patience: float = REDIS_PATIENCE) -> Redis:
    """Return a Redis client whose every call ends, one way or the other, within `patience` seconds."""
    from redis import Redis

    return Redis.from_url(redis_url, socket_timeout=patience, socket_connect_timeout=patience)


def install_bell(settings: Settings) -> Ringer:
    """Have every commit of this process ring the queues it wrote to."""
    from node.database import on_commit

    ringer = Ringer(settings.redis_url, max(settings.workers, 1))
    on_commit(ringer)
    return ringer

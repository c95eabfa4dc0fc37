"""The scheduler: one among all is elected and rings every bell again and again, so that a lost Redis loses nothing.

While Redis does not answer it does the workers' work itself, straight from the database (promise G8). It is light on
purpose: the application is loaded only for that.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import uuid
from typing import TYPE_CHECKING, Any

from node.jobs.bells import Ringer, connect

if TYPE_CHECKING:
    from node.config import Settings

SWEEP = 5.0
"""Seconds between two rings of all bells."""
HOUSEKEEPING = 300.0
LEASE_MS = 45_000
POLL = 1.0

log = logging.getLogger("courtyard.scheduler")


def run(settings: Settings) -> None:
    """Ring until SIGTERM or SIGINT."""
    scheduler = Scheduler(settings, threading.Event())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: scheduler.leave())
    scheduler.run()


class Scheduler:
    """State of one candidate."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._ringer = Ringer(settings.redis_url, max(settings.workers, 1))
        self._name = f"{os.uname().nodename}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._until_housekeeping = 0.0
        self._app: Any = None

    def run(self) -> None:
        log.info("scheduler rings every %s s", SWEEP)
        while not self._stop.is_set():
            heard = self._is_elected()
            if heard is None:
                self._work_without_redis()
                self._stop.wait(POLL)
                continue
            if heard:
                self._ring()
            self._stop.wait(SWEEP if heard else SWEEP / 3)
        if self._app is not None:
            from node.jobs import delivery

            delivery.finish(self._app)

    def leave(self) -> None:
        """Come to an end soon: the loop, and the workers' work when that is done here."""
        self._stop.set()
        if self._app is not None:
            from node.jobs import delivery

            delivery.stopping.set()

    def _ring(self) -> None:
        names = {"outbound", "inbound", "fetch"}
        self._until_housekeeping -= SWEEP
        if self._until_housekeeping <= 0:
            self._until_housekeeping = HOUSEKEEPING
            names.add("housekeeping")
        self._ringer.ring_now(frozenset(names))

    def _is_elected(self) -> bool | None:
        """Say whether this candidate is the one; None when Redis does not answer."""
        from redis.exceptions import RedisError

        try:
            redis = connect(self._settings.redis_url)
            key = f"courtyard:{self._settings.domain}:scheduler"
            if redis.set(key, self._name, nx=True, px=LEASE_MS):
                return True
            if redis.get(key) == self._name.encode():
                redis.pexpire(key, LEASE_MS)
                return True
            return False
        except (RedisError, OSError):
            return None

    def _work_without_redis(self) -> None:
        """Drain what is due, in this process. Database leases keep it apart from workers that are still busy."""
        if self._app is None:
            from node import create_app

            log.warning("Redis is away: working from the database until it is back")
            self._app = create_app(self._settings, doors=())
        from node.database import db
        from node.jobs import work

        for job in (work.inbound, work.outbound, work.fetch):
            with self._app.app_context():
                try:
                    job()
                except Exception:
                    log.exception("%s failed", job.__name__)
                finally:
                    db.session.remove()

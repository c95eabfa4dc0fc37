"""Many requests, one commit: the disk is asked once for all that wait (design: "group the commits").

`Arrivals.keep` returns when the receipt is committed, or raises what the database raised: 202 means kept.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from datetime import datetime
from queue import SimpleQueue

from flask import Flask

from node.actions import inbox
from node.actions.inbox import Arrival, Turned
from node.database import db, is_passing, transaction

MOST_AT_ONCE = 256
MOST_LEARNED = 10_000
LEARN_AGAIN = 2.0
"""Seconds after which what a host's activities teach us about it is written anew."""
PATIENCE = 20.0
"""Seconds a request waits for its commit before it answers 503."""

log = logging.getLogger("courtyard.web")


class Arrivals:
    """One thread that writes what all request threads hand it."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._queue: SimpleQueue[tuple[Arrival | Turned, datetime, Future[None]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._learned: dict[tuple[str, str], float] = {}
        """time.monotonic() by host and key algorithm."""

    def keep(self, arrival: Arrival, now: datetime) -> None:
        """Return once the arrival is committed. Raises OperationalError or TimeoutError when it is not."""
        self._put(arrival, now).result(timeout=PATIENCE)

    def note(self, turned: Turned, now: datetime) -> None:
        """Keep a refusal's reasons, without waiting."""
        self._put(turned, now)

    def _put(self, item: Arrival | Turned, now: datetime) -> Future[None]:
        future: Future[None] = Future()
        self._queue.put((item, now, future))
        if self._thread is None:
            self._start()
        return future

    def _start(self) -> None:
        with self._lock:  # lazily: a thread does not survive a fork
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="arrivals", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < MOST_AT_ONCE and not self._queue.empty():
                batch.append(self._queue.get())
            if not self._keep(batch):
                for item in batch:  # one that cannot be kept must not take the others with it
                    self._keep([item])

    def _keep(self, batch: list[tuple[Arrival | Turned, datetime, Future[None]]]) -> bool:
        """Write a batch and wake who waits for it; say whether all is done.

        A database that is away is told to all at once; of any other failure one alone is told, several are tried singly.
        """
        try:
            with self._app.app_context():
                self._write(batch)
        except Exception as error:  # the waiting request answers 503 and the peer sends again
            log.error("%s arrivals could not be kept: %s", len(batch), type(error).__name__)
            if len(batch) > 1 and not is_passing(error):
                return False
            for _, _, future in batch:
                future.set_exception(error)
            return True
        for _, _, future in batch:
            future.set_result(None)
        return True

    def _write(self, batch: list[tuple[Arrival | Turned, datetime, Future[None]]]) -> None:
        now = max(at for _, at, _ in batch)
        arrivals = [item for item, _, _ in batch if isinstance(item, Arrival)]
        turned = [item for item, _, _ in batch if isinstance(item, Turned)]
        lessons = self._lessons(arrivals)
        try:
            with transaction() as session:
                if arrivals:
                    inbox.accept(session, arrivals, now)
                    inbox.learn(session, lessons, now)
                if turned:
                    inbox.refuse(session, turned, now)
        finally:
            db.session.remove()
        for arrival in lessons:
            self._learned[arrival.host, arrival.key_algorithm] = time.monotonic()

    def _lessons(self, arrivals: list[Arrival]) -> list[Arrival]:
        """Return those from hosts that taught us nothing for LEARN_AGAIN seconds."""
        earliest = time.monotonic() - LEARN_AGAIN
        if len(self._learned) > MOST_LEARNED:
            self._learned.clear()
        return [one for one in arrivals if self._learned.get((one.host, one.key_algorithm), earliest) <= earliest]

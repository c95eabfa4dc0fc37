"""Reads by somebody without a name (a page, a feed, an unsigned GET): counted in memory, written together a moment later.

A count is no line of the ledger: nobody is known who could be asked to forget it. What was counted in the last WAIT seconds
is lost by a kill -9 or a power cut; a clean stop writes it first (`Reads.flush`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable
from datetime import date

from flask import Flask, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from node.actions import ledger
from node.database import db, transaction
from node.ledger import Channel
from node.models import Post
from node.runtime import current_node

WAIT = 5.0
"""Seconds between the first read and the writing of all there were since."""
MOST = 20_000
"""Different posts, channels and days kept in memory while the database takes none."""

log = logging.getLogger("courtyard.web")


class Reads:
    """The counts of one process that are not written yet. Thread-safe."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._counts: Counter[tuple[int, str, date]] = Counter()
        self._lock = threading.Lock()
        self._is_waiting = False

    def add(self, channel: Channel, post_ids: Iterable[int], day: date) -> None:
        """Count one read of each post, and see to it that it is written."""
        with self._lock:
            for post_id in post_ids:
                key = (post_id, channel.value, day)
                if key in self._counts or len(self._counts) < MOST:
                    self._counts[key] += 1
            if self._is_waiting or not self._counts:
                return
            self._is_waiting = True
        threading.Thread(target=self._write_later, name="reads", daemon=True).start()

    def flush(self) -> None:
        """Write what was counted, now. What the database does not take is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            with self._app.app_context():
                try:
                    with transaction(is_durable=False) as session:
                        ledger.count_reads(session, counts)
                finally:
                    db.session.remove()
        except SQLAlchemyError as error:
            log.warning("reads could not be counted: %s", type(error).__name__)
            with self._lock:
                self._counts += counts

    def _write_later(self) -> None:
        time.sleep(WAIT)
        with self._lock:
            self._is_waiting = False
        self.flush()


def note(channel: Channel, shown: Iterable[Post]) -> None:
    """Count that somebody without a name was shown these posts. Others' posts are theirs to count; a HEAD shows nothing."""
    ids = {post.id for post in shown if post.is_local and post.deleted_at is None}
    counter = current_app.extensions.get("courtyard.reads")
    if ids and counter is not None and request.method != "HEAD":
        counter.add(channel, ids, current_node().now().date())

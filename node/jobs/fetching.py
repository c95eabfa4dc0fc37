"""Fetch what effects wait for: documents that activities need, missing ancestors, changed actors, replies, NodeInfo.

Each task runs in a thread of its own, at most two for one host; a slow host keeps only its own tasks waiting. Network
calls happen between transactions. A task that a kill interrupts is taken up again when its lease ends.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask

from federation.errors import FederationError
from federation.origins import host_of
from node.actions import errands, receipts
from node.actions.receipts import Arrived
from node.database import db, transaction
from node.jobs import delivery, tasks
from node.models import Errand
from node.runtime import Node, current_node

JOB_LASTS = 15.0
MOST = 16
"""Tasks under way at once in one process."""
MOST_PER_HOST = 2
LOOK_AT = 64
"""Rows looked at in one claim."""
STUCK_AFTER = 1.0
"""Seconds after which a task is left to its thread, and the job may end."""
PUT_OFF = timedelta(seconds=2)
PUT_OFF_BRIEFLY = timedelta(seconds=0.1)
"""For a host that answers quickly: what waits for it is looked at again at once."""

log = logging.getLogger("courtyard.fetching")


@dataclass(frozen=True)
class Task:
    """Something to fetch, and the host it starts with."""

    host: str
    what: Arrived | Errand


class Fetcher:
    """The tasks under way in this process. Lives as long as the process."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._progress = threading.Event()
        self._hosts: Counter[str] = Counter()
        self._started: dict[int, float] = {}
        self._latest: dict[str, float] = {}
        self._again_until = 0.0

    @property
    def in_flight(self) -> int:
        """Tasks under way, slow ones too."""
        return len(self._started)

    def work(self, node: Node, seconds: float) -> int:
        """Start what is due until nothing is and nothing quick is under way, or `seconds` are over. Return how many."""
        deadline = time.monotonic() + seconds
        started = 0
        while time.monotonic() < deadline and not delivery.stopping.is_set():
            self._progress.clear()
            room = MOST - self.in_flight
            found = self._claim(node, room) if room > 0 else []
            for task in found:
                self._start(task)
            started += len(found)
            if found:
                continue
            if self._quick() == 0 and time.monotonic() > self._again_until:
                break
            self._progress.wait(0.1)
        return started

    def _claim(self, node: Node, room: int) -> list[Task]:
        now = node.now()
        try:
            session = db.session()
            nothing = not errands.due(session, now, 1) and not receipts.fetching_due(session, now, 1)
            session.rollback()
            if nothing:
                return []
            with transaction(is_durable=False) as session:
                waiting: list[Arrived | Errand] = [
                    *receipts.fetching_due(session, now, LOOK_AT),
                    *errands.due(session, now, LOOK_AT),
                ]
                taken, put_off = self._choose([Task(_host_of(one), one) for one in waiting], room)
                errands.lease(session, *_ids(taken), now)
                slow, quick = self._parted(put_off)
                errands.put_off(session, *_ids(slow), now + PUT_OFF)
                errands.put_off(session, *_ids(quick), now + PUT_OFF_BRIEFLY)
                if quick:
                    self._again_until = time.monotonic() + 3 * PUT_OFF_BRIEFLY.total_seconds()
                session.expunge_all()
            return taken
        finally:
            db.session.remove()

    def _choose(self, waiting: list[Task], room: int) -> tuple[list[Task], list[Task]]:
        """Return what to start now, and what to look at later because its host is busy."""
        taken: list[Task] = []
        put_off: list[Task] = []
        with self._lock:
            busy = Counter(self._hosts)
            for task in waiting:
                if busy[task.host] >= MOST_PER_HOST:
                    put_off.append(task)
                elif len(taken) < room:
                    busy[task.host] += 1
                    taken.append(task)
            for task in taken:
                self._hosts[task.host] += 1
                self._started[id(task)] = self._latest[task.host] = time.monotonic()
        return taken, put_off

    def _parted(self, put_off: list[Task]) -> tuple[list[Task], list[Task]]:
        """Part what waits for hosts that have been busy for a while from what waits for hosts that answer quickly."""
        limit = time.monotonic() - STUCK_AFTER
        with self._lock:
            latest = dict(self._latest)
        slow = [task for task in put_off if latest.get(task.host, 0.0) < limit]
        return slow, [task for task in put_off if latest.get(task.host, 0.0) >= limit]

    def _quick(self) -> int:
        limit = time.monotonic() - STUCK_AFTER
        with self._lock:
            return sum(started >= limit for started in self._started.values())

    def _start(self, task: Task) -> None:
        threading.Thread(target=self._run, args=(task,), name="fetch", daemon=True).start()

    def _run(self, task: Task) -> None:
        try:
            with self._app.app_context():
                try:
                    tasks.run(current_node(), task.what)
                finally:
                    db.session.remove()
        except Exception:  # its lease ends and it is tried again; the kind of error is in the log
            log.exception("a fetch for %s failed by our own fault", task.host)
        finally:
            with self._lock:
                self._hosts[task.host] -= 1
                if self._hosts[task.host] <= 0:
                    del self._hosts[task.host]
                    self._latest.pop(task.host, None)
                self._started.pop(id(task), None)
            self._progress.set()


def drain(app: Flask, seconds: float = JOB_LASTS) -> int:
    """Fetch what is due: the job behind the bell "fetch". Slow fetches may go on after the return."""
    return _fetcher(app).work(current_node(), seconds)


def finish(app: Flask, seconds: float = 12.0) -> bool:
    """Wait for what is under way. Return whether all of it came to its end in that time."""
    fetcher = _fetcher(app)
    deadline = time.monotonic() + seconds
    while fetcher.in_flight and time.monotonic() < deadline:
        time.sleep(0.02)
    return fetcher.in_flight == 0


def _host_of(what: Arrived | Errand) -> str:
    uri = what.uri if isinstance(what, Errand) else next(iter(receipts.needed(what)), what.actor_uri)
    try:
        return host_of(uri)
    except FederationError:
        return ""


def _ids(chosen: list[Task]) -> tuple[list[int], list[int]]:
    """Return the ids of errands and those of receipts."""
    return (
        [task.what.id for task in chosen if isinstance(task.what, Errand)],
        [task.what.id for task in chosen if isinstance(task.what, Arrived)],
    )


def _fetcher(app: Flask) -> Fetcher:
    with _making:
        if "courtyard.fetcher" not in app.extensions:
            app.extensions["courtyard.fetcher"] = Fetcher(app)
        fetcher: Fetcher = app.extensions["courtyard.fetcher"]
        return fetcher


_making = threading.Lock()

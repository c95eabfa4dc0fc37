"""Deliver: claim due lanes, sign, POST, record. Order holds in a lane; a slow host holds up nobody else.

The rules (when again, what an answer means, when a host is left alone) are `federation.delivery`'s; the rows are
`node.actions.lanes`'. One `Dispatcher` lives as long as the worker process and keeps its connections and parsed keys.
Requests that hang are left to their threads: the job that started them ends, the thread records when it is done.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

from flask import Flask

from federation.delivery import Breaker, Outcome
from federation.signatures import BodyDigest, digest_of
from node.actions import lanes
from node.actions.tries import Claim, Result
from node.database import db, is_passing, ring, transaction
from node.jobs.attempts import Attempt, deliver
from node.jobs.journal import Journal, orphans
from node.runtime import Node, current_node

CLAIM = 128
"""Lanes claimed in one transaction, ahead of what is under way: a transaction for each would cost more than sending."""
LOW = 16
"""With so few left to send the next are claimed."""
QUICK = 2
"""Requests under way at once as long as all are quick. A kill may repeat what a peer took and nobody has noted: few."""
MOST = 192
STUCK_AFTER = 0.05
"""Seconds after which a request counts as slow and makes room for another."""
OBEY_EVERY = 0.5
"""Seconds between two looks whether the rules have changed: what was claimed under others and not begun is given back."""
STALE_AFTER = 5.0
"""Seconds a claimed delivery may wait for its turn, well inside its lease; then its lane is given back."""
LOOK_AGAIN = 0.25
"""Seconds after an empty claim before the next, unless a lane comes free."""
JOB_LASTS = 15.0
IDLE_WAIT = 0.02
LINGER = 0.01
"""Seconds the recorder waits for more results: many results, one transaction."""
FLUSH = 128
LONGEST_WAIT = 5.0
"""Seconds between two tries to record while the database is away."""

HEALTHY = Breaker()
log = logging.getLogger("courtyard.delivery")
stopping = threading.Event()
"""Set once at SIGTERM: nothing more is claimed."""


class Dispatcher:
    """Sends claimed deliveries in threads and records what came of them. One for each process.

    The job claims ahead; threads take from what is claimed, so nothing wakes up for a single delivery; one thread records.
    """

    def __init__(self, app: Flask, folder: Path) -> None:
        self._app = app
        self._folder = folder
        self._journal = Journal(folder)
        self._ready: SimpleQueue[Attempt] = SimpleQueue()
        self._results: SimpleQueue[Result | Claim] = SimpleQueue()
        self._started: dict[tuple[int, int], float] = {}
        """time.monotonic() by lane and number of the lease."""
        self._threads = 0
        self._open = 0
        """Claimed and not yet recorded or given back."""
        self._dry_until = 0.0
        """time.monotonic() before which nothing is claimed: the last claim found nothing, and no lane came free since."""
        self._is_done = False
        """The last claim found nothing although nothing but what hangs was under way."""
        self._is_working = False
        self._rules_version = 0
        """Of the rules by which what is ready was claimed."""
        self._obey_at = 0.0
        self._lock = threading.Lock()
        self._progress = threading.Event()
        self._digests: dict[int, BodyDigest] = {}
        threading.Thread(target=self._record_forever, name="recorder", daemon=True).start()

    def work(self, seconds: float) -> None:
        """Claim and send until nothing is due, or `seconds` are over. Slow requests may go on after the return."""
        node = current_node()
        deadline = time.monotonic() + seconds
        self._recover(node)
        self._dry_until = 0.0
        self._is_working = True
        try:
            while time.monotonic() < deadline and not stopping.is_set():
                self._progress.clear()
                self._obey(node)
                if not self._is_dry() and self._ready.qsize() <= LOW:
                    self._top_up(node)
                if self._is_dry() and self._quick() == 0:
                    if self._is_done:
                        break
                    self._dry_until = 0.0  # a host that had enough under way may have room now: look once more
                    continue
                self._staff(node)
                self._progress.wait(0.01)
        finally:
            self._is_working = False
            self._give_back()

    def finish(self, seconds: float = 12.0) -> None:
        """Wait for what is under way, so that a stop makes no duplicates."""
        self._give_back()
        deadline = time.monotonic() + seconds
        while self._open and time.monotonic() < deadline:
            time.sleep(IDLE_WAIT)
        self._journal.close()

    @property
    def in_flight(self) -> int:
        return len(self._started)

    def _recover(self, node: Node) -> None:
        """Record and free what workers that are gone have left."""
        try:
            with orphans(self._folder) as left:
                if left is None:
                    return
                for part in left.parts(FLUSH):
                    with transaction() as session:
                        lanes.recover(session, part.leases, part.taken, node.now(), part.begun)
                log.warning("a worker is gone: %s leases freed, %s deliveries recorded for it", len(left.leases), len(left.taken))
        except Exception:
            log.exception("what a worker left could not be recorded; its leases will expire")
        finally:
            db.session.remove()

    def _top_up(self, node: Node) -> None:
        was_quiet = self._quick() == 0
        claimed = self._claim(node, CLAIM)
        self._is_done = was_quiet and not claimed
        self._dry_until = 0.0 if claimed else time.monotonic() + LOOK_AGAIN
        with self._lock:
            self._open += len(claimed)
        # Hosts that failed last time go last: what they cost in waiting, the healthy ones do not pay.
        for attempt in sorted(claimed, key=lambda attempt: attempt.claim.host.breaker != HEALTHY):
            self._ready.put(attempt)

    def _obey(self, node: Node) -> None:
        """Give back what is claimed and not begun when the rules have changed: a brake reaches it, too."""
        if time.monotonic() < self._obey_at:
            return
        self._obey_at = time.monotonic() + OBEY_EVERY
        try:
            version = node.rules(db.session()).version
        finally:
            db.session.remove()
        if version != self._rules_version:
            self._rules_version = version
            self._give_back()

    def _is_dry(self) -> bool:
        return time.monotonic() < self._dry_until

    def _stuck(self) -> int:
        limit = time.monotonic() - STUCK_AFTER
        with self._lock:
            return sum(started < limit for started in self._started.values())

    def _quick(self) -> int:
        """Return how many deliveries are claimed and not recorded, those that hang not counted."""
        return self._open - self._stuck()

    def _staff(self, node: Node) -> None:
        """Have as many threads as there is room for: QUICK that get on, beside those that hang."""
        wanted = min(QUICK + self._stuck(), MOST, self._open)
        with self._lock:
            missing = max(0, wanted - self._threads)
            self._threads += missing
        for started in range(missing):
            try:
                threading.Thread(target=self._send_all, args=(node,), name="delivery", daemon=True).start()
            except RuntimeError:  # the machine gives us no more
                with self._lock:
                    self._threads -= missing - started
                return

    def _send_all(self, node: Node) -> None:
        """Send what is ready until nothing is."""
        try:
            while not stopping.is_set():
                attempt = self._ready.get(timeout=IDLE_WAIT)
                if time.monotonic() - attempt.claimed_at > STALE_AFTER:
                    self._results.put(attempt.claim)
                    continue
                key = attempt.claim.lane_id, attempt.claim.lease_no
                with self._lock:
                    self._started[key] = time.monotonic()
                result = self._attempt(node, attempt)
                with self._lock:
                    self._started.pop(key, None)
                self._results.put(result)
                if not self._is_dry() and self._ready.qsize() <= LOW:
                    self._progress.set()
        except Empty:
            pass
        finally:
            with self._lock:
                self._threads -= 1

    def _give_back(self) -> None:
        """Return what is claimed and not begun."""
        while True:
            try:
                self._results.put(self._ready.get_nowait().claim)
            except Empty:
                return

    def _claim(self, node: Node, most: int) -> list[Attempt]:
        try:
            if not lanes.is_anything_due(db.session(), node.now()):
                return []  # without the write lock, which others need
            with transaction(is_durable=False) as session:
                began, now = time.monotonic(), node.now()  # not before the lock was had: the lease begins here
                claims = lanes.claim(session, most, node.rules(session), now)
                bodies = lanes.bodies(session, {claim.activity_id for claim in claims})
                keys = {actor_id: lanes.keys(session, actor_id) for actor_id in {claim.actor_id for claim in claims}}
        finally:
            db.session.remove()
        self._journal.leased(claims)
        return [
            Attempt(claim, bodies[claim.activity_id], self._digest(claim.activity_id, bodies), keys[claim.actor_id], began)
            for claim in claims
        ]

    def _digest(self, activity_id: int, bodies: dict[int, bytes]) -> BodyDigest:
        digest = self._digests.get(activity_id)
        if digest is None:
            if len(self._digests) > 256:
                self._digests.clear()
            digest = self._digests[activity_id] = digest_of(bodies[activity_id])
        return digest

    def _attempt(self, node: Node, attempt: Attempt) -> Result:
        try:
            self._journal.begun(attempt.claim)
            result = deliver(node, attempt)
            if result.outcome is Outcome.DELIVERED and result.answer is not None:
                self._journal.taken(attempt.claim, result.answer.status)
            return result
        except Exception as error:  # a poisoned row must not stop its lane for ever: lanes.record parks it
            log.exception("delivery %s failed by our own fault", attempt.claim.delivery_id)
            return Result(attempt.claim, None, Outcome.RETRY, f"internal error: {type(error).__name__}", is_our_fault=True)

    def _record_forever(self) -> None:
        while True:
            batch = [self._results.get()]
            deadline = time.monotonic() + LINGER
            while len(batch) < FLUSH:
                try:
                    batch.append(self._results.get(timeout=max(0.0, deadline - time.monotonic())))
                except Empty:
                    break
            try:
                self._settle(batch)
            except Exception:
                log.exception("%s results could not be recorded; their leases will expire", len(batch))
            with self._lock:
                self._open -= len(batch)
            self._progress.set()

    def _settle(self, batch: list[Result | Claim]) -> None:
        """Record a batch, waiting for a database that is away; one by one when something in it cannot be recorded."""
        wait = 0.1
        while True:
            try:
                has_more = self._record(batch)
                break
            except Exception as error:
                if not is_passing(error):
                    if len(batch) == 1:
                        raise
                    log.exception("%s results could not be recorded together; taking them one by one", len(batch))
                    for item in batch:
                        try:
                            self._settle([item])
                        except Exception:
                            log.exception("a result could not be recorded; its lease will expire")
                    return
            time.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        if has_more:
            self._dry_until = 0.0
        self._journal.recorded(item.claim if isinstance(item, Result) else item for item in batch)

    def _record(self, batch: list[Result | Claim]) -> bool:
        """Write results and give lanes back, in one transaction; say whether there is more to claim."""
        results = [item for item in batch if isinstance(item, Result)]
        returned = [item for item in batch if isinstance(item, Claim)]
        with self._app.app_context():
            try:
                now = current_node().now()
                # Not durable against a power cut: then these are delivered once more, with the same id.
                with transaction(is_durable=False) as session:
                    lanes.release(session, returned)
                    more = lanes.record(session, results, now) or bool(returned)
                    if not more and not self._is_working:
                        more = lanes.is_due_at(session, {result.claim.host.host for result in results}, now)
                    if more:
                        ring(session, "outbound")
                return more
            finally:
                db.session.remove()


def drain(app: Flask, seconds: float = JOB_LASTS) -> None:
    """Deliver what is due: the job behind the bell "outbound"."""
    _dispatcher(app).work(seconds)


def finish(app: Flask, seconds: float = 12.0) -> None:
    """Let what is under way come to its end, within `seconds`."""
    if "courtyard.dispatcher" in app.extensions:
        _dispatcher(app).finish(seconds)


def _dispatcher(app: Flask) -> Dispatcher:
    with _making:
        if "courtyard.dispatcher" not in app.extensions:
            app.extensions["courtyard.dispatcher"] = Dispatcher(app, current_node().settings.data_dir / "deliveries")
        dispatcher: Dispatcher = app.extensions["courtyard.dispatcher"]
        return dispatcher


_making = threading.Lock()

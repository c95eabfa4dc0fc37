"""Deliver: claim due lanes, sign, POST, record. Order holds in a lane; a slow host holds up nobody else.

The rules (when again, what an answer means, when a host is left alone) are `federation.delivery`'s; the rows are
`node.actions.lanes`'. One `Dispatcher` lives as long as the worker process and keeps its connections and parsed keys.
Requests that hang are left to their threads: the job that started them ends, the thread records when it is done.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from flask import Flask

from federation.delivery import Answer, Outcome, classify
from federation.errors import FederationError
from federation.signatures import BodyDigest, Scheme, SigningKey, accept_signature, digest_of, sign
from federation.vocabulary import MEDIA_TYPE
from node.actions import lanes
from node.actions.tries import Claim, Result
from node.database import db, ring, transaction
from node.runtime import Node, current_node

CLAIM = 32
"""Lanes claimed in one transaction."""
QUICK = 2
"""Requests under way at once as long as all are quick."""
MOST = 192
STUCK_AFTER = 0.05
"""Seconds after which a request counts as slow and makes room for another."""
JOB_LASTS = 15.0
IDLE_WAIT = 0.02
FLUSH = 64

log = logging.getLogger("courtyard.delivery")
stopping = threading.Event()
"""Set once at SIGTERM: nothing more is claimed."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed delivery with all that is needed to send it without the database."""

    claim: Claim
    body: bytes
    digest: BodyDigest
    keys: dict[str, SigningKey]


class Dispatcher:
    """Sends claimed deliveries in threads and records what came of them. One for each process."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(MOST, thread_name_prefix="delivery")
        self._results: SimpleQueue[Result] = SimpleQueue()
        self._started: dict[int, float] = {}
        self._lock = threading.Lock()
        self._progress = threading.Event()
        self._digests: dict[int, BodyDigest] = {}
        self._recorder = threading.Thread(target=self._record_forever, name="recorder", daemon=True)
        self._recorder.start()

    @property
    def in_flight(self) -> int:
        return len(self._started)

    def work(self, seconds: float) -> None:
        """Claim and send until nothing is due, or `seconds` are over. Slow requests may go on after the return."""
        node = current_node()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stopping.is_set():
            self._progress.clear()
            room = self._room()
            claimed = self._claim(node, min(CLAIM, room)) if room > 0 else None
            if claimed:
                for attempt in claimed:
                    self._start(node, attempt)
                continue
            if claimed is not None and self._quick() == 0:
                return
            self._progress.wait(0.05)

    def finish(self, seconds: float = 12.0) -> None:
        """Wait for what is under way, so that a stop makes no duplicates."""
        deadline = time.monotonic() + seconds
        while (self.in_flight or not self._results.empty()) and time.monotonic() < deadline:
            time.sleep(IDLE_WAIT)
        time.sleep(2 * IDLE_WAIT)

    def _room(self) -> int:
        return min(QUICK + self._stuck(), MOST) - self.in_flight

    def _stuck(self) -> int:
        limit = time.monotonic() - STUCK_AFTER
        with self._lock:
            return sum(started < limit for started in self._started.values())

    def _quick(self) -> int:
        return self.in_flight - self._stuck()

    def _claim(self, node: Node, most: int) -> list[Attempt]:
        now = node.now()
        try:
            with transaction(is_durable=False) as session:
                claims = lanes.claim(session, most, node.rules(session), now)
                bodies = lanes.bodies(session, {claim.activity_id for claim in claims})
                keys = {actor_id: lanes.keys(session, actor_id) for actor_id in {claim.actor_id for claim in claims}}
        finally:
            db.session.remove()
        return [
            Attempt(claim, bodies[claim.activity_id], self._digest(claim.activity_id, bodies), keys[claim.actor_id])
            for claim in claims
        ]

    def _digest(self, activity_id: int, bodies: dict[int, bytes]) -> BodyDigest:
        digest = self._digests.get(activity_id)
        if digest is None:
            if len(self._digests) > 256:
                self._digests.clear()
            digest = self._digests[activity_id] = digest_of(bodies[activity_id])
        return digest

    def _start(self, node: Node, attempt: Attempt) -> None:
        with self._lock:
            self._started[attempt.claim.lane_id] = time.monotonic()
        self._pool.submit(self._attempt, node, attempt)

    def _attempt(self, node: Node, attempt: Attempt) -> None:
        try:
            result = deliver(node, attempt)
        except Exception as error:  # a poisoned row must not stop its lane for ever: lanes.record parks it
            log.exception("delivery %s failed by our own fault", attempt.claim.delivery_id)
            result = Result(attempt.claim, None, Outcome.RETRY, f"internal error: {type(error).__name__}", is_our_fault=True)
        self._results.put(result)

    def _record_forever(self) -> None:
        while True:
            batch = [self._results.get()]
            while len(batch) < FLUSH:
                try:
                    batch.append(self._results.get_nowait())
                except Empty:
                    break
            self._record(batch)
            with self._lock:
                for result in batch:
                    self._started.pop(result.claim.lane_id, None)
            self._progress.set()

    def _record(self, batch: list[Result]) -> None:
        for wait in (0.1, 0.5, 2.0, 5.0, None):
            try:
                with self._app.app_context():
                    try:
                        now = current_node().now()
                        # Not durable against a power cut: then these are delivered once more, with the same id.
                        with transaction(is_durable=False) as session:
                            if lanes.record(session, batch, now):
                                ring(session, "outbound")
                    finally:
                        db.session.remove()
                return
            except Exception:
                if wait is None:
                    log.exception("%s results could not be recorded; their leases will expire", len(batch))
                    return
                time.sleep(wait)


def deliver(node: Node, attempt: Attempt) -> Result:
    """POST once; when the signature scheme is refused, once more with the other (double knock, S25)."""
    claim = attempt.claim
    scheme = claim.scheme or "cavage"
    answer = _post(node, attempt, scheme)
    outcome = classify(answer, was_missing=claim.was_missing)
    learned = ""
    if outcome is Outcome.REFUSED_SCHEME:
        scheme = "rfc9421" if scheme == "cavage" else "cavage"
        answer = _post(node, attempt, scheme)
        outcome = classify(answer, other_scheme_tried=True, was_missing=claim.was_missing)
        learned = scheme if outcome is Outcome.DELIVERED else ""
    if isinstance(answer, FederationError):
        return Result(claim, None, outcome, str(answer)[:400], error=answer)
    if outcome is Outcome.DELIVERED and scheme != "ed25519" and _offers_ed25519(answer):
        learned = "ed25519"
    reason = "" if outcome is Outcome.DELIVERED else f"HTTP {answer.status}"
    return Result(claim, answer, outcome, reason, learned_scheme=learned)


def _post(node: Node, attempt: Attempt, scheme: str) -> Answer | FederationError:
    key = attempt.keys.get("ed25519") if scheme == "ed25519" else attempt.keys.get("rsa")
    if key is None:
        key = next(iter(attempt.keys.values()))
    wire = Scheme.CAVAGE if scheme == "cavage" else Scheme.RFC9421
    try:
        headers = sign(
            "POST",
            attempt.claim.inbox,
            attempt.body,
            key,
            now=node.now(),
            scheme=wire,
            content_type=MEDIA_TYPE,
            digest=attempt.digest,
        )
        return node.client.post(attempt.claim.inbox, attempt.body, headers)
    except FederationError as error:
        return error


def _offers_ed25519(answer: Answer) -> bool:
    hints = accept_signature(answer.accept_signature) if answer.accept_signature else None
    return hints is not None and "ed25519" in str(hints)


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
            app.extensions["courtyard.dispatcher"] = Dispatcher(app)
        dispatcher: Dispatcher = app.extensions["courtyard.dispatcher"]
        return dispatcher


_making = threading.Lock()

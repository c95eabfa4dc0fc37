"""When a delivery is tried again, what a peer's answer means, and when a host is left alone.

Pure: the client sends, the node records. Promises G3-G6. All times are aware UTC; randomness comes in as `jitter` in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from federation.errors import FederationError, FetchFailed

WAITS = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=8),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    *(timedelta(hours=24),) * 6,
)
"""What is waited after the first, second, ... failure: 14 tries in 7 days (G4)."""
MAX_TRIES = len(WAITS) + 1
GIVE_UP_AFTER = timedelta(days=7)
LONGEST_RETRY_AFTER = timedelta(hours=24)
JITTER = 0.25
MAX_REFUSALS = 4
"""The first refusal, and three more a day apart."""

BREAKER_FAILURES = 5
BREAKER_WINDOW = timedelta(minutes=10)
PROBE_WAITS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60))

FIRST_IN_FLIGHT = 2
MOST_IN_FLIGHT = 5
SUCCESSES_TO_GROW = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer said to a POST: `retry_after` in seconds, `body_excerpt` at most 2 KiB of the body."""

    status: int
    retry_after: int | None = None
    accept_signature: str | None = None
    body_excerpt: bytes = b""


class Outcome(StrEnum):
    """What a try at a delivery means for it and for its lane."""

    DELIVERED = "delivered"
    RETRY = "retry"  # later, by `next_attempt`
    MISSING = "missing"  # a first 404: refetch the actor, then as RETRY
    GONE = "gone"  # 410, or 404 twice: close the lane
    REFUSED_SCHEME = "refused_scheme"  # 401 or 403: once more at once with the other signature scheme
    REFUSED = "refused"  # ... and that was refused too: `next_after_refusal`
    FAILED = "failed"  # this activity will never be taken; the lane goes on


_SOON_BETTER = frozenset({302, 303, 307, 408, 421, 425, 429})


def classify(result: Answer | FederationError, *, other_scheme_tried: bool = False, was_missing: bool = False) -> Outcome:
    """Say what the answer, or the error raised instead of one, means (G4).

    `other_scheme_tried`: this try already used both signature schemes. `was_missing`: an earlier try of the lane met a 404.
    """
    if isinstance(result, FederationError):
        if isinstance(result, FetchFailed) and result.temporary:
            return Outcome.RETRY
        return Outcome.FAILED
    status = result.status
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if status == 410 or (status == 404 and was_missing):
        return Outcome.GONE
    if status == 404:
        return Outcome.MISSING
    if status in (401, 403):
        return Outcome.REFUSED if other_scheme_tried else Outcome.REFUSED_SCHEME
    if status >= 500 or status in _SOON_BETTER:
        return Outcome.RETRY
    return Outcome.FAILED


def is_host_failure(result: Answer | FederationError) -> bool:
    """Say whether the try speaks against the host as a whole (for `Breaker`), not against this one activity or inbox."""
    if isinstance(result, Answer):
        return result.status >= 500
    return isinstance(result, FetchFailed) and result.temporary


def next_attempt(failures: int, now: datetime, *, jitter: float, retry_after: int | None = None) -> datetime | None:
    """Return when to try again after `failures` (>= 1) failed tries, or None to give up.

    `retry_after` (seconds, as the peer asked) is never undercut, but counts for 24 hours at most.
    """
    if failures >= MAX_TRIES:
        return None
    wait = _spread(WAITS[max(failures, 1) - 1], jitter)
    if retry_after is not None:
        wait = max(wait, min(timedelta(seconds=max(retry_after, 0)), LONGEST_RETRY_AFTER))
    return now + wait


def next_after_refusal(refusals: int, now: datetime, *, jitter: float) -> datetime | None:
    """Return when to try again after `refusals` (>= 1) tries refused in both schemes: three more, a day apart, then None."""
    if refusals >= MAX_REFUSALS:
        return None
    return now + _spread(timedelta(hours=24), jitter)


def has_expired(first_try: datetime, now: datetime) -> bool:
    """Say whether a delivery first tried at `first_try` is to be given up, however few tries it spent."""
    return now - first_try >= GIVE_UP_AFTER


def read_retry_after(value: str | None, now: datetime) -> int | None:
    """Read a Retry-After header (RFC 9110 10.2.3: seconds or an HTTP date) as seconds from `now`.

    0 to 24 hours; None when it is unreadable.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), int(LONGEST_RETRY_AFTER.total_seconds()))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = min(max(moment - now, timedelta()), LONGEST_RETRY_AFTER)
    return -(-wait // timedelta(seconds=1))


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a host has behaved lately (G5). A new one is closed: everything may be sent.

    recent: times of the last failures in a row, five at most; failing_since: the first of the whole row;
    next_probe_at: set while open; probes: how many were begun; held_until: the peer asked for quiet (Retry-After).
    """

    recent: tuple[datetime, ...] = ()
    failing_since: datetime | None = None
    next_probe_at: datetime | None = None
    probes: int = 0
    held_until: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Only probes go out; waiting deliveries spend no tries."""
        return self.next_probe_at is not None


def may_send(breaker: Breaker, now: datetime) -> bool:
    """Say whether a delivery may start now. While open this is true only when a probe is due: `begin_probe` first."""
    if breaker.held_until is not None and now < breaker.held_until:
        return False
    return breaker.next_probe_at is None or now >= breaker.next_probe_at


def begin_probe(breaker: Breaker, now: datetime) -> Breaker:
    """Book the due probe and set the time of the next, so that one worker probes and a killed one blocks nobody."""
    if breaker.next_probe_at is None or now < breaker.next_probe_at:
        return breaker
    probes = breaker.probes + 1
    return replace(breaker, probes=probes, next_probe_at=now + PROBE_WAITS[min(probes, len(PROBE_WAITS) - 1)])


def after_failure(breaker: Breaker, now: datetime) -> Breaker:
    """Count a failure (`is_host_failure`). Five in a row within ten minutes open the breaker.

    Failures of tries begun before it opened change nothing; a failed probe that was not booked is booked here.
    """
    if breaker.is_open:
        return begin_probe(breaker, now)
    recent = (*breaker.recent, now)[-BREAKER_FAILURES:]
    failed = replace(breaker, recent=recent, failing_since=breaker.failing_since or now)
    if len(recent) == BREAKER_FAILURES and now - recent[0] <= BREAKER_WINDOW:
        return replace(failed, next_probe_at=now + PROBE_WAITS[0], probes=0)
    return failed


def after_success(breaker: Breaker, now: datetime) -> Breaker:
    """Close the breaker: a 2xx, or a valid activity came in from the host. A pause the peer asked for stays."""
    held = breaker.held_until if breaker.held_until is not None and breaker.held_until > now else None
    return Breaker(held_until=held)


def hold(breaker: Breaker, now: datetime, retry_after: int) -> Breaker:
    """Send the host nothing for `retry_after` seconds (24 hours at most); a longer pause already set stays."""
    until = now + min(timedelta(seconds=max(retry_after, 0)), LONGEST_RETRY_AFTER)
    if breaker.held_until is not None and breaker.held_until >= until:
        return breaker
    return replace(breaker, held_until=until)


def is_dormant(breaker: Breaker, now: datetime) -> bool:
    """Say whether the host has been dead for seven days: only the newest state per object is kept for it; follows stay."""
    return breaker.is_open and breaker.failing_since is not None and now - breaker.failing_since >= GIVE_UP_AFTER


@dataclass(frozen=True, slots=True)
class Flow:
    """How many deliveries to one host may be under way at once (G6)."""

    in_flight_limit: int = FIRST_IN_FLIGHT
    successes: int = 0

    def after_success(self) -> Flow:
        """Grow by one after ten successes since the last change, up to five."""
        if self.in_flight_limit >= MOST_IN_FLIGHT:
            return self
        if self.successes + 1 < SUCCESSES_TO_GROW:
            return replace(self, successes=self.successes + 1)
        return Flow(self.in_flight_limit + 1, 0)

    def after_failure(self) -> Flow:
        """Shrink by one, never below one."""
        return Flow(max(self.in_flight_limit - 1, 1), 0)


def _spread(wait: timedelta, jitter: float) -> timedelta:
    return wait * (1 + JITTER * max(-1.0, min(jitter, 1.0)))

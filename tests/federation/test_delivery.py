"""The delivery rules: back-off, what answers mean, the breaker, and how much goes out at once (promises G4-G6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.delivery import (
    MAX_REFUSALS,
    MAX_TRIES,
    MOST_IN_FLIGHT,
    WAITS,
    Answer,
    Breaker,
    Flow,
    Outcome,
    after_failure,
    after_success,
    begin_probe,
    classify,
    has_expired,
    hold,
    is_dormant,
    is_host_failure,
    may_send,
    next_after_refusal,
    next_attempt,
    read_retry_after,
)
from federation.errors import AddressRefused, FetchFailed

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
TIMEOUT = FetchFailed("timeout", reason="timeout", temporary=True)
jitters = st.floats(min_value=-1, max_value=1)


# Back-off


def test_the_waits_are_those_promised() -> None:
    seconds = [30, 120, 480, 1800, 7200, 21_600, 43_200, *[86_400] * 6]
    waits = [next_attempt(failures, NOW, jitter=0.0) for failures in range(1, MAX_TRIES)]
    assert waits == [NOW + timedelta(seconds=wait) for wait in seconds]
    assert MAX_TRIES == 14
    assert sum(WAITS, timedelta()) <= 7 * DAY
    assert next_attempt(MAX_TRIES, NOW, jitter=0.0) is None


@given(st.integers(1, MAX_TRIES - 1), jitters)
def test_jitter_moves_a_wait_by_a_quarter_at_most(failures: int, jitter: float) -> None:
    moment = next_attempt(failures, NOW, jitter=jitter)
    assert moment is not None
    assert WAITS[failures - 1] * 0.75 <= moment - NOW <= WAITS[failures - 1] * 1.25


@given(st.integers(1, MAX_TRIES - 1), jitters, st.integers(-10, 10_000_000))
def test_retry_after_is_never_undercut_and_counts_for_a_day(failures: int, jitter: float, asked: int) -> None:
    plain = next_attempt(failures, NOW, jitter=jitter)
    moment = next_attempt(failures, NOW, jitter=jitter, retry_after=asked)
    assert plain is not None and moment is not None
    assert moment == max(plain, NOW + min(timedelta(seconds=max(asked, 0)), DAY))


def test_a_refused_delivery_gets_three_more_tries_a_day_apart() -> None:
    assert [next_after_refusal(refusals, NOW, jitter=0.0) for refusals in (1, 2, 3, MAX_REFUSALS)] == [NOW + DAY] * 3 + [None]


def test_a_delivery_expires_after_seven_days() -> None:
    assert not has_expired(NOW, NOW + 6 * DAY + timedelta(hours=23))
    assert has_expired(NOW, NOW + 7 * DAY)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120), ("0", 0), (" 5 ", 5), ("99999999999999999999", 86_400), ("86401", 86_400),
        ("Sat, 21 Nov 2026 12:02:00 GMT", 120), ("Sat, 21 Nov 2026 11:00:00 GMT", 0), ("Sun, 21 Nov 2027 12:00:00 GMT", 86_400),
        ("Saturday, 21-Nov-26 12:02:00 GMT", 120), ("Sat, 21 Nov 2026 13:02:00 +0100", 120),
        (None, None), ("", None), ("-1", None), ("soon", None), ("1.5", None), ("²", None),
        ("Sat, 99 Nov 2026 12:00:00 GMT", None),
    ],
)  # fmt: skip
def test_reads_retry_after_as_seconds_or_date(value: str | None, seconds: int | None) -> None:
    assert read_retry_after(value, NOW) == seconds


@given(st.text(max_size=60))
def test_any_retry_after_is_within_a_day_or_nothing(value: str) -> None:
    seconds = read_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 86_400


def test_a_retry_after_date_is_compared_in_any_zone() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5)))
    assert read_retry_after("Sat, 21 Nov 2026 12:00:10 GMT", there) == 10


# Answers


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED), (202, Outcome.DELIVERED), (204, Outcome.DELIVERED),
        (410, Outcome.GONE), (404, Outcome.MISSING),
        (401, Outcome.REFUSED_SCHEME), (403, Outcome.REFUSED_SCHEME),
        (400, Outcome.FAILED), (413, Outcome.FAILED), (422, Outcome.FAILED), (405, Outcome.FAILED), (415, Outcome.FAILED),
        (301, Outcome.FAILED), (308, Outcome.FAILED), (302, Outcome.RETRY), (307, Outcome.RETRY),
        (429, Outcome.RETRY), (408, Outcome.RETRY), (500, Outcome.RETRY), (503, Outcome.RETRY), (599, Outcome.RETRY),
    ],
)  # fmt: skip
def test_what_each_answer_means(status: int, outcome: Outcome) -> None:
    assert classify(Answer(status)) is outcome


def test_a_second_look_decides() -> None:
    assert classify(Answer(404), was_missing=True) is Outcome.GONE
    assert classify(Answer(401), other_scheme_tried=True) is Outcome.REFUSED
    assert classify(Answer(403), other_scheme_tried=True) is Outcome.REFUSED


def test_what_each_error_means() -> None:
    assert classify(TIMEOUT) is Outcome.RETRY
    assert classify(FetchFailed("no URL", reason="bad_url")) is Outcome.FAILED
    assert classify(AddressRefused("inner", host="evil.test", address="127.0.0.1")) is Outcome.FAILED


@given(st.integers(100, 599), st.booleans(), st.booleans())
def test_only_a_2xx_is_a_delivery(status: int, other: bool, missing: bool) -> None:
    delivered = classify(Answer(status), other_scheme_tried=other, was_missing=missing) is Outcome.DELIVERED
    assert delivered == (status // 100 == 2)


def test_only_silence_and_5xx_speak_against_a_host() -> None:
    assert is_host_failure(TIMEOUT) and is_host_failure(Answer(502))
    assert not any(
        is_host_failure(result)
        for result in (Answer(202), Answer(401), Answer(429), Answer(410), FetchFailed("x", reason="bad_url"))
    )


# Breaker


def failed(times: int, every: timedelta = MINUTE, breaker: Breaker | None = None) -> Breaker:
    breaker = breaker or Breaker()
    for number in range(times):
        breaker = after_failure(breaker, NOW + number * every)
    return breaker


def test_four_failures_leave_it_closed_and_the_fifth_opens_it() -> None:
    assert not failed(4).is_open
    opened = failed(5)
    assert opened.is_open
    assert opened.next_probe_at == NOW + 4 * MINUTE + 5 * MINUTE


def test_failures_spread_over_more_than_ten_minutes_do_not_open_it() -> None:
    assert not failed(50, timedelta(minutes=2, seconds=31)).is_open
    assert failed(5, timedelta(minutes=2, seconds=30)).is_open


def test_late_dense_failures_open_it_whatever_came_before() -> None:
    breaker = failed(2, timedelta(minutes=9))
    for minute in range(20, 24):
        breaker = after_failure(breaker, NOW + minute * MINUTE)
    assert not breaker.is_open
    assert after_failure(breaker, NOW + 24 * MINUTE).is_open


def test_a_success_between_starts_the_count_again() -> None:
    assert not failed(4, breaker=after_success(failed(4), NOW)).is_open


def test_probes_come_after_5_15_30_and_60_minutes_and_then_hourly() -> None:
    breaker = failed(5, timedelta())
    now, waits = NOW, []
    for _ in range(6):
        assert breaker.next_probe_at is not None
        waits.append((breaker.next_probe_at - now) // MINUTE)
        assert not may_send(breaker, breaker.next_probe_at - timedelta(seconds=1))
        now = breaker.next_probe_at
        assert may_send(breaker, now)
        breaker = begin_probe(breaker, now)
        assert not may_send(breaker, now)  # one worker probes, the others wait
        assert after_failure(breaker, now + timedelta(seconds=10)) == breaker
    assert waits == [5, 15, 30, 60, 60, 60]


def test_failures_of_tries_begun_before_it_opened_change_nothing() -> None:
    opened = failed(5)
    assert after_failure(opened, NOW + 5 * MINUTE) == opened


def test_a_failed_probe_nobody_booked_still_puts_off_the_next() -> None:
    opened = failed(5, timedelta())
    assert after_failure(opened, NOW + 6 * MINUTE).next_probe_at == NOW + 21 * MINUTE


def test_any_success_closes_it() -> None:
    closed = after_success(failed(9), NOW)
    assert closed == Breaker() and may_send(closed, NOW)


def test_a_host_dead_for_seven_days_is_dormant_and_a_success_wakes_it() -> None:
    opened = failed(5)
    assert not is_dormant(opened, NOW + 7 * DAY - MINUTE)
    assert is_dormant(opened, NOW + 7 * DAY)
    assert not is_dormant(after_success(opened, NOW + 8 * DAY), NOW + 8 * DAY)
    assert not is_dormant(failed(2, 8 * DAY), NOW + 9 * DAY)


def test_a_host_that_asked_for_quiet_gets_it() -> None:
    held = hold(Breaker(), NOW, 120)
    assert not may_send(held, NOW + timedelta(seconds=119)) and may_send(held, NOW + timedelta(seconds=120))
    assert hold(held, NOW, 60) == held
    assert hold(held, NOW, 10**9).held_until == NOW + DAY
    assert not may_send(after_success(held, NOW), NOW)  # another lane's success does not shorten it
    assert after_success(held, NOW + DAY) == Breaker()


events = st.lists(st.tuples(st.sampled_from("fsp"), st.integers(0, 3600)), max_size=60)


@given(events)
def test_the_breakers_state_stays_small_and_sane(history: list[tuple[str, int]]) -> None:
    breaker, now, row = Breaker(), NOW, 0
    for event, seconds in history:
        now += timedelta(seconds=seconds)
        if event == "f":
            breaker, row = after_failure(breaker, now), row + 1
        elif event == "s":
            breaker, row = after_success(breaker, now), 0
        else:
            breaker = begin_probe(breaker, now)
        assert len(breaker.recent) <= 5
        assert breaker.is_open <= (row >= 5)
        assert breaker.next_probe_at is None or breaker.next_probe_at - now <= timedelta(hours=1)
        assert breaker.is_open or may_send(breaker, now)


# In flight


def test_two_at_first_one_more_for_ten_successes_up_to_five() -> None:
    flow, limits = Flow(), []
    for _ in range(60):
        limits.append(flow.in_flight_limit)
        flow = flow.after_success()
    assert limits == [2] * 10 + [3] * 10 + [4] * 10 + [5] * 30


def test_a_failure_takes_one_away_but_never_the_last() -> None:
    flow = Flow(4, 9).after_failure()
    assert flow == Flow(3, 0)
    assert Flow(1).after_failure().in_flight_limit == 1


@given(st.lists(st.booleans(), max_size=100))
def test_the_limit_stays_between_one_and_five(history: list[bool]) -> None:
    flow = Flow()
    for success in history:
        flow = flow.after_success() if success else flow.after_failure()
        assert 1 <= flow.in_flight_limit <= MOST_IN_FLIGHT

"""The delivery queue: in order per lane, leased, withheld when the gate changed its mind, a breaker per host."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from federation.delivery import BREAKER_FAILURES, Answer, Outcome
from federation.errors import FetchFailed
from node.actions import lanes
from node.actions.tries import Claim, Result
from node.models import Actor, Delivery, Host, Lane
from node.policy import PeerState
from tests.support.factories import Factory

INBOX = "https://peer.test/inbox"


@pytest.fixture
def ada(make: Factory) -> Actor:
    make.peer()
    return make.member("ada").actor


def more(session: Session, make: Factory, delivery: Delivery) -> Delivery:
    """Add another delivery behind `delivery` in the same lane."""
    activity = make.delivery(
        session.get_one(Actor, delivery.lane.actor_id), "https://elsewhere.test/x", state="delivered"
    ).activity
    return make.add(Delivery(lane=delivery.lane, activity=activity, created_at=make.clock()))


def claim(session: Session, make: Factory, now: datetime) -> list[Claim]:
    return lanes.claim(session, 10, make.rules(), now)


def took(one: Claim) -> Result:
    return Result(one, Answer(202), Outcome.DELIVERED, "")


def failed(one: Claim, retry_after: int | None = None) -> Result:
    return Result(one, Answer(503, retry_after), Outcome.RETRY, "HTTP 503")


def test_a_lane_gives_its_first_delivery_and_nothing_more_until_that_is_recorded(
    session: Session, make: Factory, ada: Actor, now: datetime
) -> None:
    first = make.delivery(ada, INBOX)
    second = more(session, make, first)
    later = make.clock()
    (one,) = claim(session, make, later)
    assert one.delivery_id == first.id
    assert claim(session, make, later) == []
    assert lanes.record(session, [took(one)], later) is True
    (two,) = claim(session, make, later)
    assert two.delivery_id == second.id
    assert lanes.record(session, [took(two)], later) is False
    session.expire_all()
    assert {first.state, second.state} == {"delivered"}
    assert session.scalars(select(Lane.next_at).where(Lane.inbox == INBOX)).one() is None


def test_an_expired_lease_is_claimed_again_and_the_first_holder_no_longer_frees_the_lane(
    session: Session, make: Factory, ada: Actor
) -> None:
    make.delivery(ada, INBOX)
    (one,) = claim(session, make, make.clock())
    make.clock.move(27)
    (two,) = claim(session, make, make.clock())
    assert two.lease_no == one.lease_no + 1
    lanes.record(session, [failed(one)], make.clock())
    assert claim(session, make, make.clock()) == []


def test_a_failure_keeps_everything_behind_it_waiting(session: Session, make: Factory, ada: Actor) -> None:
    first = make.delivery(ada, INBOX)
    more(session, make, first)
    (one,) = claim(session, make, make.clock())
    lanes.record(session, [failed(one)], make.clock())
    make.clock.move(20)
    assert claim(session, make, make.clock()) == []
    make.clock.move(20)
    (again,) = claim(session, make, make.clock())
    assert (again.delivery_id, again.attempts) == (first.id, 1)


def test_retry_after_is_obeyed(session: Session, make: Factory, ada: Actor) -> None:
    make.delivery(ada, INBOX)
    (one,) = claim(session, make, make.clock())
    lanes.record(session, [failed(one, retry_after=120)], make.clock())
    make.clock.move(119)
    assert claim(session, make, make.clock()) == []
    make.clock.move(40)
    assert len(claim(session, make, make.clock())) == 1


def test_a_refused_activity_does_not_hold_up_the_next(session: Session, make: Factory, ada: Actor) -> None:
    first = make.delivery(ada, INBOX)
    second = more(session, make, first)
    (one,) = claim(session, make, make.clock())
    lanes.record(session, [Result(one, Answer(422), Outcome.FAILED, "HTTP 422")], make.clock())
    (two,) = claim(session, make, make.clock())
    assert two.delivery_id == second.id
    session.refresh(first)
    assert (first.state, first.answer, first.reason) == ("failed", 422, "HTTP 422")


def test_only_refusals_count_as_refusals(session: Session, make: Factory, ada: Actor) -> None:
    """G4: after 401 or 403 in both schemes three more tries, a day apart; what failed otherwise before spends none of them."""
    delivery = make.delivery(ada, INBOX)
    outcomes = [(503, Outcome.RETRY)] * 4 + [(401, Outcome.REFUSED)] * 4
    states = []
    for status, outcome in outcomes:
        (one,) = claim(session, make, make.clock())
        lanes.record(session, [Result(one, Answer(status), outcome, f"HTTP {status}")], make.clock())
        session.refresh(delivery)
        states.append(delivery.state)
        make.clock.move(3_600 if outcome is Outcome.RETRY else 31 * 3_600)
    assert states == ["waiting"] * 7 + ["failed"]


def test_a_gone_inbox_closes_its_lane(session: Session, make: Factory, ada: Actor) -> None:
    first = make.delivery(ada, INBOX)
    second = more(session, make, first)
    (one,) = claim(session, make, make.clock())
    lanes.record(session, [Result(one, Answer(410), Outcome.GONE, "HTTP 410")], make.clock())
    session.expire_all()
    assert (second.state, second.reason) == ("failed", "the inbox is gone")
    assert session.scalars(select(Lane.is_closed).where(Lane.inbox == INBOX)).one() is True


def test_what_is_queued_when_a_peer_is_blocked_is_withheld(session: Session, make: Factory, ada: Actor) -> None:
    delivery = make.delivery(ada, "https://bad.test/inbox")
    make.peer("bad.test", PeerState.BLOCKED)
    assert claim(session, make, make.clock()) == []
    session.refresh(delivery)
    assert delivery.state == "withheld"


def test_our_own_fault_is_tried_five_times(session: Session, make: Factory, ada: Actor) -> None:
    delivery = make.delivery(ada, INBOX)
    for _ in range(lanes.MOST_OWN_FAULTS):
        (one,) = claim(session, make, make.clock())
        lanes.record(session, [Result(one, None, Outcome.RETRY, "internal error: KeyError", is_our_fault=True)], make.clock())
        make.clock.move(86_400)
    session.refresh(delivery)
    assert (delivery.state, delivery.attempts) == ("failed", 5)


def test_one_host_gets_no_more_at_once_than_it_can_take(session: Session, make: Factory, ada: Actor) -> None:
    for number in range(5):
        make.delivery(ada, f"https://peer.test/users/{number}/inbox")
    assert len(claim(session, make, make.clock())) == 2


def test_five_failures_in_a_row_open_the_breaker_and_one_success_closes_it(session: Session, make: Factory, ada: Actor) -> None:
    make.host("peer.test", in_flight_limit=5)
    deliveries = [make.delivery(ada, f"https://peer.test/users/{number}/inbox") for number in range(BREAKER_FAILURES + 1)]
    error = FetchFailed("no answer", url=INBOX, reason="timeout", temporary=True)
    for _ in range(BREAKER_FAILURES):
        one = claim(session, make, make.clock())[0]
        session.execute(update(Lane).where(Lane.id != one.lane_id).values(lease_until=None))
        lanes.record(session, [Result(one, None, Outcome.RETRY, "timeout", error=error)], make.clock())
    session.expire_all()
    assert session.get_one(Host, "peer.test").closed_until is not None
    make.clock.move(60)
    assert claim(session, make, make.clock()) == []
    tries = sum(delivery.attempts for delivery in deliveries)
    make.clock.move(timedelta(minutes=5).total_seconds())
    (probe,) = claim(session, make, make.clock())
    lanes.record(session, [took(probe)], make.clock())
    session.expire_all()
    assert session.get_one(Host, "peer.test").closed_until is None
    assert sum(delivery.attempts for delivery in deliveries) == tries + 1
    assert claim(session, make, make.clock()) != []


def test_what_was_cancelled_while_under_way_is_not_tried_again(session: Session, make: Factory, ada: Actor) -> None:
    delivery = make.delivery(ada, INBOX)
    (one,) = claim(session, make, make.clock())
    session.execute(update(Delivery).where(Delivery.id == delivery.id).values(state="cancelled"))
    lanes.record(session, [failed(one)], make.clock())
    session.expire_all()
    assert delivery.state == "cancelled"


def test_what_a_peer_took_is_delivered_even_if_it_was_cancelled_meanwhile(session: Session, make: Factory, ada: Actor) -> None:
    delivery = make.delivery(ada, INBOX)
    (one,) = claim(session, make, make.clock())
    session.execute(update(Delivery).where(Delivery.id == delivery.id).values(state="cancelled"))
    lanes.record(session, [took(one)], make.clock())
    session.expire_all()
    assert delivery.state == "delivered"


def test_a_busy_host_with_many_lanes_keeps_nobody_waiting(session: Session, make: Factory, ada: Actor) -> None:
    for number in range(70):
        make.delivery(ada, f"https://peer.test/users/{number}/inbox")
    make.delivery(ada, "https://good.test/inbox")
    make.peer("good.test")
    claims = lanes.claim(session, 16, make.rules(), make.clock())
    assert "https://good.test/inbox" in {one.inbox for one in claims}


def test_a_short_spell_of_404_closes_no_lane(session: Session, make: Factory, ada: Actor) -> None:
    make.delivery(ada, INBOX)
    (one,) = claim(session, make, make.clock())
    lanes.record(session, [Result(one, Answer(404), Outcome.MISSING, "HTTP 404")], make.clock())
    make.clock.move(60)
    (two,) = claim(session, make, make.clock())
    assert not two.was_missing
    lanes.record(session, [Result(two, Answer(404), Outcome.MISSING, "HTTP 404")], make.clock())
    make.clock.move(25 * 3600)
    (three,) = claim(session, make, make.clock())
    assert three.was_missing

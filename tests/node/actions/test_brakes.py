"""The brake on the queue: covered lanes wait whole, others go on; a release brings everything, in order, once."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation.delivery import Answer, Outcome
from node.actions import brakes, lanes, sending
from node.actions.tries import Claim, Result
from node.errors import Invalid, NotAllowed, NotThere
from node.models import Activity, Actor, AuditEntry, Delivery, Lane, Refusal
from node.policy import Audience, PeerState
from node.queries.audience import Recipient
from tests.support.factories import Factory


@pytest.fixture
def ada(make: Factory) -> Actor:
    make.peer("good.test")
    make.peer("other.test")
    return make.member("ada").actor


def claim(session: Session, make: Factory, most: int = 10) -> list[Claim]:
    return lanes.claim(session, most, make.rules(), make.clock())


def deliver(session: Session, make: Factory) -> list[int]:
    """Deliver what is due until nothing is; return the activities in the order they went."""
    gone: list[int] = []
    while claims := claim(session, make):
        lanes.record(session, [Result(one, Answer(202), Outcome.DELIVERED, "") for one in claims], make.clock())
        gone += [one.activity_id for one in claims]
    return gone


def say(session: Session, make: Factory, actor: Actor, host: str = "good.test", **values: object) -> Activity:
    """Send something the way every action does."""
    post = make.post(actor, **values)
    to = [Recipient(1, host, f"https://{host}/inbox", None)]
    return sending.send(
        session, actor, "Create", lambda uri: {"id": uri, "type": "Create"}, to, audience=Audience.PUBLIC, object_uri=post.uri,
        post_id=post.id, settings=make.settings, rules=make.rules(), now=make.clock(),
    )  # fmt: skip


@pytest.mark.parametrize(("scope", "subject"), [("node", ""), ("actor", "@Ada"), ("space", "press"), ("peer", "Good.Test.")])
def test_what_is_covered_waits_and_goes_on_when_released_in_order_and_once(
    session: Session, make: Factory, ada: Actor, scope: str, subject: str
) -> None:
    press = make.space("press", ada)
    before = say(session, make, ada, space=press)
    on = brakes.pull(session, scope, subject, why="a leak", by=None, now=make.clock())
    meanwhile = [say(session, make, ada, space=press) for _ in range(3)]
    assert deliver(session, make) == []
    states = session.execute(select(Delivery.state, Delivery.attempts, Delivery.answer)).all()
    assert states == [("waiting", 0, None)] * 4
    assert session.scalar(select(func.count(Refusal.id))) == 0
    brakes.release(session, scope, on.subject, by=None, now=make.clock())
    assert deliver(session, make) == [before.id, *(one.id for one in meanwhile)]
    assert deliver(session, make) == []
    assert session.scalars(select(AuditEntry.verb).order_by(AuditEntry.id)).all() == ["brake.on", "brake.off"]


def test_what_is_not_covered_goes_on_however_much_is(session: Session, make: Factory, ada: Actor) -> None:
    for number in range(60):
        make.delivery(ada, f"https://good.test/users/{number}/inbox")
    bo = make.member("bo").actor
    free = say(session, make, bo, "other.test")
    brakes.pull(session, "actor", "ada", by=None, now=make.clock())
    assert [one.activity_id for one in claim(session, make, 2)] == [free.id]
    brakes.release(session, "actor", "ada", by=None, now=make.clock())
    assert len(claim(session, make, 200)) > 0


def test_of_two_brakes_the_second_still_holds(session: Session, make: Factory, ada: Actor) -> None:
    brakes.pull(session, "node", by=None, now=make.clock())
    brakes.pull(session, "peer", "good.test", by=None, now=make.clock())
    say(session, make, ada)
    other = say(session, make, ada, "other.test")
    assert deliver(session, make) == []
    brakes.release(session, "node", by=None, now=make.clock())
    assert deliver(session, make) == [other.id]


def test_a_statement_passes_before_what_is_held_and_its_edit_does_not(session: Session, make: Factory, ada: Actor) -> None:
    brakes.pull(session, "node", by=None, now=make.clock())
    held = say(session, make, ada)
    assert deliver(session, make) == []
    statement = say(session, make, ada)
    assert brakes.let_pass(session, statement.post_id or 0, by=None, now=make.clock()) == 1
    assert deliver(session, make) == [statement.id]
    again = make.delivery(ada, "https://elsewhere.test/x", state="delivered").activity
    again.post_id, again.kind = statement.post_id, "Update"
    lane = session.scalars(select(Lane).where(Lane.host == "good.test")).one()
    make.add(Delivery(lane=lane, activity=again, created_at=make.clock()))
    assert deliver(session, make) == []
    brakes.release(session, "node", by=None, now=make.clock())
    assert deliver(session, make) == [held.id, again.id]


def test_what_the_rules_keep_back_is_kept_back_under_a_brake_too(session: Session, make: Factory, ada: Actor) -> None:
    queued = make.delivery(ada, "https://bad.test/inbox")
    make.peer("bad.test", PeerState.BLOCKED)
    brakes.pull(session, "node", by=None, now=make.clock())
    assert deliver(session, make) == []
    session.refresh(queued)
    assert queued.state == "withheld"


def test_a_try_under_way_ends_and_its_lane_then_waits(session: Session, make: Factory, ada: Actor) -> None:
    first = say(session, make, ada)
    (under_way,) = claim(session, make)
    brakes.pull(session, "node", by=None, now=make.clock())
    second = say(session, make, ada)
    lanes.record(session, [Result(under_way, Answer(202), Outcome.DELIVERED, "")], make.clock())
    assert deliver(session, make) == []
    brakes.release(session, "node", by=None, now=make.clock())
    assert (under_way.activity_id, deliver(session, make)) == (first.id, [second.id])


def test_wrong_use_is_refused_beside_its_field(session: Session, make: Factory, now: datetime) -> None:
    for scope, subject, field in (("moon", "", "scope"), ("actor", "nobody", "subject"), ("space", "x", "subject"),
                                  ("peer", "not a host", "subject"), ("peer", "home.test", "subject")):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            brakes.pull(session, scope, subject, by=None, now=now, own_host="home.test")
        assert caught.value.field == field
    with pytest.raises(NotAllowed):
        brakes.pull(session, "node", by=make.member("bo"), now=now)
    with pytest.raises(NotThere):
        brakes.release(session, "node", by=None, now=now)
    with pytest.raises(NotThere):
        brakes.let_pass(session, 5, by=None, now=now)

"""What is to be fetched: a wish is never lost, and what is parked comes back when somebody asks anew."""

from __future__ import annotations

from sqlalchemy import select

from node.actions import errands
from node.models import Errand

URI = "https://peer.test/notes/1"


def only(session):
    session.expire_all()
    return session.scalars(select(Errand)).one()


def test_what_is_asked_for_again_while_it_is_under_way_is_done_once_more(session, clock):
    errands.want(session, "post", URI, clock())
    (errand,) = errands.due(session, clock(), 5)
    session.expunge(errand)
    errands.lease(session, [errand.id], [], clock())
    clock.move(1)
    errands.want(session, "post", URI, clock())
    errands.finish(session, errand)
    assert only(session).lease_until is None
    assert len(errands.due(session, clock(), 5)) == 1


def test_asking_for_what_waits_changes_nothing(session, clock):
    errands.want(session, "post", URI, clock())
    before = only(session).due_at
    clock.move(1)
    errands.want(session, "post", URI, clock())
    assert only(session).due_at == before


def test_what_is_parked_is_due_when_somebody_asks_anew(session, clock):
    errands.want(session, "post", URI, clock())
    for _ in range(len(errands.WAITS) + 1):
        errands.stumble(session, only(session), "internal error: KeyError", clock())
    assert (only(session).due_at, only(session).reason) == (None, "internal error: KeyError")
    errands.want(session, "post", URI, clock())
    assert (only(session).attempts, only(session).reason) == (0, "")
    assert len(errands.due(session, clock(), 5)) == 1

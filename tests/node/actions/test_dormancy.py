"""A host that has been dead for a week keeps the newest state of each object, and its follows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from federation.delivery import Breaker
from node.actions import dormancy
from node.actions.hosts import write_breaker
from node.jobs import housekeeping
from node.models import Activity, Delivery, Lane
from node.runtime import EXTENSION, Node

INBOX = "https://dead.test/inbox"


@pytest.fixture
def ada(make):
    return make.member("ada").actor


@pytest.fixture
def dead(make, clock):
    """Have dead.test fail for so many days, up to now."""

    def fail(days, host="dead.test"):
        now = clock()
        breaker = Breaker((now,), now - timedelta(days=days), now + timedelta(hours=1), probes=9)
        return make.host(host, breaker=write_breaker(breaker), closed_until=breaker.next_probe_at)

    return fail


@pytest.fixture
def queue(session, make, ada):
    """Queue activities of ada in one lane, in order: (kind, post or object)."""
    lanes = {}

    def wait(kind, post=None, inbox=INBOX, **values):
        first = inbox not in lanes
        made = make.delivery(ada, inbox if first else f"https://elsewhere.test/{make.id()}", kind=kind, post=post, **values)
        if first:
            lanes[inbox] = made.lane
        else:
            session.delete(made.lane)
            made.lane = lanes[inbox]
        session.flush()
        return made

    return wait


def left(session):
    rows = select(Activity.kind).join(Delivery, Delivery.activity_id == Activity.id).where(Delivery.state == "waiting")
    return session.scalars(rows.order_by(Delivery.id)).all()


def test_of_a_deleted_post_the_delete_alone_stays(session, make, ada, dead, queue, clock):
    post = make.post(ada)
    for kind in ("Create", "Update", "Delete"):
        queue(kind, post)
    dead(8)

    assert dormancy.compact(session, clock()) == 2
    assert left(session) == ["Delete"]
    assert dormancy.compact(session, clock()) == 0


def test_of_edits_the_last_stays_behind_its_create(session, make, ada, dead, queue, clock):
    first, second = make.post(ada), make.post(ada)
    queue("Create", first)
    queue("Create", second)
    edits = [queue("Update", first) for _ in range(3)]
    dead(8)

    dormancy.compact(session, clock())

    session.expire_all()
    assert left(session) == ["Create", "Create", "Update"]
    assert [edit.state for edit in edits] == ["cancelled", "cancelled", "waiting"]
    assert edits[0].reason == "a newer state took its place"


def test_follows_and_their_answers_stay(session, ada, dead, queue, clock):
    for kind in ("Follow", "Undo", "Follow", "Accept"):
        queue(kind)
    dead(30)

    assert dormancy.compact(session, clock()) == 0
    assert left(session) == ["Follow", "Undo", "Follow", "Accept"]


@pytest.mark.parametrize("days", [0, 6.9])
def test_a_host_that_is_down_for_less_than_a_week_keeps_everything(session, make, ada, dead, queue, clock, days):
    post = make.post(ada)
    queue("Create", post)
    queue("Delete", post)
    dead(days)

    assert dormancy.compact(session, clock()) == 0


def test_what_is_on_its_way_and_what_waits_for_others_is_left_alone(session, make, ada, dead, queue, clock):
    make.host("alive.test")
    post = make.post(ada)
    for inbox in (INBOX, "https://alive.test/inbox"):
        queue("Create", post, inbox)
        queue("Delete", post, inbox)
    session.scalars(select(Lane).where(Lane.inbox == INBOX)).one().lease_until = clock() + timedelta(seconds=60)
    session.flush()
    dead(8)

    assert dormancy.compact(session, clock()) == 0


def test_housekeeping_does_it(app, settings, session, make, ada, dead, queue, clock):
    app.extensions[EXTENSION] = Node(settings, clock, None)
    post = make.post(ada)
    queue("Update", post)
    queue("Update", post)
    dead(8)
    session.commit()

    housekeeping.sweep(app)

    session.expire_all()
    assert left(session) == ["Update"]
    assert session.scalar(select(Lane.next_at).where(Lane.inbox == INBOX)) is not None

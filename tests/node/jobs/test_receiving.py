"""The inbound worker: batches in order, poison isolated, nothing done twice."""

from __future__ import annotations

import fcntl
import json
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from node.actions import receive
from node.actions.inbox import shard_of
from node.database import db
from node.jobs import receiving
from node.models import Actor, Errand, Like, Notification, Post, Receipt, TimelineEntry
from node.runtime import EXTENSION, Node
from tests.node.actions.receive.conftest import activity, note
from tests.support.databases import is_postgresql


@pytest.fixture
def worker(app, settings, clock, session):
    """Drains the inbound queue."""
    app.extensions[EXTENSION] = Node(settings, clock, None)

    def drain():
        session.commit()
        with app.app_context():
            receiving.drain(app, 30)
        session.expire_all()

    return drain


@pytest.fixture
def bob(make):
    make.peer("peer.test")
    return make.remote("bob")


def arrive(make, sender, document, **values):
    """Make a receipt as the inbox does."""
    return make.receipt(
        sender.host,
        document["type"],
        "new",
        actor_uri=sender.uri,
        activity_uri=document["id"],
        body=json.dumps(document).encode(),
        **values,
    )


def count(session, table, *where):
    return session.scalar(select(func.count()).select_from(table).where(*where))


def states(session):
    return [(row.state, row.reason) for row in session.scalars(select(Receipt).order_by(Receipt.id))]


def test_activities_take_effect_in_order(session, make, worker, bob):
    ada = make.member("ada").actor
    make.follow(ada, bob)
    written = [note(bob, number) for number in range(3)]
    for number, one in enumerate(written):
        arrive(make, bob, activity("Create", bob, one, number))
    arrive(make, bob, activity("Update", bob, written[0] | {"content": "better"}))
    arrive(make, bob, activity("Delete", bob, written[1]["id"]))
    mine = make.post(ada)
    arrive(make, bob, activity("Create", bob, note(bob, 9, inReplyTo=mine.uri), 9))
    arrive(make, bob, activity("Like", bob, mine.uri))

    worker()

    assert {state for state, _ in states(session)} == {"done"}
    posts = {post.uri: post for post in session.scalars(select(Post).where(Post.is_local.is_(False)))}
    assert posts[written[0]["id"]].content_html == "better"
    assert posts[written[1]["id"]].deleted_at is not None
    assert count(session, TimelineEntry) == 3
    assert sorted(row.kind for row in session.scalars(select(Notification))) == ["like", "reply"]
    assert session.get(Actor, bob.id).posts_count == 3
    assert session.get(Post, mine.id).replies_count == 1


def test_a_reply_and_what_it_answers_may_come_in_one_batch(session, make, worker, bob):
    first = note(bob, 1)
    arrive(make, bob, activity("Create", bob, note(bob, 2, inReplyTo=first["id"]), 2))
    arrive(make, bob, activity("Create", bob, first, 1))
    arrive(make, bob, activity("Create", bob, note(bob, 3, inReplyTo=first["id"]), 3))

    worker()

    posts = {post.uri: post for post in session.scalars(select(Post))}
    parent = posts[first["id"]]
    assert [posts[f"{bob.uri}/statuses/{number}"].in_reply_to_id for number in (2, 3)] == [parent.id, parent.id]
    assert parent.replies_count == 2


def test_a_peers_flood_lets_others_through(session, make, worker, bob, monkeypatch):
    make.peer("other.test")
    other = make.remote("eve", "other.test")
    for number in range(120):
        arrive(make, bob, activity("Create", bob, note(bob, number), number), shard=shard_of("peer.test"))
    last = arrive(make, other, activity("Create", other, note(other)), shard=shard_of("other.test"))
    first_batch = []
    real = receiving.apply_all

    def spy(session, node, arrived, *rest):
        first_batch.append([one.id for one in arrived])
        real(session, node, arrived, *rest)

    monkeypatch.setattr(receiving, "apply_all", spy)
    worker()

    assert last.id in first_batch[0]
    assert count(session, Post) == 121


@pytest.fixture
def poison(monkeypatch):
    """Make Likes fail by our own fault."""

    def fail(*_):
        raise ZeroDivisionError("words that are nobody's business")

    monkeypatch.setitem(receive.HANDLERS, "Like", fail)


def test_a_poisoned_activity_is_parked_and_others_are_unaffected(session, make, worker, clock, bob, poison):
    mine = make.post(make.member("ada").actor)
    arrive(make, bob, activity("Create", bob, note(bob, 1), 1))
    arrive(make, bob, activity("Like", bob, mine.uri))
    arrive(make, bob, activity("Create", bob, note(bob, 2), 2))

    worker()
    assert count(session, Post, Post.is_local.is_(False)) == 2
    assert states(session) == [("done", ""), ("new", "internal error: ZeroDivisionError"), ("done", "")]
    for _ in range(6):
        clock.move(60)
        worker()

    assert states(session)[1] == ("parked", "internal error: ZeroDivisionError")
    assert session.scalars(select(Receipt.attempts).order_by(Receipt.id)).all() == [0, 5, 0]


def test_a_database_that_fails_parks_nothing(session, make, worker, bob, monkeypatch):
    def fail(*_):
        raise OperationalError("x", {}, Exception("disk full"))

    monkeypatch.setitem(receive.HANDLERS, "Like", fail)
    arrive(make, bob, activity("Like", bob, "https://home.test/x"))

    with pytest.raises(OperationalError):
        worker()
    session.expire_all()
    assert [(row.state, row.attempts) for row in session.scalars(select(Receipt))] == [("new", 0)]


def test_what_needs_the_network_waits_for_it(session, make, worker, bob):
    make.peer("other.test")
    arrive(make, bob, activity("Announce", bob, "https://other.test/notes/1"))
    arrive(
        make,
        bob,
        {"id": "https://peer.test/a/1", "type": "Like", "actor": "https://peer.test/users/new", "object": "https://home.test/x"},
    )

    worker()

    assert states(session) == [("fetching", '["https://other.test/notes/1"]'), ("fetching", '["https://peer.test/users/new"]')]


def test_nonsense_is_refused(session, make, worker, bob):
    make.receipt("peer.test", "Like", "new", body=b"{}")

    worker()

    assert states(session) == [("refused", "no_type")]


def test_running_twice_changes_nothing(session, make, worker, bob):
    ada = make.member("ada").actor
    mine = make.post(ada)
    arrive(make, bob, activity("Like", bob, mine.uri))
    arrive(make, bob, activity("Create", bob, note(bob, inReplyTo=mine.uri)))
    worker()
    for row in session.scalars(select(Receipt)):
        row.state = "new"
    worker()

    assert (session.get(Post, mine.id).likes_count, session.get(Post, mine.id).replies_count) == (1, 1)
    assert (count(session, Like), count(session, Notification)) == (1, 2)


def test_an_actor_not_read_for_a_week_is_read_again(session, make, worker, clock, bob):
    bob.fetched_at = clock()
    clock.move(8 * 86_400)
    arrive(make, bob, activity("Create", bob, note(bob)))

    worker()

    assert [(row.kind, row.uri) for row in session.scalars(select(Errand))] == [("actor", bob.uri)]


def test_a_batch_costs_a_handful_of_statements(session, make, worker, bob):
    from sqlalchemy import event

    from node.database import db

    for number in range(40):
        arrive(make, bob, activity("Create", bob, note(bob, number), number))
    sent = []
    listener = lambda connection, cursor, statement, *_: sent.append(statement)  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listener)
    worker()
    event.remove(db.engine, "before_cursor_execute", listener)

    assert count(session, Post) == 40
    assert len(sent) < 40


def test_one_job_takes_what_comes_while_it_works(app, settings, session, make, bob, clock, monkeypatch):
    """A stream of activities is one job: between two looks that find nothing there is a moment, and more may come."""
    app.extensions[EXTENSION] = Node(replace(settings, workers=2), clock, None)
    waits = []

    def come_later(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            arrive(make, bob, activity("Create", bob, note(bob, 2), 2))
            make.commit()

    monkeypatch.setattr(receiving.time, "sleep", come_later)
    arrive(make, bob, activity("Create", bob, note(bob)))
    make.commit()
    assert receiving.drain(app) == 2
    assert len(waits) > receiving.LOOKS


def test_a_second_process_leaves_the_work_to_the_first(app, session, make, settings):
    if is_postgresql():
        pytest.skip("there all processes work at once")
    make.receipt("peer.test", "Like", "new")
    make.commit()
    with open(settings.data_dir / "inbound.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert receiving.drain(app) is None
    assert receiving.drain(app) == 1


@pytest.mark.skipif(is_postgresql(), reason="counts the steps of SQLite's machine")
def test_taking_in_a_post_costs_the_same_among_many(session, make, worker, bob):
    """A wrong index was 50 ms an item at a million posts; no plan of an empty table shows it, the steps do."""
    engine, steps = db.engine, []

    def watch(raw, *_):
        raw.set_progress_handler(lambda: steps.append(1), 100)

    def cost(first):
        for number in range(first, first + 40):
            arrive(make, bob, activity("Create", bob, note(bob, number), number))
        make.commit()
        steps.clear()
        worker()
        return len(steps)

    event.listen(engine, "checkout", watch)
    try:
        cost(100)
        among_few = cost(200)
        for _ in range(2_000):
            make.post(bob)
        make.commit()
        among_many = cost(300)
    finally:
        event.remove(engine, "checkout", watch)
    assert among_few > 0
    assert among_many < 1.3 * among_few + 5

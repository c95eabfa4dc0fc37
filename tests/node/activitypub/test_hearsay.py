"""An activity that somebody else passes on is refused; what it speaks of may be read at its own server (case A22)."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select

from node import create_app
from node.database import db
from node.models import Errand, Peer, Post, Receipt, Refusal
from node.policy import PeerState
from node.queries import hearsay
from node.runtime import EXTENSION, Node
from tests.support.factories import Factory
from tests.support.peers import Peers

INBOX = "https://home.test/inbox"


@pytest.fixture
def peers():
    with Peers() as made:
        yield made


@pytest.fixture
def flask(settings, clock):
    made = create_app(settings, clock, doors=("activitypub",))
    yield made
    with made.app_context():
        busy = getattr(db.engine.pool, "checkedout", lambda: 0)
        deadline = time.monotonic() + 5
        while busy() and time.monotonic() < deadline:  # a refusal is noted by a thread of its own
            time.sleep(0.01)
        db.engine.dispose()


@pytest.fixture
def make(flask, settings, clock):
    with flask.app_context():
        yield Factory(db.session(), settings, clock)
        db.session.remove()


@pytest.fixture
def passes(flask, settings, clock, make, peers):
    """Have somebody send another's activity, and return (status, errands)."""

    def send(sender, document):
        make.commit()
        flask.extensions[EXTENSION] = Node(settings, clock, peers.client())  # it knows the peers that are there by now
        headers, body = sender.signed(INBOX, document, now=clock())
        answer = flask.test_client().post(INBOX, base_url="https://home.test", headers=headers, data=body)
        session = make.session
        session.rollback()
        session.expire_all()
        assert session.scalars(select(Receipt.id)).all() == []
        errands = session.execute(select(Errand.kind, Errand.uri).where(Errand.kind == "again")).all()
        return answer.status_code, [tuple(row) for row in errands]

    return send


@pytest.fixture
def thread(make):
    """A post of ada's."""
    return make.post(make.member("ada").actor)


@pytest.fixture
def alice(make, peers):
    make.peer("alice.test")
    return peers.add("alice.test").actor("alice")


@pytest.fixture
def passer(make, peers):
    make.peer("passer.test")
    return peers.add("passer.test").actor("pat")


def test_an_answer_in_a_thread_of_ours_is_read_at_its_server(passes, thread, alice, passer):
    note = alice.note(inReplyTo=thread.uri)

    assert passes(passer, alice.activity("Create", note)) == (403, [("again", note["id"])])
    assert passes(passer, alice.activity("Create", note)) == (403, [("again", note["id"])])


def test_changes_of_an_answer_we_have_are_read(make, passes, thread, alice, passer):
    author = make.remote("alice", "alice.test")
    answer = make.post(author, uri=f"{alice.peer.origin}/notes/known", reply_to=thread)

    assert passes(passer, alice.activity("Create", alice.note(id=answer.uri, inReplyTo=thread.uri))) == (403, [])
    assert passes(passer, alice.activity("Delete", answer.uri)) == (403, [("again", answer.uri)])


@pytest.mark.parametrize(
    "document",
    [
        lambda alice, thread: alice.activity("Create", alice.note()),
        lambda alice, thread: alice.activity("Create", alice.note(inReplyTo="https://home.test/users/ada/posts/1")),
        lambda alice, thread: alice.activity("Create", alice.note(id="https://third.test/notes/1", inReplyTo=thread.uri)),
        lambda alice, thread: alice.activity("Create", alice.note(id="https://home.test/x", inReplyTo=thread.uri)),
        lambda alice, thread: alice.activity("Like", thread.uri),
        lambda alice, thread: alice.activity("Delete", f"{alice.peer.origin}/notes/unknown"),
        lambda alice, thread: alice.activity("Update", alice.document()),
    ],
)
def test_nothing_else_is(passes, thread, alice, passer, document):
    assert passes(passer, document(alice, thread)) == (403, [])


@pytest.mark.parametrize("host", ["alice.test", "passer.test"])
def test_the_gate_is_asked_for_both(make, peers, passes, thread, alice, passer, host):
    make.session.get_one(Peer, host).state = PeerState.BLOCKED
    status, errands = passes(passer, alice.activity("Create", alice.note(inReplyTo=thread.uri)))

    assert (status, errands) == (403, [])
    deadline = time.monotonic() + 5
    while make.session.scalar(select(Refusal.host)) != host and time.monotonic() < deadline:
        make.session.rollback()
        time.sleep(0.01)
    assert make.session.scalars(select(Refusal.host)).all() == [host]


def test_not_while_many_wait(make, passes, thread, alice, passer, monkeypatch):
    monkeypatch.setattr(hearsay, "MOST_WAITING", 1)
    first, second = (alice.note(inReplyTo=thread.uri) for _ in range(2))
    passes(passer, alice.activity("Create", first))

    assert passes(passer, alice.activity("Create", second)) == (403, [("again", first["id"])])
    assert make.session.scalars(select(Post.uri)).all() == [thread.uri]

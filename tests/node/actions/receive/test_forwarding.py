"""Inbox forwarding: public replies to our posts reach our followers elsewhere once, as they came, and nothing wider."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from federation.vocabulary import PUBLIC
from node.actions.receive import forwarding
from node.models import Activity, Block, Delivery, Lane, Post
from node.policy import PeerState
from tests.node.actions.receive.conftest import activity, note


@pytest.fixture
def followers(make, ada, bob):
    """Ada's followers: two on one server, one on the replier's, one where the gate is shut, one of ours."""
    make.peer("good.test")
    make.peer("evil.test", PeerState.BLOCKED)
    names = (("eve", "good.test"), ("fay", "good.test"), ("gil", "peer.test"), ("mal", "evil.test"))
    people = [make.remote(name, host) for name, host in names]
    for person in (*people, make.member("carl").actor):
        make.follow(person, ada)
    return people


@pytest.fixture
def passed_on(session):
    """Return what was passed on: (kind, inbox, body), in order."""

    def read():
        rows = session.execute(
            select(Activity.kind, Lane.inbox, Activity.document)
            .join(Delivery, Delivery.activity_id == Activity.id)
            .join(Lane, Lane.id == Delivery.lane_id)
            .where(Delivery.state == "waiting")
            .order_by(Delivery.id)
        )
        return [(kind, inbox, json.loads(body)) for kind, inbox, body in rows]

    return read


def reply(ada, bob, post, number=1, **members):
    usual = {"to": [PUBLIC], "cc": [ada.followers_uri, ada.uri], "inReplyTo": post.uri}
    return activity("Create", bob, note(bob, number, **(usual | members)), number)


@pytest.mark.parametrize("audience", ["public", "unlisted"])
@pytest.mark.parametrize("by", ["to", "cc"])
def test_a_reply_goes_unchanged_to_followers_on_other_servers(
    session, make, arrivals, ada, bob, followers, passed_on, audience, by
):
    said = reply(ada, bob, make.post(ada, audience)) | {"signature": {"type": "RsaSignature2017", "signatureValue": "x"}}
    if by == "to":
        said["object"] |= {"to": [ada.followers_uri], "cc": [PUBLIC]}

    assert arrivals.apply(bob, said).state == "done"

    assert passed_on() == [("Create", "https://good.test/inbox", said)]
    row = session.scalars(select(Activity)).one()
    post = session.scalars(select(Post).where(Post.is_local.is_(False))).one()
    assert (row.actor_id, row.uri, row.post_id, row.object_uri) == (ada.id, said["id"], post.id, post.uri)
    assert row.document == json.dumps(said).encode()
    assert session.scalars(select(Lane.actor_id)).one() == ada.id


@pytest.mark.parametrize("audience", ["followers", "partners", "members", "direct"])
def test_what_answers_a_narrower_post_goes_nowhere(make, arrivals, ada, bob, followers, passed_on, audience):
    make.follow(bob, ada)
    arrivals.apply(bob, reply(ada, bob, make.post(ada, audience, mentions=[bob])))

    assert passed_on() == []


@pytest.mark.parametrize(
    "members",
    [
        {"to": ["https://home.test/users/ada/followers"], "cc": []},  # ours alone: not for anybody
        {"to": ["https://peer.test/users/bob/followers"], "cc": ["https://home.test/users/ada/followers"]},
        {"to": [PUBLIC], "cc": ["https://home.test/users/ada"]},  # not addressed to followers of ours
        {"to": [PUBLIC], "cc": ["https://home.test/users/nobody/followers"]},
        {"inReplyTo": "https://other.test/notes/1"},
        {"inReplyTo": "https://home.test/users/ada/posts/1"},
        {"inReplyTo": None},
        {"bcc": ["https://third.test/users/secret"]},
    ],
)
def test_what_is_narrower_or_no_reply_to_ours_goes_nowhere(make, arrivals, ada, bob, followers, passed_on, members):
    arrivals.apply(bob, reply(ada, bob, make.post(ada), **members))

    assert passed_on() == []


def test_a_reply_without_an_id_of_its_activity_goes_nowhere(make, arrivals, ada, bob, followers, passed_on):
    said = reply(ada, bob, make.post(ada))
    del said["id"]
    arrivals.apply(bob, said)

    assert passed_on() == []


def test_another_of_ours_may_be_the_one_whose_followers_it_is_for(session, make, arrivals, ada, bob, passed_on):
    make.peer("good.test")
    carl = make.member("carl").actor
    make.follow(make.remote("eve", "good.test"), carl)
    arrivals.apply(bob, reply(ada, bob, make.post(ada), cc=[carl.followers_uri]))

    assert [inbox for _, inbox, _ in passed_on()] == ["https://good.test/inbox"]
    assert session.scalars(select(Activity.actor_id)).one() == carl.id


def test_whom_the_author_has_blocked_is_not_passed_on(make, arrivals, ada, bob, followers, passed_on):
    post = make.post(ada)
    make.add(Block(id=make.id(), actor_id=ada.id, target_id=bob.id, created_at=make.clock()))
    arrivals.apply(bob, reply(ada, bob, post))

    assert passed_on() == []


def test_edits_and_the_delete_follow_the_reply(session, make, arrivals, ada, bob, followers, passed_on):
    said = reply(ada, bob, make.post(ada))
    arrivals.apply(bob, said)
    first = session.scalars(select(Delivery)).one()
    first.attempts, first.state = 1, "delivered"
    session.flush()
    edit = activity("Update", bob, said["object"] | {"content": "better", "updated": "2026-03-02T11:30:00Z"})
    arrivals.apply(bob, edit)
    assert passed_on() == [("Update", "https://good.test/inbox", edit)]
    narrower = activity("Update", bob, said["object"] | {"content": "secret", "to": [f"{bob.uri}/followers"], "cc": []}, 2)
    arrivals.apply(bob, narrower)
    gone = activity("Delete", bob, {"id": said["object"]["id"], "type": "Tombstone"}, to=[PUBLIC])
    arrivals.apply(bob, gone)

    assert passed_on() == [("Delete", "https://good.test/inbox", gone)]
    states = session.execute(select(Activity.kind, Delivery.state).join(Delivery, Delivery.activity_id == Activity.id))
    assert set(states.all()) == {("Create", "delivered"), ("Update", "cancelled"), ("Delete", "waiting")}
    documents = select(Activity.document).where(Activity.kind != "Delete")
    assert set(session.scalars(documents)) == {b'{"type":"Tombstone"}'}


def test_an_account_that_goes_leaves_no_words_behind(session, make, arrivals, ada, bob, followers, passed_on):
    arrivals.apply(bob, reply(ada, bob, make.post(ada)))
    arrivals.apply(bob, activity("Delete", bob, bob.uri))

    assert passed_on() == []
    assert session.scalars(select(Activity.document)).one() == b'{"type":"Tombstone"}'


def test_a_reply_that_was_not_passed_on_is_not_when_it_changes(make, arrivals, ada, bob, followers, passed_on):
    said = reply(ada, bob, make.post(ada), cc=[])
    arrivals.apply(bob, said)
    arrivals.apply(bob, activity("Update", bob, said["object"] | {"content": "x", "cc": [ada.followers_uri]}))
    arrivals.apply(bob, activity("Delete", bob, said["object"]["id"]))

    assert passed_on() == []


def test_nobody_makes_us_flood_our_followers(session, make, arrivals, ada, bob, followers, clock, monkeypatch):
    monkeypatch.setattr(forwarding, "MOST_AN_HOUR", 2)
    post = make.post(ada)
    make.delivery(ada, "https://good.test/x", post=post)
    for number in range(4):
        arrivals.apply(bob, reply(ada, bob, post, number))
    others = select(func.count(Activity.id)).where(Activity.uri.startswith("https://peer.test/"))
    assert session.scalar(others) == 2
    clock.move(3_601)
    arrivals.apply(bob, reply(ada, bob, post, 9))
    assert session.scalar(others) == 3


def test_a_server_reads_it_at_its_origin_not_here(session, make, arrivals, ada, bob, followers, app):
    from node.queries import published

    arrivals.apply(bob, reply(ada, bob, make.post(ada)))

    assert published.local_post(session, session.scalars(select(Activity.post_id)).one()) is None

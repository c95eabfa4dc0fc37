"""Polls: others learn the counts at most once a minute and at the end; those of ours who took part are told it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from federation.objects import vote_document
from node.actions import errands, outbox, polls, reactions
from node.actions.drafts import Draft, PollDraft
from node.jobs import fetching
from node.models import Actor, Errand, Notification, PollOption, Post
from node.runtime import EXTENSION, Node
from tests.node.actions.receive.conftest import Arrivals, activity


@pytest.fixture
def arrivals(make, people):
    return Arrivals(make)


@pytest.fixture
def ask(session, people, ways):
    def publish(audience="public", lasts=timedelta(hours=1)):
        draft = Draft("Tea?", audience=audience, poll=PollDraft(("yes", "no"), lasts=lasts))
        return outbox.publish(session, people.ada, draft, **ways())

    return publish


@pytest.fixture
def work(app, settings, clock, session):
    """Run the errands that are due, after `seconds`."""
    app.extensions[EXTENSION] = Node(settings, clock, None)

    def after(seconds=0.0):
        clock.move(seconds)
        session.commit()
        with app.app_context():
            while fetching.drain(app, 10):
                assert fetching.finish(app)
        session.expire_all()

    return after


def vote(arrivals, who, post, option="yes", number=1):
    ballot = vote_document(
        id=f"{who.uri}/votes/{number}", attributed_to=who.uri, question=post.uri, option=option, to=post.author.uri
    )
    return arrivals.apply(who, activity("Create", who, ballot, number))


def updates(sent):
    return [(inbox, document["object"]) for kind, inbox, document in sent() if kind == "Update"]


def counts(document):
    return [option["replies"]["totalItems"] for option in document["oneOf"]], document["votersCount"]


def test_votes_of_one_minute_are_told_once(session, make, people, ask, arrivals, work, sent, ways):
    make.follow(people.eve, people.ada)
    post = ask()
    assert vote(arrivals, people.eve, post).state == "done"
    reactions.vote(session, people.bo, post, [1], **ways())

    work(30)
    assert updates(sent) == []
    work(31)
    assert [(inbox, counts(document)) for inbox, document in updates(sent)] == [("https://good.test/inbox", ([1, 1], 2))]
    work(120)
    assert len(updates(sent)) == 1


def test_a_later_vote_is_told_again(session, make, people, ask, arrivals, work, sent, ways):
    make.follow(people.eve, people.ada)
    post = ask()
    vote(arrivals, people.eve, post)
    work(61)
    reactions.vote(session, people.bo, post, [0], **ways())
    work(61)

    assert [counts(document)[1] for _, document in updates(sent)] == [1, 2]


def test_a_vote_while_the_counts_are_being_read_is_not_forgotten(session, people, ask, clock):
    post = ask(lasts=None)
    polls.want_told(session, post.uri, clock())
    clock.move(60)
    (taken,) = errands.due(session, clock(), 1)
    errands.lease(session, [taken.id], [], clock())
    session.expunge(taken)
    polls.want_told(session, post.uri, clock())
    errands.finish(session, taken)

    assert session.scalars(select(Errand.due_at)).one() == clock() + polls.TOLD_EVERY


def test_who_voted_learns_the_result_without_following(people, ask, arrivals, work, sent):
    post = ask()
    vote(arrivals, people.eve, post)
    work(61)

    assert [inbox for inbox, _ in updates(sent)] == ["https://good.test/inbox"]


def test_a_poll_that_stays_inside_is_told_to_nobody_outside(session, make, people, ask, work, sent, ways):
    make.follow(people.eve, people.ada)
    post = ask(audience="members")
    reactions.vote(session, people.bo, post, [0], **ways())
    work(61)
    work(3_600)

    assert sent() == []
    assert {row.actor_id for row in session.scalars(select(Notification))} == {people.ada.id, people.bo.id}


def test_nothing_goes_where_the_gate_is_shut(session, make, people, ask, work, sent, ways):
    make.follow(people.mal, people.ada)
    reactions.vote(session, people.bo, ask(), [0], **ways())
    work(61)

    assert sent() == []


def test_the_end_is_told_once_to_others_and_to_those_of_ours_who_took_part(session, make, people, ask, work, sent, ways):
    make.follow(people.eve, people.ada)
    make.member("carl")
    post = ask(lasts=timedelta(minutes=5))
    reactions.vote(session, people.bo, post, [0], **ways())
    work(299)
    assert session.scalars(select(Notification.id)).all() == []
    work(2)

    post = session.get(Post, post.id)
    assert post.poll["closed"] is True
    last = updates(sent)[-1][1]
    assert (last["closed"], counts(last)) == (last["endTime"], ([1, 0], 1))
    assert {(row.kind, row.actor_id) for row in session.scalars(select(Notification))} == {
        ("poll", people.ada.id),
        ("poll", people.bo.id),
    }
    number = len(updates(sent))
    polls.close(session, post.uri, **ways())
    assert len(updates(sent)) == number
    assert session.scalars(select(Errand.id)).all() == []


def test_who_votes_elsewhere_is_told_of_the_end(session, make, people, clock, work, ways, sent):
    closes_at = (clock() + timedelta(minutes=10)).isoformat()
    asked = {"multiple": False, "closes_at": closes_at, "closed": False, "voters": 0}
    post = make.post(people.eve, options=["tea", "coffee"], poll=asked)
    reactions.vote(session, people.ada, post, [0], **ways())
    work(601)

    assert [(row.kind, row.actor_id) for row in session.scalars(select(Notification))] == [("poll", people.ada.id)]
    assert [kind for kind, _, _ in sent()] == ["Create"]


def test_a_poll_with_more_time_ends_later(session, make, people, clock, work, ways):
    asked = {"multiple": False, "closes_at": (clock() + timedelta(minutes=10)).isoformat(), "closed": False, "voters": 0}
    post = make.post(people.eve, options=["tea", "coffee"], poll=asked)
    reactions.vote(session, people.ada, post, [0], **ways())
    post.poll = post.poll | {"closes_at": (clock() + timedelta(minutes=20)).isoformat()}
    work(601)
    assert session.scalars(select(Notification.id)).all() == []
    work(601)

    assert len(session.scalars(select(Notification.id)).all()) == 1


def test_a_deleted_poll_is_told_to_nobody(session, make, people, ask, work, sent, ways):
    make.follow(people.eve, people.ada)
    post = ask()
    reactions.vote(session, people.bo, post, [0], **ways())
    outbox.delete(session, post, by=people.ada, **ways())
    work(4_000)

    assert updates(sent) == []
    assert session.scalars(select(PollOption.id)).all() == []
    assert session.scalars(select(Errand.id)).all() == []


def test_who_leaves_and_comes_back_has_one_vote(session, people, ask, arrivals, work, ways):
    post = ask()
    reactions.vote(session, people.bo, post, [1], **ways())
    for number in (1, 2, 3):
        assert vote(arrivals, people.eve, post, number=number).state == "done"
        assert arrivals.apply(people.eve, activity("Delete", people.eve, people.eve.uri, number), again=False).state == "done"
        session.get(Actor, people.eve.id).deleted_at = None
        session.flush()
    assert vote(arrivals, people.eve, post, number=4).state == "done"

    counted = select(PollOption.votes_count).where(PollOption.post_id == post.id).order_by(PollOption.position)
    assert session.scalars(counted).all() == [1, 1]
    assert session.scalar(select(Post.poll).where(Post.id == post.id))["voters"] == 2

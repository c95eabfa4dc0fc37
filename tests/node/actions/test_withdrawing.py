"""What was queued, or is changed later, does not go to who was blocked or removed, nor from who was suspended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from node.actions import members, outbox, polls, profile, reactions, relations
from node.actions.drafts import Draft, PollDraft
from node.models import Activity, Delivery, Lane, Member, Mention
from node.policy import Audience

SHARED, EVE, KIM = "https://good.test/inbox", "https://good.test/users/eve/inbox", "https://good.test/users/kim/inbox"


@pytest.fixture
def say(session, people, ways):
    def publish(text="Hello", audience=Audience.FOLLOWERS, **draft):
        return outbox.publish(session, people.ada, Draft(text, audience=audience, **draft), **ways())

    return publish


@pytest.fixture
def kim(make, people):
    """Somebody else on Eve's server."""
    return make.remote("kim", "good.test")


@pytest.fixture
def deliver(session):
    """Have everything that waits arrive."""

    def arrive():
        session.execute(update(Delivery).where(Delivery.state == "waiting").values(state="delivered", attempts=1))
        session.expire_all()

    return arrive


@pytest.fixture
def states(session):
    """Return (kind, inbox, state) of every delivery, in order."""

    def read():
        rows = select(Activity.kind, Lane.inbox, Delivery.state).join(Delivery, Delivery.activity_id == Activity.id)
        session.expire_all()
        return [tuple(row) for row in session.execute(rows.join(Lane, Lane.id == Delivery.lane_id).order_by(Delivery.id))]

    return read


def kinds(sent):
    return [(kind, inbox) for kind, inbox, _ in sent()]


@pytest.mark.parametrize("verb", [relations.block, relations.remove_follower])
def test_an_edit_of_what_was_for_followers_takes_it_back_from_who_is_none_any_more(
    session, make, people, say, deliver, sent, ways, verb
):
    make.follow(people.eve, people.ada)
    post = say("Hello")
    deliver()
    verb(session, people.ada, people.eve, **ways())
    deliver()
    outbox.edit(session, post, by=people.ada, text="canaryword", **ways())

    assert kinds(sent) == [("Delete", SHARED)]
    assert "canaryword" not in str(sent())
    deliver()
    outbox.edit(session, post, by=people.ada, text="Once more", **ways())
    assert sent() == []


def test_an_edit_of_a_message_takes_it_back_from_who_was_blocked_and_names_nobody(
    session, make, people, say, deliver, sent, ways
):
    make.peer("other.test")
    make.remote("lou", "other.test")
    post = say("@eve@good.test @lou@other.test hello", Audience.DIRECT)
    deliver()
    relations.block(session, people.ada, people.eve, **ways())
    outbox.edit(session, post, by=people.ada, text="@eve@good.test @lou@other.test canaryword", **ways())

    assert kinds(sent) == [("Update", "https://other.test/users/lou/inbox"), ("Delete", EVE)]
    assert "lou" not in str(sent()[1])


def test_a_server_with_somebody_whom_it_is_for_keeps_its_copy(session, make, people, kim, say, deliver, sent, ways):
    make.follow(people.eve, people.ada)
    make.follow(kim, people.ada)
    followers, direct = say("Hello"), say("@eve@good.test @kim@good.test hello", Audience.DIRECT)
    deliver()
    relations.block(session, people.ada, people.eve, **ways())
    deliver()
    outbox.edit(session, followers, by=people.ada, text="Changed", **ways())
    outbox.edit(session, direct, by=people.ada, text="@eve@good.test @kim@good.test changed", **ways())

    assert kinds(sent) == [("Update", SHARED), ("Update", KIM)]


def test_the_counts_of_a_poll_do_not_go_to_who_was_removed(session, make, people, say, deliver, sent, ways):
    make.follow(people.eve, people.ada)
    post = say("Tea?", poll=PollDraft(("yes", "no"), lasts=timedelta(hours=1)))
    deliver()
    relations.remove_follower(session, people.ada, people.eve, **ways())
    deliver()
    polls.tell(session, post.uri, **ways())

    assert sent() == []


def test_what_waits_for_who_is_blocked_is_cancelled(session, make, people, say, states, ways):
    make.follow(people.eve, people.ada)
    say("Hello")
    say("@eve@good.test hello", Audience.DIRECT)
    say("Hello all", Audience.PUBLIC)
    asked = make.post(people.eve, options=["tea", "coffee"])
    reactions.vote(session, people.ada, asked, [0], **ways())
    reactions.boost(session, people.ada, make.post(people.bo), **ways())
    relations.block(session, people.ada, people.eve, **ways())

    assert states() == [
        ("Create", SHARED, "cancelled"),
        ("Create", EVE, "cancelled"),
        ("Create", SHARED, "cancelled"),
        ("Create", EVE, "cancelled"),
        ("Announce", SHARED, "cancelled"),
        ("Reject", EVE, "waiting"),
    ]
    assert set(session.scalars(select(Delivery.reason))) == {"the reader was blocked or removed", ""}


def test_what_waits_for_others_behind_the_same_inbox_goes_out(session, make, people, kim, say, states, ways):
    make.follow(people.eve, people.ada)
    make.follow(kim, people.ada)
    say("Hello")
    say("@kim@good.test hello", Audience.DIRECT)
    profile.announce(session, people.ada, **ways())
    say("@eve@good.test hello", Audience.DIRECT)
    relations.block(session, people.ada, people.eve, **ways())

    assert states() == [
        ("Create", SHARED, "waiting"),
        ("Create", KIM, "waiting"),
        ("Update", SHARED, "waiting"),
        ("Create", EVE, "cancelled"),
        ("Reject", EVE, "waiting"),
    ]


def test_who_is_removed_as_a_follower_still_gets_what_is_theirs(session, make, people, say, states, ways):
    make.follow(people.eve, people.ada)
    say("Hello")
    say("@eve@good.test hello", Audience.DIRECT)
    asked = make.post(people.eve, options=["tea", "coffee"])
    reactions.vote(session, people.ada, asked, [0], **ways())
    reactions.boost(session, people.ada, make.post(people.eve), **ways())
    profile.announce(session, people.ada, **ways())
    relations.remove_follower(session, people.ada, people.eve, **ways())

    assert states() == [
        ("Create", SHARED, "cancelled"),
        ("Create", EVE, "waiting"),
        ("Create", EVE, "waiting"),
        ("Announce", SHARED, "waiting"),
        ("Update", SHARED, "cancelled"),
        ("Reject", EVE, "waiting"),
    ]


def test_others_posts_to_the_same_inbox_are_left_alone(session, make, people, states, ways):
    make.follow(people.eve, people.ada)
    make.follow(people.eve, people.bo)
    outbox.publish(session, people.bo, Draft("Hello", audience=Audience.FOLLOWERS), **ways())
    relations.block(session, people.ada, people.eve, **ways())

    assert states() == [("Create", SHARED, "waiting"), ("Reject", EVE, "waiting")]


def test_a_reply_passed_on_to_followers_is_cancelled_with_the_rest(session, make, people, states, ways):
    make.follow(people.eve, people.ada)
    reply = make.post(make.remote("lou", "other.test"), reply_to=make.post(people.ada))
    make.add(Mention(id=make.id(), post_id=reply.id, actor_id=people.eve.id))
    make.delivery(people.ada, SHARED, post=reply)
    relations.remove_follower(session, people.ada, people.eve, **ways())

    assert states() == [("Create", SHARED, "cancelled"), ("Reject", EVE, "waiting")]


def test_what_waits_of_who_is_suspended_is_cancelled_except_what_takes_back(  # abuse case L17
    session, make, people, say, states, ways, clock
):
    make.follow(people.eve, people.ada)
    said = say("Hello")
    outbox.delete(session, say("Hello"), by=people.ada, **ways())
    boosted = make.post(people.bo)
    reactions.boost(session, people.ada, boosted, **ways())
    reactions.unboost(session, people.ada, boosted, **ways())
    outbox.edit(session, said, by=people.ada, text="Changed", **ways())
    make.follow(people.eve, people.bo)
    outbox.publish(session, people.bo, Draft("Hello", audience=Audience.FOLLOWERS), **ways())
    ada = session.scalars(select(Member).where(Member.actor_id == people.ada.id).options(joinedload(Member.actor))).one()
    members.suspend(session, ada, by=None, now=clock())

    assert [(kind, state) for kind, _, state in states()] == [
        ("Create", "cancelled"),
        ("Create", "cancelled"),
        ("Delete", "waiting"),
        ("Announce", "cancelled"),
        ("Undo", "waiting"),
        ("Update", "cancelled"),
        ("Create", "waiting"),
    ]
    reasons = set(session.scalars(select(Delivery.reason)))
    assert reasons == {"the author was suspended", "deleted before it arrived", ""}


@pytest.mark.parametrize("verb", ["block", "edit", "suspend"])
def test_what_a_content_rule_holds_is_cancelled_too(session, make, people, say, states, ways, clock, verb):
    follow = make.follow(people.eve, people.ada)
    post = say("Hello")
    session.execute(update(Delivery).values(state="held"))
    if verb == "block":
        relations.block(session, people.ada, people.eve, **ways())
    elif verb == "edit":
        relations.end(session, follow)
        outbox.edit(session, post, by=people.ada, text="Changed", **ways())
    else:
        ada = session.scalars(select(Member).where(Member.actor_id == people.ada.id).options(joinedload(Member.actor))).one()
        members.suspend(session, ada, by=None, now=clock())

    assert [row for row in states() if row[0] != "Reject"] == [("Create", SHARED, "cancelled")]

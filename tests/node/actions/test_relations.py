"""Follows, blocks and mutes: what changes here, what leaves, what is refused."""

import pytest
from sqlalchemy import select

from node.actions import relations
from node.errors import GateRefused, NotAllowed, NotThere
from node.models import Block, Follow, Mute, Notification, TimelineEntry
from node.queries import actors, timelines


def counts(*people):
    return [(actor.followers_count, actor.following_count) for actor in people]


def notices(session, actor):
    return list(session.scalars(select(Notification.kind).where(Notification.actor_id == actor.id).order_by(Notification.id)))


def test_following_a_member_counts_at_once_and_tells_them(session, make, people, ways, sent):
    post = make.post(people.bo)
    follow = relations.follow(session, people.ada, people.bo, **ways())
    assert follow.state == "accepted"
    assert counts(people.ada, people.bo) == [(0, 1), (1, 0)]
    assert notices(session, people.bo) == ["follow"]
    assert [line.post.id for line in timelines.home(session, people.ada.id)] == [post.id]
    assert sent() == []
    assert relations.follow(session, people.ada, people.bo, **ways()) is follow
    assert counts(people.ada, people.bo) == [(0, 1), (1, 0)]


def test_a_locked_member_is_asked_first(session, people, ways):
    people.bo.is_locked = True
    follow = relations.follow(session, people.ada, people.bo, **ways())
    assert follow.state == "pending"
    assert counts(people.ada, people.bo) == [(0, 0), (0, 0)]
    assert notices(session, people.bo) == ["follow_request"]
    (request,) = actors.follow_requests(session, people.bo.id)
    relations.accept_follow(session, request, **ways())
    relations.accept_follow(session, request, **ways())
    assert (follow.state, counts(people.ada, people.bo)) == ("accepted", [(0, 1), (1, 0)])
    assert notices(session, people.bo) == []
    assert notices(session, people.ada) == ["follow_accepted"]


def test_a_request_can_be_declined(session, people, ways):
    people.bo.is_locked = True
    relations.follow(session, people.ada, people.bo, **ways())
    (request,) = actors.follow_requests(session, people.bo.id)
    relations.reject_follow(session, request, **ways())
    relations.reject_follow(session, request, **ways())
    assert actors.follow_between(session, people.ada.id, people.bo.id) is None
    assert counts(people.ada, people.bo) == [(0, 0), (0, 0)]


def test_following_elsewhere_asks_the_other_server(session, people, ways, sent):
    follow = relations.follow(session, people.ada, people.eve, **ways())
    assert follow.state == "pending"
    ((kind, inbox, document),) = sent()
    assert (kind, inbox) == ("Follow", "https://good.test/users/eve/inbox")
    assert document["id"] == follow.uri
    assert (document["actor"], document["object"]) == (people.ada.uri, people.eve.uri)
    assert counts(people.ada, people.eve) == [(0, 0), (0, 0)]
    relations.follow(session, people.ada, people.eve, **ways())
    assert len(sent()) == 1


@pytest.mark.parametrize(
    ("state", "code"), [(None, "peer_not_let_in"), ("waiting", "peer_not_let_in"), ("blocked", "peer_blocked")]
)
def test_the_gate_refuses_a_follow_and_says_why(session, make, people, ways, sent, state, code):
    if state:
        make.peer("evil.test", state)
    with pytest.raises(GateRefused) as refusal:
        relations.follow(session, people.ada, people.mal, **ways())
    assert refusal.value.code == code
    assert "evil.test" in str(refusal.value)
    assert [reason.code for reason in refusal.value.reasons] == [code]
    assert session.scalars(select(Follow)).all() == []
    assert sent() == []


def test_nobody_follows_themselves_or_who_is_gone(session, make, people, ways):
    with pytest.raises(NotAllowed) as refusal:
        relations.follow(session, people.ada, people.ada, **ways())
    assert refusal.value.code == "follow_self"
    people.bo.deleted_at = make.clock()
    with pytest.raises(NotThere):
        relations.follow(session, people.ada, people.bo, **ways())
    with pytest.raises(NotThere):
        relations.follow(session, people.ada, make.actor("home", kind="Application"), **ways())


def test_unfollowing_undoes_the_follow_there_and_here(session, make, people, ways, sent):
    follow = make.follow(people.ada, people.eve, uri="https://home.test/activities/7")
    make.on_home(people.ada, make.post(people.eve))
    relations.unfollow(session, people.ada, people.eve, **ways())
    relations.unfollow(session, people.ada, people.eve, **ways())
    ((kind, _, document),) = sent()
    assert (kind, document["object"]["type"], document["object"]["id"]) == ("Undo", "Follow", follow.uri)
    assert counts(people.ada, people.eve) == [(0, 0), (0, 0)]
    assert session.scalars(select(TimelineEntry)).all() == []


def test_accepting_somebody_from_elsewhere_sends_their_follow_back(session, make, people, ways, sent):
    follow = make.follow(people.eve, people.ada, "pending", uri="https://good.test/f/1")
    relations.accept_follow(session, follow, **ways())
    ((kind, inbox, document),) = sent()
    assert (kind, inbox, document["actor"]) == ("Accept", people.eve.inbox, people.ada.uri)
    assert document["object"]["id"] == "https://good.test/f/1"
    assert document["object"]["actor"] == people.eve.uri
    assert counts(people.ada, people.eve) == [(1, 0), (0, 1)]


def test_removing_a_follower_rejects_what_was_accepted(session, make, people, ways, sent):
    make.follow(people.eve, people.ada, uri="https://good.test/f/1")
    relations.remove_follower(session, people.ada, people.eve, **ways())
    assert [(kind, document["object"]["id"]) for kind, _, document in sent()] == [("Reject", "https://good.test/f/1")]
    assert counts(people.ada, people.eve) == [(0, 0), (0, 0)]


def test_a_block_ends_both_follows_and_is_itself_never_sent(session, make, people, ways, sent):
    make.follow(people.ada, people.eve)
    make.follow(people.eve, people.ada)
    make.on_home(people.ada, make.post(people.eve))
    relations.block(session, people.ada, people.eve, **ways())
    relations.block(session, people.ada, people.eve, **ways())
    assert sorted(kind for kind, _, _ in sent()) == ["Reject", "Undo"]
    assert counts(people.ada, people.eve) == [(0, 0), (0, 0)]
    assert len(session.scalars(select(Block)).all()) == 1
    assert timelines.home(session, people.ada.id) == []


def test_blocked_people_are_not_followed_in_either_direction(session, people, ways):
    relations.block(session, people.ada, people.bo, **ways())
    with pytest.raises(NotAllowed) as mine:
        relations.follow(session, people.ada, people.bo, **ways())
    with pytest.raises(NotAllowed) as theirs:
        relations.follow(session, people.bo, people.ada, **ways())
    assert (mine.value.code, theirs.value.code) == ("blocking", "follow_refused")
    assert "block" not in str(theirs.value)
    relations.unblock(session, people.ada, people.bo, **ways())
    assert relations.follow(session, people.bo, people.ada, **ways()).state == "accepted"


def test_a_mute_is_silent_and_can_be_taken_back(session, make, people, ways, sent):
    make.on_home(people.ada, make.post(people.bo))
    relations.mute(session, people.ada, people.bo, **ways())
    relations.mute(session, people.ada, people.bo, **ways())
    assert timelines.home(session, people.ada.id) == []
    relations.unmute(session, people.ada, people.bo, **ways())
    assert len(timelines.home(session, people.ada.id)) == 1
    assert session.scalars(select(Mute)).all() == []
    assert sent() == []


@pytest.mark.parametrize("verb", [relations.block, relations.mute])
def test_nobody_turns_themselves_away(session, people, ways, verb):
    with pytest.raises(NotAllowed):
        verb(session, people.ada, people.ada, **ways())


def test_relations_tell_every_way_two_stand(session, make, people, ways):
    make.follow(people.ada, people.bo)
    make.follow(people.bo, people.ada, "pending")
    relations.mute(session, people.ada, people.mal, **ways())
    relations.block(session, people.eve, people.ada, **ways())
    found = actors.relations(session, people.ada.id, [people.bo.id, people.mal.id, people.eve.id])
    bo, mal, eve = found[people.bo.id], found[people.mal.id], found[people.eve.id]
    assert (bo.following, bo.followed_by, bo.requested_by) == ("accepted", False, True)
    assert (mal.muting, mal.following) == (True, "none")
    assert (eve.blocking, eve.blocked_by) == (False, True)

"""Likes, boosts, bookmarks, pins and votes: once each, only on what one may see, never to more people."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from node.actions import reactions
from node.errors import Expired, Invalid, NotAllowed, NotThere, Taken
from node.models import Bookmark, Boost, Like, Notification, Pin, PollVote, Post
from node.policy import Audience
from node.queries import posts, timelines
from node.queries.audience import viewer_member

EVERY = [
    reactions.like,
    reactions.boost,
    reactions.bookmark,
    reactions.pin,
    lambda *whom_and_what, **ways: reactions.vote(*whom_and_what, [0], **ways),
]
NAMES = ["like", "boost", "bookmark", "pin", "vote"]


def notices(session, actor):
    return [(row.kind, row.post_id) for row in session.scalars(select(Notification).where(Notification.actor_id == actor.id))]


def fresh(session, post):
    session.expire(post)
    return session.get(Post, post.id)


def test_a_like_counts_once_tells_the_author_and_can_be_taken_back(session, make, people, ways, sent):
    post = make.post(people.bo)
    first = reactions.like(session, people.ada, post, **ways())
    assert reactions.like(session, people.ada, post, **ways()) is first
    assert fresh(session, post).likes_count == 1
    assert notices(session, people.bo) == [("like", post.id)]
    reactions.unlike(session, people.ada, post, **ways())
    reactions.unlike(session, people.ada, post, **ways())
    assert fresh(session, post).likes_count == 0
    assert notices(session, people.bo) == []
    assert session.scalars(select(Like)).all() == []
    assert sent() == []


def test_a_like_of_a_post_from_elsewhere_goes_to_its_author_alone_and_so_does_the_undo(session, make, people, ways, sent):
    post = make.post(people.eve)
    like = reactions.like(session, people.ada, post, **ways())
    ((kind, inbox, document),) = sent()
    assert (kind, inbox, document["object"], document["id"]) == ("Like", people.eve.inbox, post.uri, like.uri)
    reactions.unlike(session, people.ada, post, **ways())
    kind, inbox, document = sent()[1]
    assert (kind, inbox) == ("Undo", people.eve.inbox)
    assert (document["object"]["type"], document["object"]["id"]) == ("Like", like.uri)


def test_a_boost_goes_to_followers_here_and_elsewhere_and_to_the_author(session, make, people, ways, sent):
    fan = make.remote("fan", "fans.test")
    make.peer("fans.test")
    make.follow(fan, people.ada)
    make.follow(people.bo, people.ada)
    post = make.post(people.eve)
    boost = reactions.boost(session, people.ada, post, **ways())
    assert reactions.boost(session, people.ada, post, **ways()) is boost
    assert sorted((kind, inbox) for kind, inbox, _ in sent()) == [
        ("Announce", "https://fans.test/inbox"),
        ("Announce", "https://good.test/inbox"),
    ]
    document = sent()[0][2]
    assert document["object"] == post.uri
    assert document["to"] == ["https://www.w3.org/ns/activitystreams#Public"]
    assert document["cc"] == [people.ada.followers_uri, people.eve.uri]
    (line,) = timelines.home(session, people.bo.id)
    assert (line.boosted_by.id, line.post.id) == (people.ada.id, post.id)
    reactions.unboost(session, people.ada, post, **ways())
    reactions.unboost(session, people.ada, post, **ways())
    assert timelines.home(session, people.bo.id) == []
    assert session.scalars(select(Boost)).all() == []
    assert fresh(session, post).boosts_count == 0
    assert [kind for kind, _, _ in sent()].count("Undo") == 2


@pytest.mark.parametrize("audience", [Audience.FOLLOWERS, Audience.PARTNERS, Audience.MEMBERS, Audience.DIRECT])
def test_nothing_is_boosted_to_more_people_than_it_was_for_not_even_one_s_own(session, make, people, ways, sent, audience):
    post = make.post(people.ada, audience, mentions=[people.bo])
    with pytest.raises(NotAllowed) as refusal:
        reactions.boost(session, people.ada, post, **ways())
    assert refusal.value.code == "boost_wider"
    assert sent() == []


@pytest.mark.parametrize("react", EVERY, ids=NAMES)
def test_nobody_reacts_to_what_they_may_not_see(session, make, people, ways, sent, react):
    hidden = make.post(people.bo, Audience.DIRECT, mentions=[people.mal], options=["yes", "no"])
    with pytest.raises(NotThere):
        react(session, people.ada, hidden, **ways())
    gone = make.post(people.bo, options=["yes", "no"], deleted_at=make.clock())
    with pytest.raises(NotThere):
        react(session, people.ada, gone, **ways())
    assert sent() == []


@pytest.mark.parametrize("react", EVERY, ids=NAMES)
def test_a_block_in_either_direction_ends_reactions(session, make, people, ways, react):
    from node.actions import relations

    post = make.post(people.bo, options=["yes", "no"])
    relations.block(session, people.bo, people.ada, **ways())
    relations.block(session, people.mal, people.ada, **ways())
    relations.block(session, people.ada, people.eve, **ways())
    for hidden in (post, make.post(people.mal), make.post(people.eve)):
        with pytest.raises(NotThere):
            react(session, people.ada, hidden, **ways())


def test_a_bookmark_is_private_and_kept_once(session, make, people, ways, sent):
    post = make.post(people.eve)
    reactions.bookmark(session, people.ada, post, **ways())
    reactions.bookmark(session, people.ada, post, **ways())
    (kept,) = session.scalars(select(Bookmark)).all()
    viewer = viewer_member(people.ada.id)
    assert [line.entry_id for line in timelines.bookmarks(session, viewer, kept.member_id)] == [kept.id]
    reactions.unbookmark(session, people.ada, post, **ways())
    assert timelines.bookmarks(session, viewer, kept.member_id) == []
    assert sent() == []
    assert notices(session, people.eve) == []


def test_a_pin_is_told_to_those_who_have_the_post_and_undone(session, make, people, ways, sent):
    make.follow(people.eve, people.ada)
    post = make.post(people.ada)
    reactions.pin(session, people.ada, post, **ways())
    reactions.pin(session, people.ada, post, **ways())
    assert [each.id for each in posts.pinned(session, viewer_member(people.bo.id), people.ada.id)] == [post.id]
    reactions.unpin(session, people.ada, post, **ways())
    reactions.unpin(session, people.ada, post, **ways())
    assert [(kind, document["target"], document["object"]) for kind, _, document in sent()] == [
        ("Add", people.ada.featured_uri, post.uri),
        ("Remove", people.ada.featured_uri, post.uri),
    ]
    assert session.scalars(select(Pin)).all() == []


def test_a_pin_of_an_inside_post_tells_nobody_outside(session, make, people, ways, sent):
    make.follow(people.eve, people.ada)
    reactions.pin(session, people.ada, make.post(people.ada, Audience.MEMBERS), **ways())
    assert sent() == []


def test_pins_are_one_s_own_few_and_not_private(session, make, people, ways):
    with pytest.raises(NotAllowed) as refusal:
        reactions.pin(session, people.ada, make.post(people.bo), **ways())
    assert refusal.value.code == "pin_others"
    with pytest.raises(NotAllowed) as refusal:
        reactions.pin(session, people.ada, make.post(people.ada, Audience.DIRECT), **ways())
    assert refusal.value.code == "pin_narrow"
    for _ in range(reactions.MOST_PINS):
        reactions.pin(session, people.ada, make.post(people.ada), **ways())
    with pytest.raises(NotAllowed) as refusal:
        reactions.pin(session, people.ada, make.post(people.ada), **ways())
    assert refusal.value.code == "pins_full"


def test_a_vote_counts_once_and_is_final(session, make, people, ways, sent):
    poll = make.post(people.bo, options=["tea", "coffee"])
    reactions.vote(session, people.ada, poll, [1], **ways())
    with pytest.raises(Taken):
        reactions.vote(session, people.ada, poll, [0], **ways())
    session.expire_all()
    shown = posts.get(session, poll.id, viewer_member(people.ada.id))
    assert ([option.votes_count for option in shown.options], shown.poll["voters"]) == ([0, 1], 1)
    assert posts.marks(session, people.ada.id, [poll.id])[poll.id].voted == (1,)
    assert sent() == []


def test_a_vote_elsewhere_is_a_note_to_the_asker_for_each_choice(session, make, people, ways, sent):
    asked = {"multiple": True, "closes_at": None, "closed": False, "voters": 3}
    poll = make.post(people.eve, options=["tea", "coffee", "milk"], poll=asked)
    reactions.vote(session, people.ada, poll, [0, 2], **ways())
    ballots = [document["object"] for _, _, document in sent()]
    assert [(ballot["name"], ballot["inReplyTo"], ballot["to"]) for ballot in ballots] == [
        ("tea", poll.uri, [people.eve.uri]),
        ("milk", poll.uri, [people.eve.uri]),
    ]
    assert {inbox for _, inbox, _ in sent()} == {people.eve.inbox}
    assert {ballot["id"] for ballot in ballots} == set(session.scalars(select(PollVote.uri)))


@pytest.mark.parametrize("choices", [[], [2], [-1], [0, 1]])
def test_a_vote_is_for_answers_there_are(session, make, people, ways, choices):
    poll = make.post(people.bo, options=["tea", "coffee"])
    with pytest.raises(Invalid) as refusal:
        reactions.vote(session, people.ada, poll, choices, **ways())
    assert refusal.value.field == "option"
    assert session.scalars(select(PollVote)).all() == []


def test_votes_come_in_time_and_not_from_the_asker(session, make, people, ways, clock):
    poll = make.post(people.bo, options=["tea", "coffee"])
    with pytest.raises(NotAllowed):
        reactions.vote(session, people.bo, poll, [0], **ways())
    with pytest.raises(Invalid):
        reactions.vote(session, people.ada, make.post(people.bo), [0], **ways())
    ends = clock() + timedelta(hours=1)
    asked = {"multiple": False, "closes_at": ends.isoformat(), "closed": False}
    timed = make.post(people.bo, options=["tea", "coffee"], poll=asked)
    clock.move(timedelta(hours=2))
    for over in (timed, make.post(people.bo, options=["tea", "coffee"], poll={"multiple": False, "closed": True})):
        with pytest.raises(Expired):
            reactions.vote(session, people.ada, over, [0], **ways())


def test_marks_answer_for_every_post_asked_about(session, make, people, ways):
    one, two = make.post(people.ada), make.post(people.bo)
    for verb in (reactions.like, reactions.boost, reactions.bookmark, reactions.pin):
        verb(session, people.ada, one, **ways())
    marks = posts.marks(session, people.ada.id, [one.id, two.id])
    assert marks[one.id] == posts.Marks(True, True, True, True, ())
    assert marks[two.id] == posts.Marks()
    assert posts.marks(session, people.ada.id, []) == {}

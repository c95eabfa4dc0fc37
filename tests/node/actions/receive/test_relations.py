"""Follow and its answers, Block, Flag, Add and Remove."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from node.models import Activity, Block, Delivery, Follow, Notification, Pin, Report, TimelineEntry
from tests.node.actions.receive.conftest import activity, note, person


def count(session, table, *where):
    return session.scalar(select(func.count()).select_from(table).where(*where))


def answers(session):
    return [json.loads(row.document) for row in session.scalars(select(Activity).order_by(Activity.id))]


def told(session):
    return [row.kind for row in session.scalars(select(Notification))]


def test_a_follow_is_accepted_at_once(session, arrivals, ada, bob):
    wish = activity("Follow", bob, ada.uri)

    assert arrivals.apply(bob, wish, again=False).state == "done"

    follow = session.scalars(select(Follow)).one()
    assert (follow.state, follow.uri, ada.followers_count, bob.following_count) == ("accepted", wish["id"], 1, 1)
    (answer,) = answers(session)
    assert (answer["type"], answer["actor"], answer["object"]["id"]) == ("Accept", ada.uri, wish["id"])
    assert answer["object"]["actor"] == bob.uri
    assert count(session, Delivery) == 1
    assert told(session) == ["follow"]


def test_a_repeated_follow_is_answered_again_and_counted_once(session, arrivals, ada, bob):
    arrivals.apply(bob, activity("Follow", bob, ada.uri, 1), again=False)
    arrivals.apply(bob, activity("Follow", bob, ada.uri, 2), again=False)

    assert count(session, Follow) == 1
    assert ada.followers_count == 1
    assert [answer["type"] for answer in answers(session)] == ["Accept", "Accept"]


def test_a_locked_member_and_a_limited_peer_are_asked_first(session, make, arrivals, ada, bob):
    ada.is_locked = True
    make.peer("limited.test", "limited")
    eve, carl = make.remote("eve", "limited.test"), make.member("carl").actor

    assert arrivals.apply(bob, activity("Follow", bob, ada.uri)).reason == "waits"
    assert arrivals.apply(eve, activity("Follow", eve, carl.uri)).reason == "waits"
    assert session.scalars(select(Follow.state)).all() == ["pending", "pending"]
    assert (ada.followers_count, carl.followers_count, answers(session)) == (0, 0, [])
    assert told(session) == ["follow_request", "follow_request"]


def test_a_blocked_actor_is_rejected(session, make, arrivals, ada, bob):
    make.add(Block(id=make.id(), actor_id=ada.id, target_id=bob.id, created_at=make.clock()))

    assert arrivals.apply(bob, activity("Follow", bob, ada.uri), again=False).state == "refused"
    assert count(session, Follow) == 0
    assert [answer["type"] for answer in answers(session)] == ["Reject"]
    assert told(session) == []


@pytest.mark.parametrize("shape", ["id", "embedded", "without id"])
def test_the_target_accepts_our_follow(session, make, arrivals, ada, bob, shape):
    follow = make.follow(ada, bob, "pending")
    make.post(bob)
    embedded = {"type": "Follow", "actor": ada.uri, "object": bob.uri}
    what = {"id": follow.uri, "embedded": embedded | {"id": follow.uri}, "without id": embedded}[shape]

    assert arrivals.apply(bob, activity("Accept", bob, what)).state == "done"
    assert (follow.state, ada.following_count, bob.followers_count) == ("accepted", 1, 1)
    assert told(session) == ["follow_accepted"]
    assert count(session, TimelineEntry, TimelineEntry.actor_id == ada.id) == 1


def test_an_answer_to_nothing_and_of_another_is_refused(session, make, arrivals, ada, bob):
    make.peer("evil.test")
    evil, carl = make.remote("eve", "evil.test"), make.member("carl").actor
    follow = make.follow(ada, bob, "pending")

    for number, what in enumerate((
        follow.uri, f"{ada.uri}#follows/0", {"type": "Follow", "actor": ada.uri, "object": evil.uri},
        {"type": "Follow", "id": follow.uri, "actor": ada.uri, "object": bob.uri},
        {"type": "Follow", "id": follow.uri, "actor": ada.uri, "object": evil.uri},
    )):  # fmt: skip
        assert arrivals.apply(evil, activity("Accept", evil, what, number)).state == "refused"  # case A13
        assert arrivals.apply(evil, activity("Reject", evil, what, number)).state == "refused"  # case A14
    other = {"type": "Follow", "id": follow.uri, "actor": carl.uri, "object": bob.uri}
    assert arrivals.apply(bob, activity("Accept", bob, other)).state == "refused"
    assert follow.state == "pending"
    assert count(session, Follow) == 1


def test_a_reject_ends_a_follow_also_later(session, make, arrivals, ada, bob):
    follow = make.follow(ada, bob)
    make.on_home(ada, make.post(bob))

    assert arrivals.apply(bob, activity("Reject", bob, follow.uri)).state == "done"
    assert (count(session, Follow), count(session, TimelineEntry), ada.following_count, bob.followers_count) == (0, 0, 0, 0)


def test_a_block_ends_follows_both_ways(session, make, arrivals, ada, bob):
    make.follow(ada, bob)
    make.follow(bob, ada)

    assert arrivals.apply(bob, activity("Block", bob, ada.uri)).state == "done"
    assert (count(session, Follow), count(session, Block), ada.followers_count, ada.following_count) == (0, 1, 0, 0)


def test_a_ban_from_a_group_is_no_block(session, arrivals, ada, bob):
    ban = activity("Block", bob, ada.uri, target="https://peer.test/c/news")

    assert arrivals.apply(bob, ban).state == "ignored"
    assert count(session, Block) == 0


def test_a_report_names_only_posts_the_reporter_can_see(session, make, arrivals, ada, bob):
    make.member("mod", role="moderator")
    seen, hidden = make.post(ada), make.post(ada, "followers")
    report = activity("Flag", bob, [ada.uri, seen.uri, hidden.uri, make.post(make.member("x").actor).uri], content="<b>rude</b>")

    assert arrivals.apply(bob, report).state == "done"
    kept = session.scalars(select(Report)).one()
    assert (kept.target_id, kept.post_ids, kept.comment) == (ada.id, [seen.id], "rude")  # case A25
    assert told(session) == ["report"]


def test_a_report_about_what_cannot_be_seen_is_ignored(session, make, arrivals, ada, bob):
    hidden = make.post(ada, "members")

    assert arrivals.apply(bob, activity("Flag", bob, [hidden.uri])).state == "ignored"
    assert count(session, Report) == 0


def test_only_ones_own_posts_are_featured_in_ones_own_collection(session, make, arrivals, bob):
    eve = make.remote("eve")
    mine, hers = note(bob), note(eve)
    arrivals.apply(bob, activity("Create", bob, mine))
    arrivals.apply(eve, activity("Create", eve, hers))

    assert arrivals.apply(bob, activity("Add", bob, hers["id"], target=bob.featured_uri)).state == "refused"
    assert arrivals.apply(bob, activity("Add", bob, mine["id"], target=eve.featured_uri)).state == "refused"
    assert arrivals.apply(bob, activity("Add", bob, mine["id"], target=bob.featured_uri)).state == "done"
    assert count(session, Pin) == 1
    assert arrivals.apply(bob, activity("Remove", bob, mine["id"], target=bob.featured_uri)).state == "done"
    assert count(session, Pin) == 0


def test_followers_go_with_an_actor_that_moves(session, make, arrivals, ada, bob):
    make.peer("new.test")
    new = make.remote("bob", "new.test")
    make.follow(ada, bob)
    arrivals.fetched |= {bob.uri: person(bob, movedTo=new.uri), new.uri: person(new, alsoKnownAs=[bob.uri])}

    assert arrivals.apply(bob, activity("Move", bob, bob.uri, target=new.uri)).state == "done"

    assert [(row.target_id, row.state) for row in session.scalars(select(Follow))] == [(new.id, "pending")]
    assert [answer["type"] for answer in answers(session)] == ["Follow", "Undo"]
    assert bob.moved_to_uri == new.uri


@pytest.mark.parametrize("who", ["the new one", "the old one", "another"])
def test_a_move_needs_the_word_of_both(session, make, arrivals, ada, bob, who):
    make.peer("new.test")
    new, eve = make.remote("bob", "new.test"), make.remote("eve")
    make.follow(ada, bob)
    arrivals.fetched |= {bob.uri: person(bob, movedTo=new.uri), new.uri: person(new, alsoKnownAs=[bob.uri])}
    if who == "the new one":
        arrivals.fetched[new.uri] = person(new)
    elif who == "the old one":
        arrivals.fetched[bob.uri] = person(bob)
    sender = eve if who == "another" else bob

    assert arrivals.apply(sender, activity("Move", sender, bob.uri, target=new.uri)).state == "refused"
    assert [row.target_id for row in session.scalars(select(Follow))] == [bob.id]


@pytest.mark.parametrize(("kind", "table"), [("Follow", Follow), ("Block", Block)])
def test_an_id_that_says_two_things_does_the_first(session, make, arrivals, ada, bob, kind, table):
    other, eve = make.member("eve").actor, make.remote("mal", bob.host)
    said = activity(kind, bob, ada.uri)

    assert arrivals.apply(bob, said).state == "done"
    assert arrivals.apply(bob, said | {"object": other.uri}).reason == "id_used_before"
    assert arrivals.apply(eve, said | {"actor": eve.uri}).reason == "id_used_before"
    assert arrivals.apply(bob, said).state == "done"
    assert count(session, table) == 1

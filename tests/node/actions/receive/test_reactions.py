"""Like and Announce: only of what the sender can see, only of what its own server says."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from federation.vocabulary import PUBLIC
from node.models import Boost, Like, Notification, Post, TimelineEntry
from tests.node.actions.receive.conftest import activity, note, person


def count(session, table, *where):
    return session.scalar(select(func.count()).select_from(table).where(*where))


@pytest.mark.parametrize(("kind", "content"), [("Like", None), ("Like", "🎉"), ("EmojiReact", "🎉")])
def test_a_like_counts_once(session, make, arrivals, ada, bob, kind, content):
    mine = make.post(ada)

    for number in (1, 2):
        arrivals.apply(bob, activity(kind, bob, mine.uri, number, content=content))
    assert (mine.likes_count, count(session, Like), count(session, Notification)) == (1, 1, 1)


@pytest.mark.parametrize("audience", ["direct", "members", "followers", "partners", "space"])
def test_nobody_likes_or_boosts_what_they_cannot_see(session, make, arrivals, ada, bob, audience):
    mine = make.post(ada, audience)

    assert arrivals.apply(bob, activity("Like", bob, mine.uri)).state == "refused"  # case A20
    assert arrivals.apply(bob, activity("Announce", bob, mine.uri)).state == "refused"
    assert [count(session, table) for table in (Like, Boost, Notification)] == [0, 0, 0]


def test_a_follower_likes_but_does_not_boost_a_post_for_followers(session, make, arrivals, ada, bob):
    make.follow(bob, ada)
    mine = make.post(ada, "followers")

    assert arrivals.apply(bob, activity("Like", bob, mine.uri)).state == "done"
    assert arrivals.apply(bob, activity("Announce", bob, mine.uri)).state == "refused"


def test_a_boost_of_ours_is_counted_told_and_spread(session, make, arrivals, ada, bob):
    reader = make.member("eve").actor
    make.follow(reader, bob)
    mine = make.post(ada)

    assert arrivals.apply(bob, activity("Announce", bob, mine.uri, to=[PUBLIC])).state == "done"
    assert (mine.boosts_count, count(session, Boost), count(session, Notification)) == (1, 1, 1)
    assert session.scalars(select(TimelineEntry.actor_id)).all() == [reader.id]


def test_a_boosted_post_is_read_at_its_own_id(session, make, arrivals, bob):
    make.peer("victim.test")
    victim = make.remote("vic", "victim.test")
    truth = note(victim, content="<p>true</p>")
    arrivals.fetched[truth["id"]] = truth

    outcome = arrivals.apply(bob, activity("Announce", bob, truth | {"content": "lies"}, to=[PUBLIC]))

    assert outcome.state == "done"
    assert session.scalars(select(Post.content_html)).all() == ["<p>true</p>"]  # case A10
    assert victim.posts_count == 1


def test_a_boosted_post_that_is_not_there_is_not_made_up(session, make, arrivals, bob):
    make.peer("victim.test")
    victim = make.remote("vic", "victim.test")

    assert arrivals.apply(bob, activity("Announce", bob, note(victim))).state == "ignored"
    assert (count(session, Post), count(session, Boost)) == (0, 0)


def test_the_author_of_a_boosted_post_is_read_too(session, make, arrivals, bob):
    make.peer("victim.test")
    author = make.remote("vic", "victim.test")
    said, uri = note(author), author.uri
    session.delete(author)
    session.flush()
    arrivals.fetched |= {said["id"]: said, uri: person(author)}

    assert arrivals.apply(bob, activity("Announce", bob, said["id"], to=[PUBLIC]), again=False).state == "done"
    assert arrivals.asked == [said["id"], uri]


def test_a_private_post_and_one_from_outside_the_gate_are_not_boosted_in(session, make, arrivals, bob):
    make.peer("victim.test")
    victim, stranger = make.remote("vic", "victim.test"), make.remote("eve", "stranger.test")
    private, strange = note(victim, to=[f"{victim.uri}/followers"], cc=[]), note(stranger)
    arrivals.fetched |= {private["id"]: private, strange["id"]: strange}

    assert arrivals.apply(bob, activity("Announce", bob, private["id"], 1)).state == "ignored"
    assert arrivals.apply(bob, activity("Announce", bob, strange["id"], 2)).state == "ignored"
    assert (count(session, Post), count(session, Boost)) == (0, 0)


@pytest.fixture
def group(make):
    return make.remote("news", "peer.test", kind="Group")


def test_a_group_passes_on_posts_that_their_servers_confirm(session, make, arrivals, group):
    make.peer("victim.test")
    victim = make.remote("vic", "victim.test")
    reader = make.member("reader").actor
    make.follow(reader, group)
    page = note(victim, type="Page", name="Title")
    made_up = note(victim, 2)
    arrivals.fetched[page["id"]] = page

    passed = activity("Announce", group, activity("Create", victim, page), 1, to=[PUBLIC])
    invented = activity("Announce", group, activity("Create", victim, made_up), 2, to=[PUBLIC])
    assert arrivals.apply(group, passed).state == "done"
    assert arrivals.apply(group, invented).state == "ignored"  # case A27
    assert session.scalars(select(Post.title)).all() == ["Title"]
    assert count(session, TimelineEntry, TimelineEntry.actor_id == reader.id) == 1


def test_a_group_passes_on_edits_and_deletes_that_their_servers_confirm(session, make, arrivals, group):
    make.peer("victim.test")
    victim = make.remote("vic", "victim.test")
    page = note(victim, type="Page", name="Title", content="one")
    arrivals.apply(victim, activity("Create", victim, page))
    post = session.scalars(select(Post)).one()

    arrivals.fetched[page["id"]] = page | {"content": "two"}
    inner = activity("Update", victim, page | {"content": "lies"})
    arrivals.apply(group, activity("Announce", group, inner, 1))
    assert post.content_html == "two"
    gone = activity("Announce", group, activity("Delete", victim, page["id"]), 2)
    assert arrivals.apply(group, gone).reason == "still_there"
    arrivals.fetched[page["id"]] = None
    arrivals.gone.add(page["id"])
    assert arrivals.apply(group, gone, again=False).state == "done"
    assert post.deleted_at is not None


def test_only_a_group_passes_activities_on(session, make, arrivals, bob):
    assert arrivals.apply(bob, activity("Announce", bob, activity("Create", bob, note(bob)))).state == "ignored"
    assert count(session, Post) == 0


@pytest.mark.parametrize("kind", ["Like", "Announce"])
def test_an_id_that_says_two_things_does_the_first(session, make, arrivals, ada, bob, kind):
    first, second = make.post(ada), make.post(ada)
    eve = make.remote("eve", bob.host)
    said = activity(kind, bob, first.uri, to=[PUBLIC])

    assert arrivals.apply(bob, said).state == "done"
    assert arrivals.apply(bob, said | {"object": second.uri}).reason == "id_used_before"
    assert arrivals.apply(eve, said | {"actor": eve.uri}).reason == "id_used_before"
    assert (count(session, Like) + count(session, Boost), second.likes_count + second.boosts_count) == (1, 0)

"""Create: posts are kept once, by their author alone, and land where people look."""

from __future__ import annotations

from random import choices
from string import ascii_letters

import pytest
from sqlalchemy import func, select, update

from federation.vocabulary import PUBLIC
from node.models import (
    Attachment,
    Block,
    Errand,
    Hashtag,
    Mention,
    Notification,
    PollOption,
    PollVote,
    Post,
    TimelineEntry,
    Tombstone,
)
from tests.node.actions.receive.conftest import activity, note


def count(session, table, *where):
    return session.scalar(select(func.count()).select_from(table).where(*where))


def only_post(session):
    return session.scalars(select(Post).where(Post.is_local.is_(False))).one()


def test_a_note_is_kept_cleaned_and_shown_to_followers(session, make, arrivals, ada, bob):
    make.follow(ada, bob)
    content = '<p onclick="x()">Hi <script>alert(1)</script></p>'
    said = note(bob, content=content, summary="<b>careful</b>", sensitive=True, contentMap={"de": content})

    outcome = arrivals.apply(bob, activity("Create", bob, said))

    post = only_post(session)
    assert outcome.state == "done"
    assert (post.content_html, post.content_raw, post.summary) == ("<p>Hi </p>", content, "careful")
    assert (post.audience, post.language, post.is_sensitive, post.author_id) == ("public", "de", True, bob.id)
    assert count(session, TimelineEntry, TimelineEntry.actor_id == ada.id) == 1
    assert bob.posts_count == 1
    assert bob.last_post_at == post.published_at


@pytest.mark.parametrize(
    ("to", "cc", "audience"),
    [
        ([PUBLIC], [], "public"),
        (["as:Public"], [], "public"),
        (["https://peer.test/users/bob/followers"], [PUBLIC], "unlisted"),
        (["https://peer.test/users/bob/followers"], [], "followers"),
        (["https://home.test/users/ada"], [], "direct"),
        (["https://other.test/users/eve/followers"], [], "direct"),
        ([], [], "direct"),
    ],
)
def test_the_audience_is_what_the_addressing_says(session, arrivals, ada, bob, to, cc, audience):
    arrivals.apply(bob, activity("Create", bob, note(bob, to=to, cc=cc)))

    assert only_post(session).audience == audience


def test_a_direct_post_reaches_whom_it_names_and_no_home(session, make, arrivals, ada, bob):
    make.follow(ada, bob)
    arrivals.apply(bob, activity("Create", bob, note(bob, to=[ada.uri], cc=[])))

    assert count(session, TimelineEntry) == 0
    assert session.scalars(select(Mention.actor_id)).all() == [ada.id]
    assert [(row.kind, row.actor_id) for row in session.scalars(select(Notification))] == [("mention", ada.id)]


def test_a_blind_copy_in_a_personal_inbox_is_for_its_owner(session, arrivals, ada, bob):
    arrivals.apply(bob, activity("Create", bob, note(bob, to=None, cc=None)), inbox_owner=ada.id)

    assert session.scalars(select(Mention.actor_id)).all() == [ada.id]


def test_mentions_and_replies_notify_once(session, make, arrivals, ada, bob):
    mine = make.post(ada)
    tags = [{"type": "Mention", "href": ada.uri}, {"type": "Hashtag", "name": "#Tag"}]

    arrivals.apply(bob, activity("Create", bob, note(bob, inReplyTo=mine.uri, tag=tags)))

    post = only_post(session)
    assert (post.in_reply_to_id, post.thread_id) == (mine.id, mine.thread_id)
    assert mine.replies_count == 1
    assert [row.kind for row in session.scalars(select(Notification))] == ["reply"]
    assert session.scalars(select(Hashtag.name)).all() == ["tag"]


def test_a_reply_to_what_stays_inside_hangs_on_nothing(session, make, arrivals, ada, bob):
    inside = make.post(ada, "members")

    arrivals.apply(bob, activity("Create", bob, note(bob, inReplyTo=inside.uri)))

    assert only_post(session).in_reply_to_id is None
    assert count(session, Notification) == 0


def test_a_missing_ancestor_is_wanted_within_a_budget(session, arrivals, bob):
    arrivals.apply(bob, activity("Create", bob, note(bob, inReplyTo="https://peer.test/users/eve/statuses/9")))

    errand = session.scalars(select(Errand)).one()
    assert (errand.kind, errand.uri, errand.budget) == ("post", "https://peer.test/users/eve/statuses/9", 99)


def test_a_thread_comes_together_in_any_order(session, arrivals, bob):
    first, second, third = (f"{bob.uri}/statuses/{number}" for number in (1, 2, 3))
    arrivals.apply(bob, activity("Create", bob, note(bob, 3, inReplyTo=second), 3))
    arrivals.apply(bob, activity("Create", bob, note(bob, 1), 1))
    arrivals.apply(bob, activity("Create", bob, note(bob, 2, inReplyTo=first), 2))

    posts = {post.uri: post for post in session.scalars(select(Post))}
    assert posts[third].in_reply_to_id == posts[second].id
    assert {post.thread_id for post in posts.values()} == {posts[first].id}
    assert (posts[first].replies_count, posts[second].replies_count) == (1, 1)


def test_another_authors_post_is_refused(session, make, arrivals, bob):
    eve = make.remote("eve")
    outcome = arrivals.apply(bob, activity("Create", bob, note(eve)))  # case A01

    assert (outcome.state, count(session, Post)) == ("refused", 0)


def test_an_id_on_another_server_is_refused_and_stays_free(session, make, arrivals, bob):
    make.peer("victim.test")
    victim = make.remote("vic", "victim.test")
    stolen = note(bob, id=f"{victim.uri}/statuses/1")

    assert arrivals.apply(bob, activity("Create", bob, stolen)).state == "refused"  # case A02
    assert arrivals.apply(victim, activity("Create", victim, note(victim))).state == "done"
    assert only_post(session).author_id == victim.id


def test_an_id_of_ours_is_refused(session, arrivals, ada, bob):
    assert arrivals.apply(bob, activity("Create", bob, note(bob, id=f"{ada.uri}/posts/1"))).state == "refused"  # case A23
    assert count(session, Post) == 0


def test_a_known_post_is_not_widened_by_another_create(session, make, arrivals, ada, bob):
    arrivals.apply(bob, activity("Create", bob, note(bob, to=[ada.uri], cc=[])))
    arrivals.apply(bob, activity("Create", bob, note(bob), 2))  # case A15
    eve = make.remote("eve")
    arrivals.apply(eve, activity("Create", eve, note(bob)))

    assert only_post(session).audience == "direct"


def test_what_is_deleted_stays_deleted(session, make, arrivals, bob):
    uri = f"{bob.uri}/statuses/1"
    arrivals.apply(bob, activity("Delete", bob, {"id": uri, "type": "Tombstone"}))

    assert arrivals.apply(bob, activity("Create", bob, note(bob))).reason == "gone"  # case A08
    assert count(session, Post) == 0
    assert session.scalars(select(Tombstone.uri)).all() == [uri]


def test_an_object_named_by_its_id_is_read_there(session, arrivals, bob):
    said = note(bob)
    arrivals.fetched[said["id"]] = said

    assert arrivals.apply(bob, activity("Create", bob, said["id"])).state == "done"
    assert only_post(session).uri == said["id"]


@pytest.mark.parametrize("kind", ["Article", "Page", "Question", "Event", "Image", "Video", "Audio"])
def test_all_kinds_of_posts_are_kept(session, arrivals, bob, kind):
    said = note(
        bob, type=kind, name="A title", startTime="2026-04-01T10:00:00Z", location={"type": "Place", "name": "Berlin"},
        oneOf=[{"type": "Note", "name": "yes", "replies": {"totalItems": 3}}, {"type": "Note", "name": "no"}] if kind == "Question" else None,  # noqa: E501
        attachment=[{"type": "Document", "mediaType": "image/png", "url": "https://peer.test/a.png", "name": "a cat", "width": 3}],  # noqa: E501
    )  # fmt: skip
    arrivals.apply(bob, activity("Create", bob, said))

    post = only_post(session)
    assert (post.kind, post.title) == (kind, "A title")
    attachment = session.scalars(select(Attachment)).one()
    assert (attachment.kind, attachment.description, attachment.width) == ("image", "a cat", 3)
    options = [(row.name, row.votes_count) for row in session.scalars(select(PollOption).order_by(PollOption.position))]
    assert options == ([("yes", 3), ("no", 0)] if kind == "Question" else [])
    assert (post.event is not None) == (kind == "Event")


def test_an_unknown_kind_is_ignored(session, arrivals, bob):
    assert arrivals.apply(bob, activity("Create", bob, note(bob, type="__x"))).state == "ignored"
    assert arrivals.apply(bob, activity("__Y", bob, note(bob))).state == "ignored"
    assert count(session, Post) == 0


def test_a_post_from_the_future_is_dated_now(session, make, arrivals, bob):
    arrivals.apply(bob, activity("Create", bob, note(bob, published="2999-01-01T00:00:00Z")))

    assert only_post(session).published_at <= make.clock()


def test_a_peer_that_is_not_let_in_any_more_is_refused(session, make, arrivals):
    make.peer("closed.test", "blocked")
    eve = make.remote("eve", "sub.closed.test")

    assert arrivals.apply(eve, activity("Create", eve, note(eve))).state == "refused"


def test_the_longest_ids_are_kept_and_longer_ones_are_ignored(session, make, arrivals):
    """PostgreSQL indexes at most 2,704 bytes, and a character may have four."""

    def long_id(bob, alphabet, length):
        start = f"{bob.uri}/"
        return start + "".join(choices(alphabet, k=length - len(start)))

    bob, carl = make.remote("bob"), make.remote("carl")
    bob.uri = long_id(bob, ascii_letters, 2000)
    session.flush()
    assert arrivals.apply(bob, activity("Create", bob, note(bob, id=long_id(bob, ascii_letters, 2048)), 1)).state == "done"
    wide = [chr(number) for number in range(0x20000, 0x20400)]
    outcome = arrivals.apply(carl, activity("Create", carl, note(carl, id=long_id(carl, wide, 2048)), 2))

    assert (outcome.state, outcome.reason) == ("ignored", "no_id")
    assert count(session, Post) == 1


def test_votes_are_counted_once(session, make, arrivals, ada, bob):
    poll = make.post(ada, options=["tea", "coffee"])

    def vote(name, number):
        said = {
            "id": f"{bob.uri}/votes/{number}",
            "type": "Note",
            "attributedTo": bob.uri,
            "name": name,
            "inReplyTo": poll.uri,
            "to": ada.uri,
        }
        return arrivals.apply(bob, activity("Create", bob, said, number)).state

    assert [vote("tea", 1), vote("tea", 2), vote("coffee", 3), vote("milk", 4)] == ["done", "ignored", "ignored", "ignored"]
    assert [row.votes_count for row in session.scalars(select(PollOption).order_by(PollOption.position))] == [1, 0]
    assert poll.poll["voters"] == 1
    assert count(session, PollVote) == 1
    assert count(session, Post, Post.is_local.is_(False)) == 0


def test_a_vote_that_another_worker_counted_meanwhile_is_not_lost(session, make, arrivals, ada, bob):
    poll = make.post(ada, options=["tea", "coffee"])
    options = session.scalars(select(PollOption).where(PollOption.post_id == poll.id).order_by(PollOption.position)).all()
    unseen = {"synchronize_session": False}  # what this session has read is out of date now, as with another worker's commit
    session.execute(update(PollOption).where(PollOption.id == options[0].id).values(votes_count=41), execution_options=unseen)
    counted = update(Post).where(Post.id == poll.id).values(poll=dict(poll.poll) | {"voters": 41})
    session.execute(counted, execution_options=unseen)
    said = {
        "id": f"{bob.uri}/votes/1",
        "type": "Note",
        "attributedTo": bob.uri,
        "name": "tea",
        "inReplyTo": poll.uri,
        "to": ada.uri,
    }

    assert arrivals.apply(bob, activity("Create", bob, said)).state == "done"
    assert (options[0].votes_count, poll.poll["voters"]) == (42, 42)


def test_nobody_votes_in_a_poll_they_cannot_see(session, make, arrivals, ada, bob):
    poll = make.post(ada, "followers", options=["tea", "coffee"])
    said = {"id": f"{bob.uri}/votes/1", "type": "Note", "attributedTo": bob.uri, "name": "tea", "inReplyTo": poll.uri}

    assert arrivals.apply(bob, activity("Create", bob, said)).state == "refused"  # case A20
    assert count(session, PollVote) == 0


def test_who_is_blocked_reaches_nobody_who_blocked_them(session, make, arrivals, ada, bob):
    said = note(bob, 1, to=[ada.uri], cc=[])
    arrivals.apply(bob, activity("Create", bob, said))
    mine = make.post(ada)
    make.add(Block(id=make.id(), actor_id=ada.id, target_id=bob.id, created_at=make.clock()))
    before = count(session, Notification)

    assert arrivals.apply(bob, activity("Update", bob, said | {"content": "more"})).state == "refused"  # case L16
    arrivals.apply(bob, activity("Create", bob, note(bob, 2, to=[ada.uri], cc=[]), 2), inbox_owner=ada.id)
    arrivals.apply(bob, activity("Create", bob, note(bob, 3, inReplyTo=mine.uri), 3))

    assert count(session, Mention) == 1
    assert (count(session, Notification), mine.replies_count) == (before, 0)
    assert arrivals.apply(bob, activity("Like", bob, mine.uri)).state == "refused"


@pytest.mark.parametrize(("audience", "is_seen"), [("direct", True), ("direct", False), ("followers", True), ("followers", False),
                                                   ("partners", False), ("members", False), ("space", False), ("public", False)])  # fmt: skip
def test_a_reply_hangs_only_on_what_its_author_may_see(session, make, arrivals, ada, bob, audience, is_seen):
    mine = make.post(ada, audience, mentions=[bob] if is_seen and audience == "direct" else ())
    if is_seen and audience == "followers":
        make.follow(bob, ada)
    reply = note(bob, inReplyTo=mine.uri)

    arrivals.apply(bob, activity("Create", bob, reply))

    kept = session.scalars(select(Post).where(Post.uri == reply["id"])).one()
    hangs = is_seen or audience == "public"  # case A20
    assert (kept.in_reply_to_id == mine.id, kept.thread_id == mine.thread_id, mine.replies_count) == (hangs, hangs, int(hangs))
    assert [row.kind for row in session.scalars(select(Notification))] == (["reply"] if hangs else [])

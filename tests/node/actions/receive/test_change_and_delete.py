"""Update, Delete and Undo: only one's own, once, and in any order."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from federation.vocabulary import PUBLIC
from node.models import (
    Attachment,
    Block,
    Boost,
    Errand,
    Follow,
    Hashtag,
    Like,
    Mention,
    Notification,
    PollOption,
    Post,
    PostVersion,
    TimelineEntry,
    Tombstone,
)
from tests.node.actions.receive.conftest import activity, note, person


def count(session, table, *where):
    return session.scalar(select(func.count()).select_from(table).where(*where))


def the_post(session, author):
    return session.scalars(select(Post).where(Post.author_id == author.id)).one()


@pytest.fixture
def said(arrivals, bob):
    """A note by bob that is kept."""
    written = note(bob, tag=[{"type": "Hashtag", "name": "#old"}])
    arrivals.apply(bob, activity("Create", bob, written))
    return written


def test_an_edit_keeps_the_former_version(session, arrivals, bob, said):
    changed = said | {"content": "<p>Better</p>", "updated": "2026-03-02T11:30:00Z", "tag": [{"type": "Hashtag", "name": "new"}]}

    assert arrivals.apply(bob, activity("Update", bob, changed)).state == "done"

    post = the_post(session, bob)
    assert post.content_html == "<p>Better</p>"
    assert post.edited_at is not None
    assert [row.content_html for row in session.scalars(select(PostVersion))] == ["<p>Hello 1</p>"]
    assert session.scalars(select(Hashtag.name)).all() == ["new"]


def test_an_older_version_changes_nothing(session, arrivals, bob, said):
    for number, (text, at) in enumerate((("new", "11:30"), ("old", "11:10"))):
        arrivals.apply(
            bob, activity("Update", bob, said | {"content": text, "updated": f"2026-03-02T{at}:00Z"}, number), again=False
        )

    assert the_post(session, bob).content_html == "new"


def test_an_edit_never_widens_and_may_narrow(session, make, arrivals, ada, bob):
    private = note(bob, to=[ada.uri], cc=[])
    arrivals.apply(bob, activity("Create", bob, private))
    wider = note(bob, content="more", tag=[{"type": "Mention", "href": make.member("eve").actor.uri}])
    arrivals.apply(bob, activity("Update", bob, wider))

    post = the_post(session, bob)
    assert (post.audience, post.content_html) == ("direct", "more")
    assert count(session, Mention) <= 1
    public = note(bob, 2)
    arrivals.apply(bob, activity("Create", bob, public, 2))
    arrivals.apply(bob, activity("Update", bob, public | {"to": [f"{bob.uri}/followers"], "cc": []}, 2))
    assert session.scalar(select(Post.audience).where(Post.uri == public["id"])) == "followers"


def test_an_edit_that_names_nobody_any_more_is_for_nobody(session, arrivals, ada, bob):
    private = note(bob, to=[ada.uri], cc=[])
    arrivals.apply(bob, activity("Create", bob, private))
    assert count(session, Mention) == 1
    arrivals.apply(bob, activity("Update", bob, private | {"to": [], "content": "not for you"}))

    assert (the_post(session, bob).audience, count(session, Mention)) == ("direct", 0)


def test_an_edit_of_a_blind_copy_is_still_for_whose_inbox_gets_it(session, arrivals, ada, bob):
    blind = note(bob, to=[], cc=[])
    arrivals.apply(bob, activity("Create", bob, blind, to=[], cc=[]), inbox_owner=ada.id)
    arrivals.apply(bob, activity("Update", bob, blind | {"content": "more"}, to=[], cc=[]), inbox_owner=ada.id)

    assert (the_post(session, bob).content_html, count(session, Mention)) == ("more", 1)


def test_nobody_edits_anothers_post(session, make, arrivals, ada, bob, said):
    make.peer("evil.test")
    evil, neighbour = make.remote("eve", "evil.test"), make.remote("carl")
    mine = make.post(ada)

    for who, what in (
        (evil, said | {"content": "x"}),  # case A04
        (neighbour, said | {"content": "x", "attributedTo": neighbour.uri}),  # case A05
        (neighbour, said | {"content": "x"}),
        (bob, note(ada, id=mine.uri, content="x")),
    ):
        assert arrivals.apply(who, activity("Update", who, what)).state == "refused"
    assert the_post(session, bob).content_html == "<p>Hello 1</p>"
    assert the_post(session, bob).author_id == bob.id


def test_an_update_that_overtakes_its_create_makes_the_post(session, arrivals, bob):
    arrivals.apply(bob, activity("Update", bob, note(bob, content="second")))
    arrivals.apply(bob, activity("Create", bob, note(bob, content="first")))

    assert the_post(session, bob).content_html == "second"


def test_poll_counts_come_without_a_new_version(session, arrivals, bob):
    def poll(yes):
        return note(
            bob, type="Question", oneOf=[{"name": "yes", "replies": {"totalItems": yes}}, {"name": "no"}], votersCount=yes
        )

    arrivals.apply(bob, activity("Create", bob, poll(1)))
    before = session.scalars(select(PollOption.id).order_by(PollOption.position)).all()
    arrivals.apply(bob, activity("Update", bob, poll(7)))

    assert session.scalars(select(PollOption.votes_count).order_by(PollOption.position)).all() == [7, 0]
    assert session.scalars(select(PollOption.id).order_by(PollOption.position)).all() == before
    assert the_post(session, bob).poll["voters"] == 7
    assert count(session, PostVersion) == 0


def test_an_attachment_keeps_its_row_while_it_is_the_same_file(session, arrivals, bob):
    def with_file(url, name):
        return note(bob, attachment=[{"type": "Document", "mediaType": "image/png", "url": url, "name": name}])

    arrivals.apply(bob, activity("Create", bob, with_file("https://peer.test/a.png", "one")))
    before = session.scalars(select(Attachment.id)).one()
    arrivals.apply(bob, activity("Update", bob, with_file("https://peer.test/a.png", "two")))
    assert session.execute(select(Attachment.id, Attachment.description)).one() == (before, "two")
    arrivals.apply(bob, activity("Update", bob, with_file("https://peer.test/b.png", "three"), 2))
    assert session.scalars(select(Attachment.url)).all() == ["https://peer.test/b.png"]


def test_an_actor_is_read_again_at_its_id(session, make, arrivals, bob):
    eve = make.remote("eve")
    key = {"id": f"{bob.uri}#main-key", "owner": bob.uri, "publicKeyPem": "evil"}

    assert arrivals.apply(bob, activity("Update", bob, person(bob, name="New", publicKey=key))).state == "done"
    assert arrivals.apply(eve, activity("Update", eve, person(bob, name="Stolen"))).state == "refused"  # case A06
    assert bob.name == "Bob"
    assert [(row.kind, row.uri) for row in session.scalars(select(Errand))] == [("actor", bob.uri)]


def test_a_post_is_deleted_by_its_author_with_all_that_hangs_on_it(session, make, arrivals, ada, bob, said):
    make.follow(ada, bob)
    post = the_post(session, bob)
    make.on_home(ada, post)
    arrivals.apply(bob, activity("Update", bob, said | {"content": "x"}))

    assert arrivals.apply(bob, activity("Delete", bob, {"id": said["id"], "type": "Tombstone"})).state == "done"

    post = the_post(session, bob)
    assert post.deleted_at is not None
    assert (post.content_html, post.content_raw, bob.posts_count) == ("", None, 0)
    assert [count(session, table) for table in (Hashtag, PostVersion, TimelineEntry, Notification)] == [0, 0, 0, 0]
    assert session.scalars(select(Tombstone.uri)).all() == [said["id"]]


def test_nobody_deletes_what_is_anothers(session, make, arrivals, ada, bob, said):
    make.peer("evil.test")
    evil, neighbour = make.remote("eve", "evil.test"), make.remote("carl")
    mine = make.post(ada)

    for who, uri in ((evil, said["id"]), (neighbour, said["id"]), (bob, mine.uri), (bob, ada.uri), (neighbour, bob.uri)):
        assert arrivals.apply(who, activity("Delete", who, uri)).state == "refused"  # case A08
    assert the_post(session, bob).deleted_at is None
    assert mine.deleted_at is None
    assert bob.deleted_at is None


def test_an_account_goes_with_everything(session, make, arrivals, ada, bob, said):
    make.follow(ada, bob)
    make.follow(bob, ada)
    mine = make.post(ada)
    arrivals.apply(bob, activity("Like", bob, mine.uri))
    make.on_home(ada, the_post(session, bob))

    assert arrivals.apply(bob, activity("Delete", bob, bob.uri)).state == "done"

    assert bob.deleted_at is not None
    assert the_post(session, bob).deleted_at is not None
    assert (ada.followers_count, ada.following_count, mine.likes_count) == (0, 0, 0)
    assert [count(session, table) for table in (Follow, Like, TimelineEntry, Notification)] == [0, 0, 0, 0]


def test_undo_takes_back_a_follow_a_like_a_boost_and_a_block(session, make, arrivals, ada, bob):
    make.peer("second.test")
    mine = make.post(ada)
    done = [
        activity("Follow", bob, ada.uri), activity("Like", bob, mine.uri), activity("Announce", bob, mine.uri, to=[PUBLIC]),
        activity("Block", bob, make.member("eve").actor.uri),
    ]  # fmt: skip
    for one in done:
        assert arrivals.apply(bob, one).state == "done"
    assert (ada.followers_count, mine.likes_count, mine.boosts_count, count(session, Block)) == (1, 1, 1, 1)
    for number, one in enumerate(done):
        # By id, by the embedded activity, and by an embedded one with a new id.
        what = [one["id"], one, one | {"id": f"{bob.uri}/new/{number}"}, one][number]
        assert arrivals.apply(bob, activity("Undo", bob, what, number)).state == "done"

    assert (ada.followers_count, bob.following_count, mine.likes_count, mine.boosts_count) == (0, 0, 0, 0)
    assert [count(session, table) for table in (Follow, Like, Boost, Block)] == [0, 0, 0, 0]


def test_nobody_takes_back_what_another_did(session, make, arrivals, ada, bob):
    make.peer("evil.test")
    evil = make.remote("eve", "evil.test")
    mine = make.post(ada)
    follow, like = activity("Follow", bob, ada.uri), activity("Like", bob, mine.uri)
    arrivals.apply(bob, follow)
    arrivals.apply(bob, like)

    for number, what in enumerate(
        (follow, like, follow["id"], like["id"], follow | {"actor": evil.uri}, like | {"actor": evil.uri})
    ):
        assert arrivals.apply(evil, activity("Undo", evil, what, number)).state in ("refused", "ignored")  # cases A09, A14
    assert (ada.followers_count, mine.likes_count) == (1, 1)


def test_an_undo_that_overtakes_its_boost_holds(session, make, arrivals, ada, bob):
    mine = make.post(ada)
    boost = activity("Announce", bob, mine.uri, to=[PUBLIC])
    arrivals.apply(bob, activity("Undo", bob, boost["id"]))

    assert arrivals.apply(bob, boost).reason == "taken_back"
    assert mine.boosts_count == 0

"""Posts and threads as somebody may see them."""

import pytest

from node.models import PostVersion
from node.policy import Audience
from node.queries import posts
from node.queries.audience import ANONYMOUS, viewer_member, viewer_server


@pytest.fixture
def ada(make):
    return make.member("ada").actor


@pytest.fixture
def bo(make):
    return make.member("bo").actor


@pytest.fixture
def me(ada):
    return viewer_member(ada.id)


def test_a_post_is_there_only_for_those_it_is_for(session, make, bo, me):
    post = make.post(bo, Audience.MEMBERS, mentions=[make.remote()], hashtags=["tea"], options=["a", "b"])
    session.expunge_all()
    found = posts.get(session, post.id, me)
    assert (found.author.username, found.mentions[0].actor.username, len(found.options), found.attachments) == (
        "bo",
        "bob",
        2,
        [],
    )
    for viewer in (ANONYMOUS, viewer_server(None, "peer.test")):
        assert posts.get(session, post.id, viewer) is None
        assert posts.by_uri(session, post.uri, viewer) is None
        assert posts.many(session, [post.id], viewer) == {}
    assert posts.by_uri(session, post.uri, me).id == post.id
    assert posts.get(session, 1, me) is None


def test_totals_tell_no_more_than_lists(session, make, bo, me):
    make.post(bo)
    make.post(bo, Audience.MEMBERS)
    make.post(bo, Audience.DIRECT)
    assert [posts.count(session, viewer, bo.id) for viewer in (ANONYMOUS, me, viewer_member(bo.id))] == [1, 2, 3]


def test_a_thread_is_read_from_top_to_bottom(session, make, ada, bo, me):
    root = make.post(bo)
    middle = make.post(ada, reply_to=root)
    here = make.post(bo, reply_to=middle)
    one = make.post(ada, reply_to=here)
    two = make.post(ada, reply_to=here)
    under_one = make.post(bo, reply_to=one)
    make.post(bo, reply_to=root)
    thread = posts.thread(session, here, me)
    assert [post.id for post in thread.ancestors] == [root.id, middle.id]
    assert [post.id for post in thread.replies] == [one.id, under_one.id, two.id]
    assert thread.depths == {one.id: 1, under_one.id: 2, two.id: 1}
    assert not thread.is_cut


def test_what_one_may_not_see_is_left_out_and_what_hangs_below_stays(session, make, ada, bo, me):
    root = make.post(bo, Audience.DIRECT)
    here = make.post(bo, reply_to=root)
    hidden = make.post(bo, Audience.DIRECT, reply_to=here)
    below = make.post(ada, reply_to=hidden)
    thread = posts.thread(session, here, me)
    assert thread.ancestors == ()
    assert [(post.id, thread.depths[post.id]) for post in thread.replies] == [(below.id, 1)]


def test_a_circle_of_replies_ends(session, make, bo, me):
    first = make.post(bo)
    second = make.post(bo, reply_to=first)
    first.in_reply_to_id = second.id
    alone = make.post(bo)
    alone.in_reply_to_id = alone.id
    session.flush()
    thread = posts.thread(session, first, me)
    assert [post.id for post in (*thread.ancestors, *thread.replies)] == [second.id]
    assert posts.thread(session, alone, me).replies == ()


def test_a_long_thread_is_cut(session, make, bo, me):
    root = make.post(bo)
    for _ in range(5):
        make.post(bo, reply_to=root)
    thread = posts.thread(session, root, me, limit=3)
    assert (len(thread.replies), thread.is_cut) == (3, True)
    assert not posts.thread(session, root, me, limit=5).is_cut


def test_hidden_answers_neither_cut_a_thread_nor_take_a_place(session, make, bo, me):
    root = make.post(bo)
    for _ in range(4):
        make.post(bo, Audience.DIRECT, reply_to=root)
    seen = [make.post(bo, reply_to=root).id for _ in range(3)]
    thread = posts.thread(session, root, me, limit=3)
    assert ([post.id for post in thread.replies], thread.is_cut) == (seen, False)


def test_each_reader_counts_the_answers_that_are_for_them(session, make, bo, me):
    silent, answered = make.post(bo), make.post(bo)
    make.post(bo, Audience.DIRECT, reply_to=silent)
    for audience in (Audience.PUBLIC, Audience.MEMBERS, Audience.DIRECT):
        make.post(bo, audience, reply_to=answered)
    ids = [silent.id, answered.id]
    assert posts.answers(session, me, ids) == {answered.id: 2}
    assert posts.answers(session, ANONYMOUS, ids) == {answered.id: 1}
    assert posts.answers(session, viewer_member(bo.id), ids) == {silent.id: 1, answered.id: 3}


def test_a_flood_of_answers_is_counted_only_so_far(session, make, bo, me, monkeypatch):
    monkeypatch.setattr(posts, "MOST_COUNTED", 3)
    root = make.post(bo)
    for _ in range(5):
        make.post(bo, reply_to=root)
    assert posts.answers(session, me, [root.id]) == {root.id: 3}


def test_versions_come_oldest_first(session, make, bo):
    post = make.post(bo)
    for text in ("<p>1</p>", "<p>2</p>"):
        make.add(PostVersion(id=make.id(), post_id=post.id, content_html=text, created_at=make.clock()))
    assert [version.content_html for version in posts.versions(session, post.id)] == ["<p>1</p>", "<p>2</p>"]

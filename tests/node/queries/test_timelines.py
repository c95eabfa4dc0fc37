"""Timelines show what one may see, page by key, and cost the same whatever lies around."""

import pytest
from sqlalchemy import event, select

from node.database import db
from node.models import Block, Mute, Post
from node.policy import Audience
from node.queries import timelines
from node.queries.audience import ANONYMOUS, viewer_member, viewer_server, visible


@pytest.fixture
def ada(make):
    return make.member("ada").actor


@pytest.fixture
def bo(make):
    return make.member("bo").actor


@pytest.fixture
def statements():
    """What was sent to the database."""
    sent = []

    def note(_connection, _cursor, statement, *_):
        if not statement.startswith(("BEGIN", "SAVEPOINT")):
            sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


def ids(lines):
    return [line.post.id for line in lines]


def test_home_shows_the_newest_line_first_and_pages_by_key(session, make, ada, bo):
    posts = [make.post(bo) for _ in range(7)]
    for post in posts:
        make.on_home(ada, post)
    newest = [post.id for post in reversed(posts)]
    first = timelines.home(session, ada.id, limit=3)
    assert ids(first) == newest[:3]
    second = timelines.home(session, ada.id, older_than=first[-1].entry_id, limit=3)
    assert ids(second) == newest[3:6]
    assert ids(timelines.home(session, ada.id, older_than=second[-1].entry_id, limit=3)) == newest[6:]
    assert ids(timelines.home(session, ada.id, newer_than=second[0].entry_id, limit=2)) == newest[1:3]
    assert timelines.home(session, ada.id, newer_than=first[0].entry_id) == []


def test_home_says_who_passed_a_post_on(session, make, ada, bo):
    boost = make.boost(bo, make.post(make.remote("eve")))
    make.on_home(ada, boost)
    (line,) = timelines.home(session, ada.id)
    assert (line.entry_id, line.boosted_by.username, line.post.author.username) == (boost.id, "bo", "eve")


def test_home_asks_for_visibility_again(session, make, ada, bo):
    post = make.post(bo, Audience.FOLLOWERS)
    make.on_home(ada, post)
    assert timelines.home(session, ada.id) == []
    make.follow(ada, bo)
    assert ids(timelines.home(session, ada.id)) == [post.id]


@pytest.mark.parametrize("row", [Mute, Block])
def test_home_leaves_out_whom_one_muted_or_blocked_as_author_and_as_booster(session, make, ada, bo, row):
    eve = make.remote("eve")
    make.on_home(ada, make.post(bo))
    make.on_home(ada, make.boost(bo, make.post(eve)))
    make.on_home(ada, make.boost(eve, make.post(make.remote("zoe"))))
    assert len(timelines.home(session, ada.id)) == 3
    make.add(row(id=make.id(), actor_id=ada.id, target_id=bo.id, created_at=make.clock()))
    assert [line.boosted_by.username for line in timelines.home(session, ada.id)] == ["eve"]


def test_posts_of_a_blocked_peer_leave_every_timeline_and_of_a_limited_one_the_shared_ones(session, make, ada):
    near = make.post(make.remote("ann", "good.test"), hashtags=["tea"])
    limited = make.post(make.remote("bob", "loud.test"), hashtags=["tea"])
    under = make.post(make.remote("cid", "sub.loud.test"), hashtags=["tea"])
    blocked = make.post(make.remote("dan", "evil.test"), hashtags=["tea"])
    for post in (near, limited, under, blocked):
        make.on_home(ada, post)
    make.peer("loud.test", "limited")
    make.peer("evil.test", "blocked")
    viewer = viewer_member(ada.id)
    assert ids(timelines.public(session, viewer)) == [near.id]
    assert ids(timelines.tag(session, viewer, "#Tea")) == [near.id]
    assert ids(timelines.home(session, ada.id)) == [under.id, limited.id, near.id]
    assert timelines.profile(session, viewer, blocked.author_id) == []
    assert ids(timelines.profile(session, viewer, limited.author_id)) == [limited.id]


def test_a_page_is_filled_up_past_what_a_limited_peer_said(session, make, ada):
    wanted = [make.post(ada).id for _ in range(3)]
    eve = make.remote("eve", "loud.test")
    for _ in range(8):
        make.post(eve)
    make.peer("loud.test", "limited")
    assert ids(timelines.public(session, viewer_member(ada.id), limit=3)) == wanted[::-1]


def test_inside_shows_members_what_is_shared_and_strangers_what_is_public(session, make, ada, bo):
    public, partners, members = (make.post(bo, audience) for audience in ("public", "partners", "members"))
    for audience in ("unlisted", "followers", "direct"):
        make.post(bo, audience)
    make.post(bo, reply_to=public)
    make.post(make.remote("eve"))
    assert ids(timelines.local(session, viewer_member(ada.id))) == [members.id, partners.id, public.id]
    assert ids(timelines.local(session, ANONYMOUS)) == [public.id]
    assert ids(timelines.local(session, viewer_server(None, "peer.test"))) == [public.id]


def test_public_merges_ours_and_others_by_time_and_pages_both_ways(session, make, ada):
    eve = make.remote("eve")
    made = [make.post(author).id for author in (ada, eve, eve, ada, eve)]
    viewer = viewer_member(ada.id)
    first = timelines.public(session, viewer, limit=2)
    assert ids(first) == made[:2:-1]
    assert ids(timelines.public(session, viewer, older_than=first[-1].entry_id)) == made[2::-1]
    assert ids(timelines.public(session, viewer, newer_than=made[0], limit=2)) == [made[2], made[1]]


def test_a_profile_has_posts_and_boosts_and_answers_only_when_asked(session, make, ada, bo):
    first = make.post(ada)
    more = make.post(ada, reply_to=first)
    answer = make.post(ada, reply_to=make.post(bo))
    boost = make.boost(ada, make.post(bo))
    inside = make.post(ada, Audience.MEMBERS)
    viewer = viewer_member(bo.id)
    lines = timelines.profile(session, viewer, ada.id)
    assert [line.entry_id for line in lines] == [inside.id, boost.id, more.id, first.id]
    assert lines[1].boosted_by is ada
    everything = timelines.profile(session, viewer, ada.id, with_replies=True)
    assert [line.entry_id for line in everything] == [inside.id, boost.id, answer.id, more.id, first.id]
    assert ids(timelines.profile(session, ANONYMOUS, ada.id, with_boosts=False)) == [more.id, first.id]


def test_a_boost_shows_nobody_more_than_the_post_does(session, make, ada, bo):
    make.boost(ada, make.post(bo, Audience.FOLLOWERS))
    assert timelines.profile(session, viewer_member(make.member("cy").actor.id), ada.id) == []


def test_a_space_is_for_those_inside(session, make, ada, bo):
    space = make.space("office", ada)
    post = make.post(ada, Audience.SPACE, space=space)
    assert ids(timelines.space(session, viewer_member(ada.id), space.id)) == [post.id]
    assert timelines.space(session, viewer_member(bo.id), space.id) == []
    assert timelines.space(session, ANONYMOUS, space.id) == []


def test_direct_messages_are_seen_by_both_ends_alone(session, make, ada, bo):
    sent = make.post(ada, Audience.DIRECT, mentions=[bo])
    answer = make.post(bo, Audience.DIRECT, mentions=[ada])
    assert ids(timelines.direct(session, ada.id)) == [answer.id, sent.id] == ids(timelines.direct(session, bo.id))
    assert timelines.direct(session, make.member("cy").actor.id) == []


def test_a_page_costs_the_same_number_of_statements_however_full(session, make, ada, bo, statements):
    def cost(limit):
        session.expunge_all()
        statements.clear()
        lines = timelines.home(session, ada.id, limit=limit)
        for line in lines:
            assert line.post.author.username
            assert [mention.actor.username for mention in line.post.mentions] == ["ada"]
            assert line.post.attachments == []
            assert [(tag.name,) for tag in line.post.hashtags] == [("tea",)]
            assert len(line.post.options) == 2
        return len(lines), len(statements)

    eve = make.remote("eve")
    for number in range(30):
        post = make.post(bo if number % 2 else eve, mentions=[ada], hashtags=["tea"], options=["yes", "no"])
        make.on_home(ada, make.boost(make.remote(f"fan{number}"), post) if number % 3 == 0 else post)
    make.commit()
    few, many = cost(4), cost(30)
    assert few[0] == 4
    assert many[0] == 30
    assert few[1] == many[1] <= 8


@pytest.mark.parametrize(
    "read",
    [
        lambda session, actor: timelines.local(session, viewer_member(actor.id)),
        lambda session, actor: timelines.local(session, ANONYMOUS),
        lambda session, actor: timelines.public(session, viewer_member(actor.id)),
        lambda session, actor: timelines.home(session, actor.id),
        lambda session, actor: timelines.profile(session, ANONYMOUS, actor.id),
        lambda session, actor: timelines.tag(session, ANONYMOUS, "tea"),
    ],
    ids=["inside", "front", "public", "home", "profile", "tag"],
)
def test_every_timeline_walks_an_index_and_sorts_no_table(session, make, ada, read):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("reads SQLite's query plan; PostgreSQL chooses by statistics, and an empty table has none")
    make.post(ada, hashtags=["tea"])
    make.commit()
    asked = []

    def note(_connection, _cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        read(session, ada)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    statement, parameters = asked[0]
    cursor = session.connection().connection.cursor()
    plan = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert not [step for step in plan if step.startswith("SCAN") and "scalar" not in step.lower() and "anon" not in step], plan
    assert not [step for step in plan if "TEMP B-TREE" in step], plan


@pytest.mark.parametrize("viewer", [ANONYMOUS, viewer_server(None, "peer.test"), viewer_member(1)], ids=["stranger", "server", "member"])
def test_posts_are_loaded_by_their_keys_whoever_looks(session, viewer):
    """Without statistics SQLite takes an index on a flag for a narrow one, and would read half the table."""
    if db.engine.dialect.name != "sqlite":
        pytest.skip("reads SQLite's query plan")
    chosen = select(Post).where(Post.id.in_(range(1, 41)), visible(viewer))
    sql = chosen.compile(db.engine, compile_kwargs={"literal_binds": True})
    cursor = session.connection().connection.cursor()
    plan = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert "SEARCH posts USING INTEGER PRIMARY KEY (rowid=?)" in plan

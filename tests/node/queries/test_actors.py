"""Actors found by name, handle and text; members; notifications."""

import pytest
from sqlalchemy import event

from node.actions import feeds, members
from node.models import Mute
from node.policy import Audience
from node.queries import actors, notifications
from node.queries import members as member_query


@pytest.fixture
def ada(make):
    return make.member("ada", name="Ada Lovelace")


def test_a_name_is_found_in_any_case(session, make, ada):
    eve = make.remote("Eve", "good.test")
    assert actors.by_name(session, "ADA") is ada.actor
    assert actors.by_handle(session, "eve", "good.test") is eve
    assert actors.by_handle(session, "Eve", "good.test") is eve
    assert actors.by_handle(session, "Eve", "bad.test") is None
    assert actors.by_uri(session, eve.uri) is eve


def test_who_is_given_a_name_later_takes_over_no_handle(session, make):
    """SQLite would find the older row by itself; PostgreSQL any."""
    first, second = make.remote("eve", "good.test"), make.remote("eva", "good.test")
    second.username = "eve"
    session.flush()
    asked = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *given: asked.append(given[2]))
    for name in ("eve", "EVE"):
        assert actors.by_handle(session, name, "good.test") is first
    assert len(asked) == 3
    assert all("ORDER BY actors.id" in statement for statement in asked)


def test_those_who_are_gone_are_not_found_by_name(session, make, ada):
    ada.actor.suspended_at = make.clock()
    session.flush()
    assert actors.by_name(session, "ada") is None
    assert actors.search(session, "ada") == []
    assert actors.directory(session) == []
    assert actors.get(session, ada.actor_id) is ada.actor


@pytest.mark.parametrize(("text", "names"), [
    ("ad", ["ada", "adam"]), ("@ADAM", ["adam"]), ("@adam@goo", ["adam"]), ("@adam@bad.test", []), ("lovel", ["ada"]),
    ("%", []), ("_", []), ("", []), ("@", []), ("' OR 1=1", []),
])  # fmt: skip
def test_a_search_takes_text_literally(session, make, ada, text, names):
    make.remote("adam", "good.test")
    make.remote("bob", "good.test")
    assert [actor.username for actor in actors.search(session, text)] == names


def test_followers_are_paged_by_the_follows_id(session, make, ada):
    fans = [make.remote(f"fan{number}") for number in range(5)]
    for fan in fans:
        make.follow(fan, ada.actor)
    make.follow(make.remote("asks"), ada.actor, "pending")
    first = actors.followers(session, ada.actor_id, limit=2)
    assert [follow.follower.username for follow in first] == ["fan4", "fan3"]
    rest = actors.followers(session, ada.actor_id, older_than=first[-1].id)
    assert [follow.follower.username for follow in rest] == ["fan2", "fan1", "fan0"]
    assert [follow.follower.username for follow in actors.follow_requests(session, ada.actor_id)] == ["asks"]
    assert [follow.target.username for follow in actors.following(session, fans[0].id)] == ["ada"]


def test_members_are_listed_by_name_and_found_by_parts(session, make, ada):
    make.member("bo", role="admin")
    suspended = make.member("cy")
    suspended.suspended_at = make.clock()
    session.flush()
    assert [member.actor.username for member in member_query.list(session)] == ["ada", "bo", "cy"]
    assert [member.actor.username for member in member_query.list(session, after="ada", limit=1)] == ["bo"]
    assert [member.actor.username for member in member_query.list(session, role="admin")] == ["bo"]
    assert [member.actor.username for member in member_query.list(session, is_suspended=True)] == ["cy"]
    assert [member.actor.username for member in member_query.list(session, "LOVE")] == ["ada"]
    assert member_query.list(session, "%") == []
    assert member_query.count(session) == 2
    assert member_query.count(session, active_since=make.clock()) == 0
    assert member_query.by_actor(session, ada.actor_id) is ada
    assert member_query.get(session, ada.id) is ada


def test_notifications_come_whole_and_newest_first(session, make, ada, now):
    bo = make.member("bo").actor
    post = make.post(bo, mentions=[ada.actor], hashtags=["tea"])
    feeds.notify(session, ada.actor_id, "mention", from_actor_id=bo.id, post_id=post.id, now=now)
    feeds.notify(session, ada.actor_id, "follow", from_actor_id=bo.id, now=now)
    session.expunge_all()
    follow, mention = notifications.list(session, ada.actor_id)
    assert (follow.kind, follow.post, mention.kind, mention.from_actor.username) == ("follow", None, "mention", "bo")
    assert (mention.post.author.username, mention.post.hashtags[0].name) == ("bo", "tea")
    assert [row.kind for row in notifications.list(session, ada.actor_id, kinds=["mention"])] == ["mention"]
    assert [row.kind for row in notifications.list(session, ada.actor_id, older_than=follow.id)] == ["mention"]
    member = member_query.get(session, ada.id)
    assert notifications.unread_count(session, member) == 2
    members.mark_read(session, member, follow.id)
    members.mark_read(session, member, mention.id)
    assert notifications.unread_count(session, member) == 0


def test_a_notification_about_what_is_no_longer_there_is_silent(session, make, ada, now):
    bo = make.member("bo").actor
    post = make.post(bo, mentions=[ada.actor])
    feeds.notify(session, ada.actor_id, "mention", from_actor_id=bo.id, post_id=post.id, now=now)
    post.audience = Audience.SPACE
    session.flush()
    assert notifications.list(session, ada.actor_id) == []
    assert notifications.unread_count(session, ada) == 0
    post.audience = Audience.PUBLIC
    make.add(Mute(id=make.id(), actor_id=ada.actor_id, target_id=bo.id, created_at=now))
    assert notifications.list(session, ada.actor_id) == []

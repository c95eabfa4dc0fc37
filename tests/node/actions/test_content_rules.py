"""Content rules on a post's way out: held beside the lane, kept back, let go by another; never fetched meanwhile."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from node.actions import brakes, content_rules, lanes, outbox, peers
from node.actions.outbox import Draft
from node.errors import Invalid, NotAllowed, NotThere
from node.models import Activity, AuditEntry, Delivery, Post, Refusal, RuleVersion
from node.policy import Audience, PeerState
from node.queries import audience as audience_query
from node.queries import reach
from node.queries import rules as rules_query
from node.queries.audience import ANONYMOUS, may_see, viewer_member, viewer_server


@pytest.fixture
def world(people, make):
    make.follow(people.eve, people.ada)
    return people


@pytest.fixture
def say(session, ways):
    def publish(actor, text: str, audience: Audience = Audience.PUBLIC) -> Post:
        return outbox.publish(session, actor, Draft(text, audience), **ways())

    return publish


@pytest.fixture
def add(session, clock):
    def make_rule(looks_for: str, value: str = "", **values):
        return content_rules.add(session, "about money", looks_for, value, by=None, now=clock(), **values)

    return make_rule


def states(session) -> list[str]:
    return list(session.scalars(select(Delivery.state).order_by(Delivery.id)))


def sees(session, make, post, viewer) -> bool:
    return may_see(session, viewer, post, make.rules(), make.clock())


def test_what_is_held_does_not_leave_and_does_not_stand_in_the_way(session, make, world, say, add) -> None:
    add("word", "merger")
    held, free = say(world.ada, "The merger!"), say(world.ada, "Lunch?")
    assert (held.kept_back, free.kept_back) == ("hold", "")
    assert states(session) == ["held", "waiting"]
    (claimed,) = lanes.claim(session, 5, make.rules(), make.clock())
    assert claimed.activity_id == session.scalar(select(Activity.id).where(Activity.post_id == free.id))
    eve = viewer_server(world.eve.id, "good.test")
    for viewer, expected in ((eve, False), (ANONYMOUS, False), (viewer_member(world.bo.id), True)):
        assert sees(session, make, held, viewer) is expected
        assert sees(session, make, free, viewer)


def test_somebody_else_lets_it_go_and_an_edit_is_asked_again(session, make, world, say, add, ways, clock) -> None:
    add("word", "merger")
    post = say(world.ada, "The merger!")
    admin = make.member("root", role="admin")
    assert content_rules.let_go(session, post.id, by=admin, now=clock()) == 1
    assert states(session) == ["waiting"]
    assert len(lanes.claim(session, 5, make.rules(), clock())) == 1
    assert sees(session, make, post, ANONYMOUS)
    outbox.edit(session, post, by=world.ada, text="The merger is off!", **ways())
    assert post.kept_back == "hold"
    assert states(session) == ["waiting", "held"]
    with pytest.raises(NotThere):
        content_rules.let_go(session, 7, by=None, now=clock())


def test_nobody_lets_their_own_post_go(session, make, say, add, clock, world) -> None:
    add("anything")
    root = make.member("root", role="admin")
    post = say(root.actor, "Hello")
    with pytest.raises(NotAllowed):
        content_rules.let_go(session, post.id, by=root, now=clock())
    with pytest.raises(NotAllowed):
        content_rules.let_go(session, post.id, by=make.member("mo", role="moderator"), now=clock())


def test_what_is_kept_back_leaves_a_reason_and_no_delivery(session, make, world, say, add, clock) -> None:
    add("tag", "secret", verdict="withhold")
    post = say(world.ada, "A #secret")
    assert states(session) == []
    (refusal,) = session.scalars(select(Refusal))
    assert refusal.reasons == [{"code": "content_rule_withholds", "verdict": "withhold", "subject": "about money"}]
    assert not sees(session, make, post, ANONYMOUS)
    with pytest.raises(NotAllowed):
        content_rules.let_go(session, post.id, by=None, now=clock())


def test_a_rule_for_one_server_is_about_that_server_alone(session, make, world, say, add) -> None:
    make.peer("other.test")
    kim = make.remote("kim", "other.test")
    make.follow(kim, world.ada)
    add("word", "merger", scope="peer", subject="Good.Test")
    post = say(world.ada, "The merger!", Audience.FOLLOWERS)
    assert sorted(states(session)) == ["held", "waiting"]
    assert sees(session, make, post, viewer_server(kim.id, "other.test"))
    assert not sees(session, make, post, viewer_server(world.eve.id, "good.test"))


def test_a_deleted_post_that_was_held_is_told_to_nobody(session, world, say, add, ways) -> None:
    add("word", "merger")
    post = say(world.ada, "The merger!")
    outbox.delete(session, post, by=world.ada, **ways())
    assert states(session) == ["cancelled"]


def test_a_held_post_under_the_brake_waits_for_both(session, make, world, say, add, clock) -> None:
    add("word", "merger")
    brakes.pull(session, "node", by=None, now=clock())
    post = say(world.ada, "The merger!")
    assert states(session) == ["held"]
    content_rules.let_go(session, post.id, by=None, now=clock())
    assert lanes.claim(session, 5, make.rules(), clock()) == []
    brakes.release(session, "node", by=None, now=clock())
    assert len(lanes.claim(session, 5, make.rules(), clock())) == 1


def test_what_makes_no_sense_is_refused_beside_its_field(add) -> None:
    for field, arguments in (
        ("looks_for", {"looks_for": "moon"}), ("value", {"looks_for": "word"}), ("value", {"looks_for": "word", "value": "!!"}),
        ("value", {"looks_for": "pattern", "value": "("}), ("verdict", {"looks_for": "anything", "verdict": "send"}),
        ("scope", {"looks_for": "anything", "scope": "x"}),
        ("subject", {"looks_for": "anything", "scope": "actor", "subject": "nobody"}),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            add(**arguments)
        assert caught.value.field == field


def test_every_version_of_the_rules_is_kept_with_who_and_what(session, make, add, clock) -> None:
    root = make.member("root", role="admin")
    rule = add("word", "merger")
    peers.set_state(session, "good.test", PeerState.PARTNER, by=root, now=clock())
    content_rules.remove(session, rule.id, by=root, now=clock())
    rows = session.execute(
        select(RuleVersion.number, RuleVersion.change, RuleVersion.member_id).order_by(RuleVersion.number)
    ).all()
    assert [tuple(row) for row in rows] == [
        (1, "rule.add about money", None), (2, "peer.partner good.test", root.id), (3, "rule.remove about money", root.id),
    ]  # fmt: skip
    first, third = rules_query.snapshot(session, 1), rules_query.snapshot(session, 3)
    assert (first["peers"], first["content"][0]["value"]) == ([], "merger")
    assert (third["peers"][0]["state"], third["content"]) == ("partner", [])
    assert json.loads(rules_query.as_json(make.rules())) == third
    assert make.rules().version == 3
    assert session.scalars(select(AuditEntry.verb).order_by(AuditEntry.id)).all() == ["rule.add", "peer.partner", "rule.remove"]


def test_the_preview_knows_what_the_rules_will_find(session, make, world, say, add, clock) -> None:
    add("tag", "secret", scope="peer", subject="good.test")
    named = [world.eve.id]
    for text, reached in (("A #secret for @eve@good.test", 0), ("Hello @eve@good.test", 1)):
        found = content_rules.foresee(session, world.ada.id, ["", "", text], named, make.rules())
        arguments = (session, world.ada.id, Audience.FOLLOWERS, named, None, make.rules(), clock(), found)
        preview = audience_query.preview(*arguments)
        by_audience = reach.by_audience(*arguments[:2], [Audience.FOLLOWERS], *arguments[3:])
        assert preview.outside == by_audience[Audience.FOLLOWERS].outside == reached
        say(world.ada, text, Audience.FOLLOWERS)
    assert states(session) == ["held", "waiting"]

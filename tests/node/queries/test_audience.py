"""One table answers both "who may see" and "who is sent": whatever the rules, the two sets are the same."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from node.actions import peers
from node.models import Actor, Block, Post
from node.policy import Audience, Mode, PeerState, Rules
from node.queries import audience
from node.queries.audience import ANONYMOUS, Viewer, viewer_member, viewer_server
from tests.support.factories import Factory

EVERY = list(Audience)


def sees(session: Session, viewer: Viewer, post: Post, rules: Rules, now: datetime) -> bool:
    return audience.may_see(session, viewer, post, rules, now)


def test_a_stranger_sees_public_and_unlisted_posts_of_ours_alone(session: Session, make: Factory, now: datetime) -> None:
    ada, bob = make.member().actor, make.remote()
    make.peer()
    seen = {str(one): sees(session, ANONYMOUS, make.post(ada, one), make.rules(), now) for one in EVERY if one != Audience.SPACE}
    assert {name for name, yes in seen.items() if yes} == {"unlisted", "public"}
    assert not sees(session, ANONYMOUS, make.post(bob), make.rules(), now)


def test_a_member_who_neither_follows_nor_is_named_sees_no_direct_and_no_followers_post(
    session: Session, make: Factory, now: datetime
) -> None:
    ada, eve = make.member("ada").actor, make.member("eve").actor
    viewer = viewer_member(eve.id)
    for one, expected in (("direct", False), ("followers", False), ("members", True), ("partners", True), ("public", True)):
        assert sees(session, viewer, make.post(ada, one), make.rules(), now) is expected, one


def test_only_a_spaces_members_see_its_posts(session: Session, make: Factory, now: datetime) -> None:
    ada, eve, mona = (make.member(name).actor for name in ("ada", "eve", "mona"))
    space = make.space("office", ada, mona)
    post = make.post(ada, "space", space=space, mentions=[eve])
    assert sees(session, viewer_member(mona.id), post, make.rules(), now)
    assert not sees(session, viewer_member(eve.id), post, make.rules(), now)


def test_a_pending_or_former_follower_sees_nothing_for_followers(session: Session, make: Factory, now: datetime) -> None:
    ada, bob = make.member().actor, make.remote()
    make.peer()
    follow = make.follow(bob, ada, "pending")
    post = make.post(ada, "followers")
    viewer = viewer_server(bob.id, bob.host)
    assert not sees(session, viewer, post, make.rules(), now)
    follow.state = "accepted"
    session.flush()
    assert sees(session, viewer, post, make.rules(), now)
    session.delete(follow)
    session.flush()
    assert not sees(session, viewer, post, make.rules(), now)


def test_who_is_blocked_by_the_author_sees_nothing(session: Session, make: Factory, now: datetime) -> None:
    ada, eve = make.member("ada").actor, make.member("eve").actor
    make.add(Block(id=make.id(), actor_id=ada.id, target_id=eve.id, created_at=now))
    assert not sees(session, viewer_member(eve.id), make.post(ada, "public"), make.rules(), now)


def test_a_suspended_authors_posts_are_gone_for_all_others(session: Session, make: Factory, now: datetime) -> None:
    ada, eve = make.member("ada").actor, make.member("eve").actor
    post = make.post(ada)
    ada.suspended_at = now
    session.flush()
    assert not sees(session, viewer_member(eve.id), post, make.rules(), now)
    assert not sees(session, ANONYMOUS, post, make.rules(), now)


@pytest.mark.parametrize("one", [Audience.MEMBERS, Audience.SPACE])
def test_no_server_sees_what_stays_inside(session: Session, make: Factory, now: datetime, one: Audience) -> None:
    ada, bob = make.member().actor, make.remote()
    make.peer(state=PeerState.PARTNER)
    make.follow(bob, ada)
    space = make.space("office", ada, bob) if one is Audience.SPACE else None
    post = make.post(ada, one, mentions=[bob], space=space)
    assert not sees(session, viewer_server(bob.id, bob.host), post, make.rules(), now)


HOSTS = ["a.test", "b.test", "c.test"]
worlds = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(list(Mode)),
        "states": st.tuples(*(st.none() | st.sampled_from(list(PeerState)) for _ in HOSTS)),
        "follows": st.tuples(*(st.sampled_from(["none", "pending", "accepted"]) for _ in range(6))),
        "named": st.tuples(*(st.booleans() for _ in range(6))),
        "blocked": st.tuples(*(st.booleans() for _ in range(6))),
    }
)


@given(worlds)
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_previewed_the_delivered_and_the_fetchable_set_are_equal(
    session: Session, make: Factory, now: datetime, world: dict[str, tuple[object, ...]]
) -> None:
    with session.begin_nested() as nested:
        _check_world(session, make, now, world)
        nested.rollback()
    session.expire_all()


def _check_world(session: Session, make: Factory, now: datetime, world: dict[str, tuple[object, ...]]) -> None:
    tag = str(make.id())
    ada = make.member(f"a{tag}").actor
    people: list[Actor] = []
    for index in range(6):
        person = make.remote(f"p{index}{tag}", HOSTS[index % 3])
        people.append(person)
        if world["follows"][index] != "none":
            make.follow(person, ada, str(world["follows"][index]))
        if world["blocked"][index]:
            make.add(Block(id=make.id(), actor_id=ada.id, target_id=person.id, created_at=now))
    for host, state in zip(HOSTS, world["states"], strict=True):
        if state is not None:
            make.peer(host, str(state))
    rules = Rules(Mode(str(world["mode"])), make.rules().peers)
    named = [person for person, yes in zip(people, world["named"], strict=True) if yes]
    for one in (Audience.DIRECT, Audience.MEMBERS, Audience.PARTNERS, Audience.FOLLOWERS):
        post = make.post(ada, one, mentions=named)
        offered = audience.recipients(session, ada.id, one, [person.id for person in named])
        sent = {each.actor_id for each in offered if audience.send_decision(each.host, "Create", one, rules, now).is_yes}
        fetchable = {person.id for person in people if sees(session, viewer_server(person.id, person.host), post, rules, now)}
        preview = audience.preview(session, ada.id, one, [person.id for person in named], None, rules, now)
        assert fetchable == sent, one
        assert preview.outside == len(sent)


def test_a_blocked_servers_posts_are_hidden_and_come_back_with_it(session: Session, make: Factory, now: datetime) -> None:
    eve, bob = make.member("eve").actor, make.remote("bob", "sub.bad.test")
    post = make.post(bob)
    viewer = viewer_member(eve.id)
    assert sees(session, viewer, post, make.rules(), now)
    peers.set_state(session, "bad.test", PeerState.BLOCKED, by=None, now=now)
    session.expire_all()
    assert not sees(session, viewer, post, make.rules(), now)
    peers.forget(session, "bad.test", by=None, now=now)
    session.expire_all()
    assert sees(session, viewer, post, make.rules(), now)

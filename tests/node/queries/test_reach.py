"""What the composer says is what the delivery does: `reach.by_audience` answers as `audience.preview` for each audience."""

import pytest

from node.policy import Audience
from node.queries import audience, reach

CHOICES = [each for each in Audience if each is not Audience.SPACE]


@pytest.fixture
def anna(make):
    """A member with followers inside and on servers in every state, two of whom the text names."""
    anna, jo = make.member("anna"), make.member("jo")
    make.member("kim")
    make.follow(jo.actor, anna.actor)
    for host, state in (("partner.test", "partner"), ("allowed.test", "allowed"), ("limited.test", "limited"), ("blocked.test", "blocked")):
        make.peer(host, state)
        make.host(host, software="mastodon")
    for host in ("partner.test", "allowed.test", "allowed.test", "limited.test", "blocked.test", "unknown.test"):
        make.follow(make.remote(f"fan{make.id()}", host), anna.actor)
    make.follow(make.remote("waiting", "allowed.test"), anna.actor, "pending")
    return anna


@pytest.fixture
def named(make, anna):
    fan = make.remote("named_fan", "allowed.test")
    make.follow(fan, anna.actor)
    return {fan.id, make.remote("named_stranger", "partner.test").id}


@pytest.mark.parametrize("is_naming", [False, True])
def test_every_audience_is_answered_as_the_delivery_would(session, make, anna, named, now, is_naming):
    names = named if is_naming else set()
    rules = make.rules()
    found = reach.by_audience(session, anna.actor_id, CHOICES, names, None, rules, now)
    for choice in CHOICES:
        assert found[choice] == audience.preview(session, anna.actor_id, choice, names, None, rules, now)


def test_what_stays_inside_reaches_nobody_else(session, make, anna, named, now):
    found = reach.by_audience(session, anna.actor_id, [Audience.MEMBERS], named, None, make.rules(), now)
    assert found[Audience.MEMBERS].servers == ()
    assert found[Audience.MEMBERS].inside == 2

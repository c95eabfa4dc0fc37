"""What a valid activity says about the server that it came from."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from federation.delivery import Breaker
from federation.signatures import Scheme
from node.actions import hosts, inbox
from node.models import Host, Lane

HOST = "good.test"


@pytest.fixture
def hear(session, clock):
    def learn():
        verified = SimpleNamespace(scheme=Scheme.CAVAGE)
        inbox.learn(session, [SimpleNamespace(host=HOST, verified=verified, key_algorithm="rsa")], clock())
        session.expire_all()

    return learn


@pytest.fixture
def troubled(make, people, clock):
    """Have a server with an open breaker, probed in an hour, and something that waits for it. Return when it is probed."""

    def make_it(held_until=None):
        probe = clock() + timedelta(minutes=60)
        breaker = Breaker((clock(),) * 5, clock(), probe, 3, held_until)
        make.host(HOST, breaker=hosts.write_breaker(breaker), closed_until=hosts.pause_of(breaker, clock()))
        make.delivery(people.ada, f"https://{HOST}/inbox").lane.next_at = probe
        make.session.flush()

    return make_it


def test_what_waits_for_a_server_that_is_back_goes_out_at_once(session, troubled, hear, clock):
    troubled()
    hear()

    host = session.get(Host, HOST)
    assert (host.breaker, host.closed_until) == ({}, None)
    assert session.scalars(select(Lane.next_at)).one() == clock()
    assert session.info["bells"] == {"outbound"}


def test_a_pause_that_a_server_asked_for_stays_and_no_more(session, troubled, hear, clock):
    until = clock() + timedelta(minutes=10)
    troubled(held_until=until)
    hear()

    host = session.get(Host, HOST)
    assert hosts.read_breaker(host.breaker) == Breaker(held_until=until)
    assert host.closed_until == until
    assert session.scalars(select(Lane.next_at)).one() == until


def test_a_pause_alone_is_not_ended_by_what_comes_in(session, make, hear, clock):
    until = clock() + timedelta(minutes=10)
    make.host(HOST, breaker=hosts.write_breaker(Breaker(held_until=until)), closed_until=until)
    hear()

    assert session.get(Host, HOST).closed_until == until

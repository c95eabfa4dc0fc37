"""Over random peers, audiences, answers and changes of mind: the ledger has exactly what went over the wire, and no more."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from federation.delivery import Answer, classify
from federation.errors import FetchFailed
from node.actions import lanes, sending
from node.actions.tries import Result
from node.models import Disclosure
from node.policy import Audience, PeerState, leaves
from node.queries import audience as audiences
from node.queries import ledger as query

HOSTS = ("a.test", "b.test", "c.test", "d.test")
ANSWERS = st.sampled_from([202, 200, 403, 422, 503, "unanswered", "connect"])
STATES = st.sampled_from([None, *PeerState])


def result_of(claim, said) -> Result:
    if isinstance(said, int):
        return Result(claim, Answer(said), classify(Answer(said), other_scheme_tried=True), f"HTTP {said}")
    error = FetchFailed(said, reason=said, temporary=True, may_have_arrived=said == "unanswered")
    return Result(claim, None, classify(error), said, error=error)


@pytest.fixture
def ada(make):
    """Ada, with a follower on every host."""
    ada = make.member("ada").actor
    for host in HOSTS:
        make.follow(make.remote("fan", host), ada)
    return ada


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    states=st.fixed_dictionaries(dict.fromkeys(HOSTS, STATES)),
    said=st.lists(st.sampled_from(Audience), min_size=1, max_size=6),
    answers=st.fixed_dictionaries({host: st.lists(ANSWERS, min_size=1, max_size=3) for host in HOSTS}),
    blocked=st.none() | st.sampled_from(HOSTS),
)
def test_the_ledger_is_the_wires_own_record(session: Session, make, ada, states, said, answers, blocked) -> None:
    point = session.begin_nested()
    try:
        for host, state in states.items():
            if state is not None:
                make.peer(host, state)
        posts = {}
        for audience in said:
            post = make.post(ada, audience)
            posts[post.id] = audience
            recipients = audiences.recipients(session, ada.id, audience, [])
            sending.send(
                session, ada, "Create", lambda uri, post=post: {"id": uri, "type": "Create", "object": {"id": post.uri}}, recipients,
                audience=audience, object_uri=post.uri, post_id=post.id, settings=make.settings, rules=make.rules(), now=make.clock(),
            )  # fmt: skip
        wire: Counter[tuple[int, str]] = Counter()
        for turn in range(8):
            if turn == 1 and blocked is not None:
                session.execute(text("DELETE FROM peers WHERE host = :host"), {"host": blocked})
                make.peer(blocked, PeerState.BLOCKED)
                session.expire_all()
            results = []
            for claim in lanes.claim(session, 50, make.rules(), make.clock.move(86_400)):
                queue = answers[claim.host.host]
                results.append(result_of(claim, queue[turn % len(queue)]))
                if results[-1].may_have_arrived:
                    wire[claim.activity_id, claim.host.host] += 1
                assert make.rules().peer_for(claim.host.host).state is not PeerState.BLOCKED
            lanes.record(session, results, make.clock())
        rows = session.execute(select(Disclosure.__table__).order_by(Disclosure.number)).all()
        ids = dict(session.execute(text("SELECT uri, id FROM activities")).all())
        assert Counter((ids[row.activity_uri], row.host) for row in rows) == wire
        assert all(leaves(posts[row.post_id]) for row in rows)
        assert query.verify(session).fault is None
        for post_id in posts:
            uri = query.object_of(session, str(post_id))
            assert {one.host for one in query.holders(session, uri)} == {row.host for row in rows if row.post_id == post_id}
    finally:
        point.rollback()
        session.expire_all()

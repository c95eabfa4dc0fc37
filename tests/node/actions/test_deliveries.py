"""Sending again, trying a server now, and how deliveries look to an admin."""

import pytest
from sqlalchemy import select

from node.actions import deliveries
from node.errors import GateRefused, NotAllowed, NotThere
from node.models import AuditEntry, Host, Lane
from node.queries import deliveries as query
from node.queries import jobs, posts


@pytest.fixture
def ada(make):
    make.peer("good.test")
    return make.member("ada").actor


def test_a_failed_delivery_is_queued_again_and_workers_are_rung(session, make, ada, clock):
    failed = make.delivery(ada, "https://good.test/inbox", state="failed", attempts=14, reason="no answer")
    boss = make.member("boss", role="admin")
    deliveries.resend(session, failed.id, clock(), by=boss)
    assert (failed.state, failed.attempts, failed.reason, failed.finished_at) == ("waiting", 0, "", None)
    assert session.get(Lane, failed.lane_id).next_at == clock()
    assert session.info["bells"] == {"outbound"}
    assert session.scalars(select(AuditEntry.verb)).all() == ["delivery.resend"]


@pytest.mark.parametrize("state", ["waiting", "delivered", "cancelled"])
def test_only_what_failed_is_sent_again(session, make, ada, now, state):
    with pytest.raises(NotAllowed):
        deliveries.resend(session, make.delivery(ada, "https://good.test/inbox", state=state).id, now)


def test_a_resend_passes_the_gate_too(session, make, ada, now):
    withheld = make.delivery(ada, "https://evil.test/inbox", state="withheld")
    with pytest.raises(GateRefused) as refusal:
        deliveries.resend(session, withheld.id, now)
    assert refusal.value.values == {"host": "evil.test"}
    assert withheld.state == "withheld"


def test_what_is_gone_is_not_sent(session, make, ada, now):
    with pytest.raises(NotThere):
        deliveries.resend(session, 1, now)
    failed = make.delivery(ada, "https://good.test/inbox", state="failed")
    failed.lane.is_closed = True
    with pytest.raises(NotAllowed) as refusal:
        deliveries.resend(session, failed.id, now)
    assert refusal.value.code == "inbox_gone"


def test_a_server_is_tried_now(session, make, ada, clock):
    make.host("good.test", breaker={"failures": 5}, closed_until=clock.move(3600))
    waiting = make.delivery(ada, "https://good.test/inbox")
    waiting.lane.next_at = clock.move(3600)
    idle = make.delivery(make.member("bo").actor, "https://good.test/other", state="delivered")
    session.flush()
    assert deliveries.retry_host(session, "good.test", clock()) == 1
    session.expire_all()
    host = session.get(Host, "good.test")
    assert (host.closed_until, host.breaker) == (None, {})
    assert session.get(Lane, waiting.lane_id).next_at == clock()
    assert session.get(Lane, idle.lane_id).next_at is None


def test_the_overview_names_states_and_servers_in_trouble(session, make, ada, clock):
    make.host("good.test", last_reason="timed out")
    make.host("fine.test")
    first = make.delivery(ada, "https://good.test/inbox", attempts=3)
    make.delivery(ada, "https://fine.test/inbox")
    failed = make.delivery(ada, "https://gone.test/inbox", state="failed")
    overview = query.overview(session, clock())
    assert overview.states == {"waiting": 2, "failed": 1}
    assert (overview.waiting, overview.oldest_waiting_at) == (2, first.created_at)
    assert [(line.host, line.waiting, line.reason) for line in overview.troubled] == [("good.test", 1, "timed out")]
    (line,) = query.failed(session)
    assert (line.id, line.lane.host, line.activity.kind) == (failed.id, "gone.test", "Create")
    assert query.failed(session, host="good.test") == []
    assert [line.lane.host for line in query.waiting(session)] == ["fine.test", "good.test"]


def test_an_author_sees_where_a_post_went(session, make, ada):
    post = make.post(ada)
    make.delivery(ada, "https://good.test/inbox", post=post, state="delivered", answer=202, attempts=1)
    make.delivery(ada, "https://slow.test/inbox", post=post, attempts=2, reason="timed out")
    lines = {line.host: line for line in posts.deliveries(session, post.id)}
    assert (lines["good.test"].state, lines["good.test"].answer, lines["good.test"].next_at) == ("delivered", 202, None)
    assert (lines["slow.test"].reason, lines["slow.test"].attempts) == ("timed out", 2)
    assert lines["slow.test"].next_at is not None


def test_the_jobs_overview_counts_what_waits(session, make, ada, clock):
    make.receipt(state="new")
    parked = make.receipt(state="parked", reason="broken")
    make.delivery(ada, "https://good.test/inbox")
    overview = jobs.overview(session, clock.move(1))
    assert overview.receipts == {"new": 1, "parked": 1}
    assert (overview.lanes_waiting, overview.lanes_due, overview.lanes_leased, overview.errands_due) == (1, 1, 0, 0)
    assert [row.id for row in jobs.parked(session)] == [parked.id]

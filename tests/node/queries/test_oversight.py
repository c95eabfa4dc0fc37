"""The numbers on the administration's first page."""

from datetime import timedelta

from node.database import new_id
from node.models import Activity, Invitation, Refusal, Report
from node.queries import oversight


def activity(make, actor, moment):
    key = new_id(moment)
    return make.add(
        Activity(
            id=key,
            uri=f"https://home.test/activities/{key}",
            kind="Create",
            actor_id=actor.id,
            audience="public",
            document=b"{}",
            created_at=moment,
        )
    )


def test_an_empty_node_counts_nothing(session, now):
    assert set(vars_of(oversight.figures(session, now))) == {0}
    assert oversight.sent_by_day(session, now) == [0] * oversight.DAYS
    assert oversight.peer_states(session) == {"": 0}


def vars_of(figures):
    return [getattr(figures, name) for name in figures.__slots__]


def test_each_figure_counts_its_own(session, make, clock):
    ada = make.member("ada", role="admin")
    ada.seen_at = clock() - timedelta(days=2)
    make.member("bo").suspended_at = clock()
    make.add(Invitation(id=make.id(), token_hash="a" * 64, created_at=clock(), expires_at=clock() + timedelta(days=1)))
    make.add(Invitation(id=make.id(), token_hash="b" * 64, created_at=clock(), expires_at=clock() - timedelta(days=1)))
    make.peer("good.test")
    for state in ("held", "held", "new", "fetching", "parked", "done"):
        make.receipt("new.test", state=state)
    make.host("down.test", closed_until=clock() + timedelta(hours=1))
    make.delivery(ada.actor, "https://down.test/inbox")
    make.delivery(ada.actor, "https://good.test/inbox", state="failed")
    eve = make.remote("eve")
    make.add(Report(id=make.id(), reporter=eve, target=ada.actor, created_at=clock()))
    make.add(Report(id=make.id(), reporter=eve, target=ada.actor, created_at=clock(), closed_at=clock()))
    for moment in (clock(), clock() - timedelta(hours=30)):
        make.add(Refusal(id=new_id(moment), direction="in", host="x.test", kind="Like", verdict="refuse", created_at=moment))
    found = oversight.figures(session, clock())
    assert (found.members, found.members_seen, found.members_suspended, found.invitations) == (1, 1, 1, 1)
    assert (found.peers, found.lobby_hosts, found.lobby_receipts) == (1, 1, 2)
    assert (found.receipts_new, found.receipts_parked) == (2, 1)
    assert (found.deliveries_waiting, found.deliveries_failed, found.hosts_failing) == (1, 1, 1)
    assert (found.reports, found.refusals) == (1, 1)
    assert oversight.peer_states(session) == {"allowed": 1, "": 1}


def test_days_begin_at_midnight_and_the_oldest_comes_first(session, make, clock):
    actor = make.actor()
    midnight = clock().replace(hour=0, minute=0, second=0, microsecond=0)
    for moment in (
        clock(),
        midnight,
        midnight - timedelta(seconds=1),
        midnight - timedelta(days=13),
        midnight - timedelta(days=14),
    ):
        there = make.delivery(actor, f"https://there.test/{moment.timestamp()}")
        there.activity = activity(make, actor, moment)
    session.flush()
    assert oversight.sent_by_day(session, clock()) == [1, *[0] * 11, 1, 2]


def test_what_had_nowhere_to_go_was_not_sent(session, make, clock):
    activity(make, make.actor(), clock())
    assert sum(oversight.sent_by_day(session, clock())) == 0

"""The thread that commits for all requests: what fails for all is told to all at once, a single misfit hurts itself alone."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from sqlalchemy.exc import OperationalError

from node.actions import inbox
from node.actions.inbox import Turned
from node.activitypub.arrivals import Arrivals
from node.policy import Decision, Reason, Verdict

REFUSED = Decision(Verdict.REFUSE, (Reason("peer_blocked", Verdict.REFUSE, "peer.test"),))


def batch(clock, number):
    return [(Turned("peer.test", "Like", f"https://peer.test/{at}", "", REFUSED), clock(), Future()) for at in range(number)]


def test_a_database_that_is_away_is_told_to_all_at_once(app, clock, monkeypatch):
    asked = []

    def away(session, turned, now):
        asked.append(len(turned))
        raise OperationalError("insert", {}, Exception("database is locked"))

    monkeypatch.setattr(inbox, "refuse", away)
    waiting = batch(clock, 5)
    assert Arrivals(app)._keep(waiting)
    assert asked == [5]
    for _, _, future in waiting:
        with pytest.raises(OperationalError):
            future.result(timeout=0)


def test_one_that_cannot_be_kept_takes_no_other_with_it(app, clock, monkeypatch):
    refuse = inbox.refuse

    def choosy(session, turned, now):
        if any(one.actor_uri.endswith("/1") for one in turned):
            raise ValueError("nonsense")
        refuse(session, turned, now)

    monkeypatch.setattr(inbox, "refuse", choosy)
    arrivals, waiting = Arrivals(app), batch(clock, 3)
    assert not arrivals._keep(waiting)
    for item in waiting:
        arrivals._keep([item])
    assert waiting[0][2].result(timeout=0) is None
    assert waiting[2][2].result(timeout=0) is None
    with pytest.raises(ValueError, match="nonsense"):
        waiting[1][2].result(timeout=0)

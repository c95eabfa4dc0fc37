"""The job that delivers: everything due, whatever hosts it goes to, by one call; no more at once than a host can take."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from federation.delivery import Answer
from node.actions import brakes, lanes
from node.actions.tries import Result
from node.database import transaction
from node.jobs import delivery
from node.models import Delivery, Lane
from node.runtime import current_node
from tests.support.factories import Factory


class Wire:
    """The network's far side: notes what is posted, answers after `wait` seconds with what `answers` says."""

    def __init__(self, wait: float = 0.01, answers: Mapping[str, int] | None = None) -> None:
        self.posted: list[str] = []
        self.most_at_once: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._wait, self._answers = wait, answers or {}
        self._lock = threading.Lock()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        host = url.split("/")[2]
        with self._lock:
            self._now[host] += 1
            self.most_at_once[host] = max(self.most_at_once[host], self._now[host])
        time.sleep(self._wait)
        with self._lock:
            self._now[host] -= 1
            self.posted.append(url)
        return Answer(self._answers.get(host, 202))


@pytest.fixture
def wire(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    far = Wire()
    monkeypatch.setattr(current_node(), "client", far)
    yield far


def left(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count(Delivery.id)).where(Delivery.state == "waiting")) or 0


def settle(session: Session) -> int:
    """Wait until all that was sent is recorded; return what still waits."""
    deadline = time.monotonic() + 10
    while left(session) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left(session)


def test_many_inboxes_of_one_host_are_all_served_by_one_job(app: Flask, session: Session, make: Factory, wire: Wire) -> None:
    ada = make.member("ada", with_keys=True).actor
    make.peer("busy.test")
    make.peer("good.test")
    for number in range(9):
        make.delivery(ada, f"https://busy.test/users/{number}/inbox")
    make.delivery(ada, "https://good.test/inbox")
    make.commit()
    delivery.drain(app, 10)
    assert settle(session) == 0
    assert len(wire.posted) == 10
    assert wire.most_at_once["busy.test"] <= 5


def test_a_failing_host_leaves_its_deliveries_waiting_and_the_others_done(
    app: Flask, session: Session, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Wire(answers={"down.test": 503})
    monkeypatch.setattr(current_node(), "client", far)
    ada = make.member("ada", with_keys=True).actor
    for host in ("down.test", "good.test"):
        make.peer(host)
        make.delivery(ada, f"https://{host}/inbox")
    make.commit()
    delivery.drain(app, 10)
    delivery.finish(app)
    assert left(session) == 1
    states = dict(session.execute(select(Delivery.state, Delivery.answer)).all())
    assert states == {"delivered": 202, "waiting": 503}


def test_a_brake_reaches_what_is_claimed_already_and_a_release_brings_the_rest_once(
    app: Flask, session: Session, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Wire(wait=0.15)
    monkeypatch.setattr(current_node(), "client", far)
    ada = make.member("ada", with_keys=True).actor
    for number in range(120):
        make.peer(f"s{number}.test")
        make.delivery(ada, f"https://s{number}.test/inbox")
    make.commit()
    job = threading.Thread(target=in_context, args=(app, lambda: delivery.drain(app, 10)))
    job.start()
    while len(far.posted) < 3:
        time.sleep(0.01)
    with transaction() as writing:  # others write at this moment
        brakes.pull(writing, "node", by=None, now=make.clock())
    pulled = time.monotonic()
    job.join()
    assert time.monotonic() - pulled < 5
    time.sleep(0.5)
    went_out = len(far.posted)
    assert 3 <= went_out < 120
    delivery.drain(app, 1)
    assert len(far.posted) == went_out
    assert left(session) == 120 - went_out
    assert set(session.scalars(select(Delivery.attempts).where(Delivery.state == "waiting"))) == {0}
    brakes.release(session, "node", by=None, now=make.clock())
    make.commit()
    delivery.drain(app, 20)
    assert settle(session) == 0
    assert Counter(far.posted) == Counter(f"https://s{number}.test/inbox" for number in range(120))


def in_context(app: Flask, work: Callable[[], None]) -> None:
    with app.app_context():
        work()


def test_a_database_that_is_away_for_a_while_costs_no_result(
    app: Flask, session: Session, make: Factory, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = make.member("ada", with_keys=True).actor
    make.peer("good.test")
    make.delivery(ada, "https://good.test/inbox")
    make.commit()
    record, fails = lanes.record, iter(range(4))

    def away(*arguments: object) -> bool:
        if next(fails, None) is not None:
            raise OperationalError("update", {}, Exception("database is locked"))
        return record(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(lanes, "record", away)
    delivery.drain(app, 10)
    assert settle(session) == 0
    assert len(wire.posted) == 1


def test_a_result_that_cannot_be_recorded_takes_no_other_with_it(
    app: Flask, session: Session, make: Factory, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = make.member("ada", with_keys=True).actor
    for host in ("bad.test", "good.test"):
        make.peer(host)
        make.delivery(ada, f"https://{host}/inbox")
    make.commit()
    record = lanes.record

    def fails_for_one(session: Session, results: list[Result], now: datetime) -> bool:
        if any(result.claim.host.host == "bad.test" for result in results):
            raise ValueError("nonsense")
        return record(session, results, now)

    monkeypatch.setattr(lanes, "record", fails_for_one)
    delivery.drain(app, 10)
    delivery.finish(app)
    assert len(wire.posted) == 2
    session.rollback()
    states = session.execute(select(Lane.host, Delivery.state).join(Delivery, Delivery.lane_id == Lane.id)).all()
    assert dict(states) == {"good.test": "delivered", "bad.test": "waiting"}

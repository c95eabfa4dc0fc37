"""The job that delivers: everything due, whatever hosts it goes to, by one call; no more at once than a host can take."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation.delivery import Answer
from node.jobs import delivery
from node.models import Delivery
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

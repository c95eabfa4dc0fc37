"""What a worker leaves behind when it is killed: read by the next one, once, and never taken from one that lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from federation.delivery import Answer
from node.actions import lanes
from node.actions.tries import Claim, HostState, Lease
from node.jobs import delivery
from node.jobs.journal import LARGEST, Journal, Orphan, orphans
from node.models import Delivery, Lane
from node.runtime import current_node
from tests.support.clocks import NOON
from tests.support.factories import Factory

DIE = """
import os, pathlib, signal, sys
sys.path.insert(0, {root!r})
from node.jobs.journal import Journal
from tests.node.jobs.test_journal import claim
journal = Journal(pathlib.Path({folder!r}))
journal.leased([claim(1), claim(2)])
journal.taken(claim(1), 202)
os.write(journal._file, b"taken 2")
os.kill(os.getpid(), signal.SIGKILL)
"""
ROOT = Path(__file__).parents[3]


def claim(number: int, lease_no: int = 1, lane_id: int | None = None) -> Claim:
    inbox = "https://peer.test/inbox"
    return Claim(lane_id or 10 + number, lease_no, number, 5, 6, inbox, HostState("peer.test"), 0, NOON, False)


def kill_one(folder: Path) -> None:
    """Have a process note two leases and one 2xx, and be killed in the middle of the next line."""
    code = DIE.format(root=str(ROOT), folder=str(folder))
    ended = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT)
    assert ended.returncode == -signal.SIGKILL


def test_what_a_killed_process_noted_is_found_once(tmp_path: Path) -> None:
    kill_one(tmp_path)
    with orphans(tmp_path) as left:
        assert left is not None
        assert left.leases == {1: Lease(11, 1, 1), 2: Lease(12, 1, 2)}
        assert left.taken == {1: 202}
    with orphans(tmp_path) as left:
        assert left is None


def test_what_could_not_be_recorded_stays_while_the_database_is_away(tmp_path: Path) -> None:
    kill_one(tmp_path)
    with pytest.raises(OperationalError), orphans(tmp_path):
        raise OperationalError("select", {}, Exception("database is locked"))
    with orphans(tmp_path) as left:
        assert left is not None


def test_what_can_never_be_recorded_stops_nobody(tmp_path: Path) -> None:
    kill_one(tmp_path)
    with pytest.raises(RuntimeError), orphans(tmp_path):
        raise RuntimeError("nonsense")
    with orphans(tmp_path) as left:
        assert left is None
    assert len(list(tmp_path.glob("*.bad"))) == 1


def test_another_machines_files_are_left_alone(tmp_path: Path) -> None:
    kill_one(tmp_path)
    (path,) = tmp_path.glob("*.journal")
    path.rename(tmp_path / f"elsewhere-{path.name}")
    with orphans(tmp_path) as left:
        assert left is None


def test_a_later_lease_forgets_that_an_earlier_try_was_begun(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.leased([claim(1)])
    journal.begun(claim(1))
    journal.leased([claim(1, lease_no=2)])
    os.close(journal._file)
    with orphans(tmp_path) as left:
        assert left is not None
        assert (left.leases[1].lease_no, left.begun) == (2, set())


def test_what_is_left_comes_in_parts() -> None:
    leases = {number: Lease(number, 1, number) for number in range(5)}
    parts = list(Orphan(leases, {4: 202, 9: 200}, {0}).parts(4))
    assert [(len(part.leases), part.taken, part.begun) for part in parts] == [(4, {}, {0}), (1, {4: 202, 9: 200}, set())]


def test_a_folder_that_takes_nothing_costs_the_protection_and_not_the_delivery(tmp_path: Path) -> None:
    (tmp_path / "deliveries").write_text("not a folder")
    journal = Journal(tmp_path / "deliveries")
    journal.leased([claim(1)])
    journal.taken(claim(1), 200)
    journal.recorded([claim(1)])
    journal.close()


def test_the_living_keep_theirs(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.leased([claim(1)])
    with orphans(tmp_path) as left:
        assert left is None
    assert list(tmp_path.glob("*.journal"))


def test_a_file_is_emptied_when_nothing_is_open_and_removed_at_the_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.leased([claim(1), claim(2)])
    journal.taken(claim(1), 202)
    journal.recorded([claim(1)])
    (path,) = tmp_path.glob("*.journal")
    assert path.stat().st_size > 0
    journal.close()
    assert path.exists()
    journal.recorded([claim(2)])
    assert path.stat().st_size == 0
    journal.close()
    assert not path.exists()


def test_a_long_file_is_written_anew_with_what_is_open(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.leased([claim(1)])
    journal.taken(claim(1), 200)
    for first in range(2, 60_000, 1_000):
        some = [claim(number) for number in range(first, first + 1_000)]
        journal.leased(some)
        journal.recorded(some)
    (path,) = tmp_path.glob("*.journal")
    assert path.stat().st_size < LARGEST
    assert path.read_text().startswith("leased 11 1 1 0 \ntaken 1 200\n")


def test_the_next_job_records_for_the_dead_and_sends_the_rest(app: Flask, session: Session, make: Factory, monkeypatch) -> None:
    ada = make.member("ada", with_keys=True).actor
    make.peer("good.test")
    for name in "ab":
        make.delivery(ada, f"https://good.test/{name}/inbox")
    make.commit()
    node = current_node()
    claims = lanes.claim(session, 2, node.rules(session), node.now())
    session.commit()
    assert len(claims) == 2
    folder = node.settings.data_dir / "deliveries"
    journal = Journal(folder)
    journal.leased(claims)
    journal.taken(claims[0], 202)
    os.close(journal._file)  # as the end of a process does

    posted = []

    class Wire:
        def post(self, url, body, headers):
            posted.append(url)
            return Answer(202)

    monkeypatch.setattr(node, "client", Wire())
    delivery.drain(app, 10)
    delivery.finish(app)
    session.rollback()
    assert posted == [claims[1].inbox]
    rows = session.execute(select(Delivery.state, Delivery.answer, Delivery.attempts)).all()
    assert rows == [("delivered", 202, 1), ("delivered", 202, 1)]
    assert session.execute(select(Lane.lease_until, Lane.next_at)).all() == [(None, None), (None, None)]

"""Asking the ledger: who holds what, while others append, and across pages."""

from __future__ import annotations

from sqlalchemy import delete

from node.actions import ledger
from node.models import LedgerMark
from node.queries import ledger as query
from tests.node.actions.test_ledger import a_line


def test_what_is_appended_during_a_check_is_checked_too(session, make) -> None:
    ledger.append(session, [a_line(1), a_line(2)], make.clock())
    late = [a_line(3), a_line(4)]

    def somebody_appends(_lines: int) -> None:
        if late:
            ledger.append(session, [late.pop()], make.clock())

    checked = query.verify(session, progress=somebody_appends)
    assert (checked.lines, checked.last, checked.fault) == (4, 4, None)


def test_beyond_the_end_there_is_nothing_to_check(session, make) -> None:
    assert query.verify(session) == query.Checked(0, 0, bytes(32))
    ledger.append(session, [a_line(1)], make.clock())
    assert query.verify(session, first=9).fault is None
    assert query.verify(session, first=2).lines == 0


def test_a_line_written_past_the_head_is_found(session, make) -> None:
    ledger.append(session, [a_line(1), a_line(2)], make.clock())
    session.execute(delete(LedgerMark))
    assert query.verify(session).fault.what == "head"


def test_holders_are_paged_by_name_and_say_the_best_that_is_known(session, make) -> None:
    for host, state in (("b.test", "unknown"), ("a.test", "refused"), ("b.test", "taken"), ("a.test", "unknown"), ("c.test", "unknown")):
        ledger.append(session, [a_line(1, host=host, state=state)], make.clock.move(1))
    ledger.append(session, [a_line(2, host="d.test")], make.clock())
    uri = a_line(1).object_uri
    first, second = query.holders(session, uri, limit=2)
    assert [(one.host, one.state, one.lines) for one in (first, second)] == [("a.test", "refused", 2), ("b.test", "taken", 2)]
    assert [one.host for one in query.holders(session, uri, after="b.test")] == ["c.test"]
    assert query.holders_count(session, uri) == 3


def test_a_deletion_counts_when_it_was_taken_and_came_last(session, make) -> None:
    uri = a_line(1).object_uri

    def kinds(*said: tuple[str, str]) -> None:
        for kind, state in said:
            ledger.append(session, [a_line(1, kind=kind, state=state)], make.clock.move(60))

    kinds(("Create", "taken"), ("Delete", "refused"))
    assert query.holders(session, uri)[0].deleted_at is None
    kinds(("Delete", "taken"))
    assert query.holders(session, uri)[0].deleted_at == make.clock()
    kinds(("Read", "taken"))
    assert query.holders(session, uri)[0].deleted_at is None


def test_what_a_server_received_is_counted_and_dated(session, make) -> None:
    assert query.received_by(session, "peer.test") == query.Received(0, None, None)
    first = make.clock()
    ledger.append(session, [a_line(1)], first)
    ledger.append(session, [a_line(2), a_line(3)], make.clock.move(60))
    assert query.received_by(session, "peer.test") == query.Received(3, first, make.clock())
    assert [row.number for row in query.received(session, "peer.test", older_than=3)] == [2, 1]

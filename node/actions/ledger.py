"""Write what left: the one way into the ledger, in the transaction of what it records. There is no way to change or remove.

Whoever appends holds the chain's head until the commit (a row lock on PostgreSQL; on SQLite there is one writer anyway):
the chain cannot fork, and numbers have no gaps, because a transaction that fails takes its numbers back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from node.actions.feeds import insert_ignoring
from node.ledger import GENESIS, Line, hash_of, instant
from node.models import Disclosure, LedgerMark, ReadCount
from node.queries.ledger import HEAD


def append(session: Session, lines: Sequence[Line], now: datetime) -> int:
    """Append lines, in order, as disclosed at `now`; return the number of the last one (0 when nothing was ever recorded).

    Call it last in a transaction: others wait for the head until this one is committed.
    """
    number, previous = _take_head(session)
    if not lines:
        return number
    time = instant(now)
    rows = []
    for one in lines:
        number += 1
        own = hash_of(
            number, time, one.channel, one.kind, one.object_uri, one.post_id, one.version, one.activity_uri, one.host,
            one.actor_uri, one.verdict, one.reasons, one.rules_version, one.size, one.answer, one.state, previous,
        )  # fmt: skip
        rows.append(
            {
                "number": number, "disclosed_at": now, "channel": one.channel, "kind": one.kind, "object_uri": one.object_uri,
                "post_id": one.post_id, "version": one.version, "activity_uri": one.activity_uri, "host": one.host,
                "actor_uri": one.actor_uri, "verdict": one.verdict, "reasons": one.reasons, "rules_version": one.rules_version,
                "size": one.size, "answer": one.answer, "state": one.state, "previous_hash": previous, "hash": own,
            }
        )  # fmt: skip
        previous = own
    connection = session.connection()
    connection.execute(_INSERT, rows)
    connection.execute(_SET_HEAD.values(number=number, hash=previous))
    return number


def count_reads(session: Session, reads: Mapping[tuple[int, str, date], int]) -> None:
    """Add to how often posts were read by somebody without a name: (post id, channel, UTC day) -> times."""
    rows = [
        {"post_id": post_id, "channel": channel, "day": day, "number": number}
        for (post_id, channel, day), number in sorted(reads.items())
    ]
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(ReadCount)
    more = {"number": ReadCount.number + statement.excluded.number}
    key = [ReadCount.post_id, ReadCount.channel, ReadCount.day]
    session.connection().execute(statement.on_conflict_do_update(index_elements=key, set_=more), rows)


def _take_head(session: Session) -> tuple[int, bytes]:
    """Return number and hash of the chain's end, and hold it until the transaction ends."""
    row = session.execute(_HEAD).one_or_none()
    if row is None:  # the first line ever: two may meet here, one makes the row
        insert_ignoring(session, LedgerMark, [{"name": HEAD, "number": 0, "hash": GENESIS}])
        row = session.execute(_HEAD).one()
    return int(row.number), bytes(row.hash)


_HEAD = select(LedgerMark.number, LedgerMark.hash).where(LedgerMark.name == HEAD).with_for_update()
_SET_HEAD = update(LedgerMark).where(LedgerMark.name == HEAD)
_INSERT = insert(Disclosure.__table__)

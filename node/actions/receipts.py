"""The inbound queue: which receipts are due, in which order, and how one ends. The rows; `node.jobs.receiving` works."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select, union_all, update
from sqlalchemy.orm import Session

from node.actions.feeds import insert_ignoring
from node.actions.inbox import SHARDS
from node.models import Receipt, Shard

MOST_TRIES = 5
WAITS = (1, 5, 15, 30)
"""Seconds before a receipt that failed by our own fault is tried again."""
SHARDS_AT_ONCE = 4
"""With PostgreSQL a worker holds this many shards, and others work on the rest."""

_QUIET = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Arrived:
    """One receipt to work on."""

    id: int
    actor_uri: str
    inbox_owner: int
    shard: int
    body: bytes
    attempts: int
    reason: str


def shards_due(session: Session, now: datetime) -> tuple[int, ...]:
    """Return the shards that have work, without holding anything."""
    rows = session.execute(_oldest(tuple(range(SHARDS)), 1), {"now": now})
    return tuple(sorted(shard for _, shard in rows))


def hold_shards(session: Session, wanted: Sequence[int]) -> tuple[int, ...]:
    """Hold shards among `wanted` until the end of the transaction: no other worker takes from them meanwhile.

    A killed worker's hold ends with its connection. SQLite has one writer at a time, so it holds them all.
    """
    if session.get_bind().dialect.name != "postgresql":
        return tuple(wanted)
    free = select(Shard.id).where(Shard.id.in_(wanted)).order_by(func.random()).limit(SHARDS_AT_ONCE)
    free = free.with_for_update(skip_locked=True)
    held = tuple(session.scalars(free))
    if not held and session.scalar(select(Shard.id).limit(1)) is None:
        insert_ignoring(session, Shard, [{"id": number} for number in range(SHARDS)])
        held = tuple(session.scalars(free))
    return tuple(sorted(held))


def due(session: Session, shards: Sequence[int], now: datetime, most: int) -> list[Arrived]:
    """Return what is due, at most `most`, oldest first; each shard gets its turn, so that no peer's flood stops others."""
    if not shards:
        return []
    rows = session.execute(_oldest(tuple(shards), most), {"now": now}).all()
    turn: dict[int, int] = defaultdict(int)
    ranked = []
    for receipt_id, shard in sorted(tuple(row) for row in rows):
        turn[shard] += 1
        ranked.append((turn[shard], receipt_id))
    chosen = [receipt_id for _, receipt_id in sorted(ranked)[:most]]
    return load(session, chosen)


def is_new(session: Session, receipt_id: int) -> bool:
    """Say whether nobody has worked on this receipt meanwhile."""
    return session.scalar(select(Receipt.state).where(Receipt.id == receipt_id)) == "new"


def is_waiting(session: Session, receipt_id: int) -> bool:
    """Say whether a receipt still waits for the network."""
    return session.scalar(select(Receipt.state).where(Receipt.id == receipt_id)) == "fetching"


def load(session: Session, ids: Sequence[int]) -> list[Arrived]:
    """Return these receipts in order."""
    table = Receipt.__table__.c
    columns = (table.id, table.actor_uri, table.inbox_owner, table.shard, table.body, table.attempts, table.reason)
    rows = session.execute(select(*columns).where(table.id.in_(ids)).order_by(table.id)).all()
    return [Arrived(*row) for row in rows]


def fetching_due(session: Session, now: datetime, most: int) -> list[Arrived]:
    """Return receipts that wait for the network and whose time has come."""
    waiting = select(Receipt.id).where(Receipt.state == "fetching", or_(Receipt.next_at.is_(None), Receipt.next_at <= now))
    found = waiting.order_by(Receipt.next_at).limit(most).with_for_update(skip_locked=True)
    return load(session, session.scalars(found).all())


def finish(session: Session, ids: Sequence[int], state: str, reason: str) -> None:
    """Give receipts their outcome."""
    ended = update(Receipt).where(Receipt.id.in_(ids))
    session.execute(ended.values(state=state, reason=reason, next_at=None), execution_options=_QUIET)


def wait_for(session: Session, receipt_id: int, uris: Iterable[str], now: datetime) -> None:
    """Have a receipt wait until these documents have been read."""
    values = {"state": "fetching", "reason": json.dumps(sorted(uris)), "next_at": now, "attempts": 0}
    session.execute(update(Receipt).where(Receipt.id == receipt_id).values(**values), execution_options=_QUIET)


def needed(arrived: Arrived) -> tuple[str, ...]:
    """Return what a waiting receipt waits for."""
    try:
        uris = json.loads(arrived.reason)
    except ValueError:
        return ()
    return tuple(uri for uri in uris if isinstance(uri, str)) if isinstance(uris, list) else ()


def postpone(session: Session, arrived: Arrived, reason: str, now: datetime) -> None:
    """Try again later; after MOST_TRIES failures park it, with the reason, for a person to look at."""
    tries = arrived.attempts + 1
    values: dict[str, Any] = {"attempts": tries, "reason": reason}
    if tries >= MOST_TRIES:
        values |= {"state": "parked", "next_at": None}
    else:
        values["next_at"] = now + timedelta(seconds=WAITS[tries - 1])
    session.execute(update(Receipt).where(Receipt.id == arrived.id).values(**values), execution_options=_QUIET)


def stumble(session: Session, arrived: Arrived, reason: str, now: datetime) -> None:
    """As `postpone`, for a receipt that waits for the network: what it waits for stays noted until it is parked."""
    if arrived.attempts + 1 >= MOST_TRIES:
        postpone(session, arrived, reason, now)
    else:
        fetch_later(session, arrived.id, arrived.attempts + 1, now + timedelta(seconds=WAITS[arrived.attempts]))


def fetch_later(session: Session, receipt_id: int, attempts: int, at: datetime) -> None:
    """Read what it waits for later; what it waits for stays noted."""
    values = {"attempts": attempts, "next_at": at}
    session.execute(update(Receipt).where(Receipt.id == receipt_id).values(**values), execution_options=_QUIET)


@lru_cache(maxsize=64)
def _oldest(shards: tuple[int, ...], most: int) -> Select[Any]:
    """One look into the index for each shard: the cost does not depend on how much waits, or on how much is done."""
    table = Receipt.__table__.c
    looks = []
    for shard in shards:
        ready = or_(table.next_at.is_(None), table.next_at <= bindparam("now", type_=table.next_at.type))
        look = select(table.id, table.shard).where(table.state == "new", table.shard == shard, ready)
        looks.append(select(look.order_by(table.id).limit(most).subquery()))
    everything = union_all(*looks).subquery()
    return select(everything.c.id, everything.c.shard)

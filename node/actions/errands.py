"""The fetch queue: what is to be read when there is time, and when to try again. The rows; `node.jobs.fetching` works."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from node.actions.feeds import insert_ignoring
from node.database import new_id, ring
from node.models import Errand, Host, Receipt

LEASE = timedelta(seconds=120)
WAITS = (timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6))
"""Before something that could not be had for now is tried again; after the last, it is given up."""
_QUIET = {"synchronize_session": False}


def want(session: Session, kind: str, uri: str, now: datetime, budget: int = 0) -> None:
    """Have `uri` read, soon. What is waiting stays as it is; what is under way is done once more; what is parked is due."""
    row = {"id": new_id(now), "kind": kind, "uri": uri, "budget": budget, "attempts": 0, "due_at": now}
    insert_ignoring(session, Errand, [row])
    again = update(Errand).where(Errand.kind == kind, Errand.uri == uri)
    under_way = again.where(Errand.lease_until > now, Errand.due_at < now).values(due_at=now)
    parked = again.where(Errand.due_at.is_(None)).values(due_at=now, attempts=0, reason="")
    for statement in (under_way, parked):
        session.execute(statement, execution_options=_QUIET)
    ring(session, "fetch")


def due(session: Session, now: datetime, most: int) -> list[Errand]:
    """Return errands whose time has come and that nobody is on, the oldest first."""
    free = or_(Errand.lease_until.is_(None), Errand.lease_until <= now)
    errands = select(Errand).where(Errand.due_at <= now, free).order_by(Errand.due_at).limit(most)
    return list(session.scalars(errands.with_for_update(skip_locked=True)))


def lease(session: Session, errand_ids: Collection[int], receipt_ids: Collection[int], now: datetime) -> None:
    """Take these: nobody else starts them before the lease ends."""
    taken = update(Errand).where(Errand.id.in_(errand_ids)).values(lease_until=now + LEASE)
    session.execute(taken, execution_options=_QUIET)
    waiting = update(Receipt).where(Receipt.id.in_(receipt_ids), Receipt.state == "fetching").values(next_at=now + LEASE)
    session.execute(waiting, execution_options=_QUIET)


def put_off(session: Session, errand_ids: Collection[int], receipt_ids: Collection[int], until: datetime) -> None:
    """Look at these later: their host is busy, and others should not wait behind them."""
    session.execute(update(Errand).where(Errand.id.in_(errand_ids)).values(due_at=until), execution_options=_QUIET)
    waiting = update(Receipt).where(Receipt.id.in_(receipt_ids), Receipt.state == "fetching").values(next_at=until)
    session.execute(waiting, execution_options=_QUIET)


def finish(session: Session, errand: Errand) -> None:
    """Strike an errand off the list, unless it was asked for again while it was under way."""
    done = delete(Errand).where(Errand.id == errand.id, Errand.due_at == errand.due_at)
    session.execute(done, execution_options=_QUIET)
    session.execute(update(Errand).where(Errand.id == errand.id).values(lease_until=None), execution_options=_QUIET)


def retry(session: Session, errand: Errand, now: datetime) -> None:
    """Try again later, or give it up."""
    if errand.attempts >= len(WAITS):
        finish(session, errand)
        return
    again = update(Errand).where(Errand.id == errand.id)
    values = {"attempts": errand.attempts + 1, "due_at": now + WAITS[errand.attempts], "lease_until": None}
    session.execute(again.values(**values), execution_options=_QUIET)


def stumble(session: Session, errand: Errand, reason: str, now: datetime) -> None:
    """Try again later what failed by our own fault; after the last wait park it, with the reason, for a person to look at."""
    if errand.attempts < len(WAITS):
        retry(session, errand, now)
        return
    parked = {"attempts": errand.attempts + 1, "due_at": None, "lease_until": None, "reason": reason[:500]}
    session.execute(update(Errand).where(Errand.id == errand.id).values(**parked), execution_options=_QUIET)


def want_nodeinfo(session: Session, origin: str, host: str, now: datetime) -> None:
    """Have a host's NodeInfo read when we do not know what it runs."""
    if session.scalar(select(Host.host).where(Host.host == host, Host.software != "")) is None:
        want(session, "nodeinfo", f"{origin}/.well-known/nodeinfo", now)


def learn_software(session: Session, host: str, name: str, version: str, now: datetime) -> None:
    """Note what a host runs; 'unknown' when it does not say."""
    values = {"software": name[:100], "version": version[:100]}
    insert_ignoring(session, Host, [{"host": host, "used_at": now}])
    session.execute(update(Host).where(Host.host == host).values(**values), execution_options=_QUIET)

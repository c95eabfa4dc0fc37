"""What the workers have before them: for the admins' job page, /readyz and /metrics. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from node.models import Errand, Lane, Receipt


@dataclass(frozen=True, slots=True)
class Overview:
    """Work waiting in each part. `*_leased` counts what a worker holds right now, `*_overdue` leases that ran out."""

    receipts: Mapping[str, int]
    oldest_new_at: datetime | None
    errands: Mapping[str, int]
    errands_due: int
    lanes_waiting: int
    lanes_due: int
    lanes_leased: int
    lanes_overdue: int


def overview(session: Session, now: datetime) -> Overview:
    """Return how the work stands at `now`."""

    def number(column, *conditions) -> int:  # type: ignore[no-untyped-def]
        return session.scalar(select(func.count(column)).where(*conditions)) or 0

    receipts = select(Receipt.state, func.count(Receipt.id)).group_by(Receipt.state)
    errands = select(Errand.kind, func.count(Errand.id)).group_by(Errand.kind)
    return Overview(
        receipts=dict(session.execute(receipts).all()),
        oldest_new_at=session.scalar(select(func.min(Receipt.received_at)).where(Receipt.state == "new")),
        errands=dict(session.execute(errands).all()),
        errands_due=number(Errand.id, Errand.due_at <= now),
        lanes_waiting=number(Lane.id, Lane.next_at.is_not(None)),
        lanes_due=number(Lane.id, Lane.next_at <= now),
        lanes_leased=number(Lane.id, Lane.lease_until > now),
        lanes_overdue=number(Lane.id, Lane.lease_until <= now),
    )


def parked_errands(session: Session, limit: int = 50) -> Sequence[Errand]:
    """Return what was to be fetched and is parked because of a fault of ours, newest first: each with the reason."""
    return session.scalars(select(Errand).where(Errand.due_at.is_(None)).order_by(Errand.id.desc()).limit(limit)).all()


def parked(session: Session, older_than: int | None = None, limit: int = 50) -> Sequence[Receipt]:
    """Return inbound activities that were given up, newest first: each with the reason."""
    found = select(Receipt).where(Receipt.state == "parked")
    if older_than is not None:
        found = found.where(Receipt.id < older_than)
    return session.scalars(found.order_by(Receipt.id.desc()).limit(limit)).all()

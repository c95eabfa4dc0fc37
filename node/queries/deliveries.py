"""What is on its way out and what failed: for the admins' delivery page. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, contains_eager

from node.models import Activity, Delivery, Host, Lane

MOST_HOSTS = 50


@dataclass(frozen=True, slots=True)
class HostTrouble:
    """A server that does not take what we send. `closed_until`: nothing is tried before (the breaker is open)."""

    host: str
    waiting: int
    closed_until: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Deliveries by state, when the oldest waiting one was made, and the servers in trouble, most waiting first."""

    states: Mapping[str, int]
    oldest_waiting_at: datetime | None
    troubled: tuple[HostTrouble, ...]

    @property
    def waiting(self) -> int:
        return self.states.get("waiting", 0)


def overview(session: Session, now: datetime) -> Overview:
    """Return how deliveries stand at `now`."""
    states = dict(session.execute(select(Delivery.state, func.count(Delivery.id)).group_by(Delivery.state)).all())
    oldest = session.scalar(select(func.min(Delivery.created_at)).where(Delivery.state == "waiting"))
    waiting = (
        select(Lane.host, func.count(Delivery.id).label("number"))
        .join(Delivery, Delivery.lane_id == Lane.id)
        .where(Delivery.state == "waiting", Delivery.attempts > 0)
        .group_by(Lane.host)
        .subquery()
    )
    in_trouble = or_(waiting.c.number > 0, Host.closed_until > now)
    rows = session.execute(
        select(Host, func.coalesce(waiting.c.number, 0))
        .outerjoin(waiting, waiting.c.host == Host.host)
        .where(in_trouble)
        .order_by(func.coalesce(waiting.c.number, 0).desc(), Host.host)
        .limit(MOST_HOSTS)
    )
    troubled = tuple(
        HostTrouble(host.host, number, host.closed_until, host.last_success_at, host.last_failure_at, host.last_reason)
        for host, number in rows
    )
    return Overview(states, oldest, troubled)


def failed(session: Session, host: str | None = None, older_than: int | None = None, limit: int = 50) -> Sequence[Delivery]:
    """Return deliveries that were given up, newest first, with `.lane` and `.activity` loaded."""
    return _in_state(session, "failed", host, older_than, limit)


def waiting(session: Session, host: str | None = None, older_than: int | None = None, limit: int = 50) -> Sequence[Delivery]:
    """Return deliveries that still wait, newest first, with `.lane` and `.activity` loaded."""
    return _in_state(session, "waiting", host, older_than, limit)


def get(session: Session, delivery_id: int) -> Delivery | None:
    """Return the delivery with `.lane` and `.activity` loaded."""
    return session.scalar(_loaded().where(Delivery.id == delivery_id))


def _in_state(session: Session, state: str, host: str | None, older_than: int | None, limit: int) -> Sequence[Delivery]:
    found = _loaded().where(Delivery.state == state)
    if host is not None:
        found = found.where(Lane.host == host)
    if older_than is not None:
        found = found.where(Delivery.id < older_than)
    return session.scalars(found.order_by(Delivery.id.desc()).limit(limit)).all()


def _loaded():  # type: ignore[no-untyped-def]
    both = select(Delivery).join(Lane, Lane.id == Delivery.lane_id).join(Activity, Activity.id == Delivery.activity_id)
    return both.options(contains_eager(Delivery.lane), contains_eager(Delivery.activity))

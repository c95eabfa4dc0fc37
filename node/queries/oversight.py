"""The numbers on the first page of those who run the node, and their trends. Reads only; one statement for each call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, distinct, exists, func, select
from sqlalchemy.orm import Session

from node.database import id_floor
from node.models import Activity, Delivery, Host, Invitation, Lane, Member, Peer, Receipt, Refusal, Report

DAYS = 14
DAY = 86_400_000 << 20
"""What a day adds to an id (node.database.new_id)."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How the node stands at one moment. `refusals`: of the last 24 hours; `members_seen`: in the last week."""

    members: int
    members_seen: int
    members_suspended: int
    invitations: int
    peers: int
    lobby_hosts: int
    lobby_receipts: int
    deliveries_waiting: int
    deliveries_failed: int
    hosts_failing: int
    receipts_new: int
    receipts_parked: int
    reports: int
    refusals: int


def figures(session: Session, now: datetime) -> Figures:
    """Return all figures at `now`."""

    def number(column, *conditions: ColumnElement[bool]):  # type: ignore[no-untyped-def]
        return select(func.count(column)).where(*conditions).scalar_subquery()

    held, day = Receipt.state == "held", id_floor(now - timedelta(days=1))
    open_invitation = (Invitation.used_at.is_(None), Invitation.revoked_at.is_(None), Invitation.expires_at > now)
    failing = select(func.count(distinct(Lane.host))).join(Delivery, Delivery.lane_id == Lane.id)
    failing = failing.join(Host, Host.host == Lane.host).where(Delivery.state == "waiting", Host.closed_until > now)
    row = session.execute(
        select(
            number(Member.id, Member.suspended_at.is_(None)),
            number(Member.id, Member.suspended_at.is_(None), Member.seen_at > now - timedelta(days=7)),
            number(Member.id, Member.suspended_at.is_not(None)),
            number(Invitation.id, *open_invitation),
            number(Peer.host),
            select(func.count(distinct(Receipt.host))).where(held).scalar_subquery(),
            number(Receipt.id, held),
            number(Delivery.id, Delivery.state == "waiting"),
            number(Delivery.id, Delivery.state == "failed"),
            failing.scalar_subquery(),
            number(Receipt.id, Receipt.state.in_(("new", "fetching"))),
            number(Receipt.id, Receipt.state == "parked"),
            number(Report.id, Report.closed_at.is_(None)),
            number(Refusal.id, Refusal.id >= day),
        )
    ).one()
    return Figures(*row)


def peer_states(session: Session) -> Mapping[str, int]:
    """Return how many servers stand in each state; '' counts those known without a decision."""
    decided = dict(session.execute(select(Peer.state, func.count(Peer.host)).group_by(Peer.state)).all())
    unknown = select(func.count(Host.host)).outerjoin(Peer, Peer.host == Host.host).where(Peer.host.is_(None))
    return {**decided, "": session.scalar(unknown) or 0}


def sent_by_day(session: Session, now: datetime) -> list[int]:
    """Return how many activities set out for at least one other server on each of the last DAYS days (UTC), oldest first."""
    return _by_day(session, Activity.id, now, exists().where(Delivery.activity_id == Activity.id))


def refused_by_day(session: Session, now: datetime) -> list[int]:
    """Return how many things were turned away on each of the last DAYS days (UTC), oldest first."""
    return _by_day(session, Refusal.id, now)


def _by_day(session: Session, column, now: datetime, *conditions: ColumnElement[bool]) -> list[int]:  # type: ignore[no-untyped-def]
    start = id_floor((now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0))
    day = ((column - start) // DAY).label("day")
    found = session.execute(select(day, func.count(column)).where(column >= start, *conditions).group_by(day)).all()
    numbers = {int(number): count for number, count in found}
    return [numbers.get(number, 0) for number in range(DAYS)]

"""Servers as such: which we know actors of. What admins decided about them is in `peers`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from node.models import Actor


def known(session: Session, limit: int) -> Sequence[str]:
    """Return the hosts we know actors of, by name."""
    found = select(Actor.host).where(Actor.host != "").group_by(Actor.host).order_by(Actor.host)
    return session.scalars(found.limit(limit)).all()


def count(session: Session) -> int:
    """Return how many hosts we know actors of."""
    return session.scalar(select(func.count(distinct(Actor.host))).where(Actor.host != "")) or 0

"""Spaces and who is in them. Reads only; what is said in them is in `timelines.space`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from node.models import Space, SpaceMember


def by_name(session: Session, name: str) -> Space | None:
    """Return the space of this name, in any case."""
    return session.scalar(select(Space).where(Space.name == name.lower()))


def of(session: Session, actor_id: int) -> Sequence[Space]:
    """Return the spaces the actor is in, by title."""
    joined = select(Space).join(SpaceMember, SpaceMember.space_id == Space.id).where(SpaceMember.actor_id == actor_id)
    return session.scalars(joined.order_by(Space.title, Space.id)).all()


def every(session: Session) -> Sequence[tuple[Space, int]]:
    """Return all spaces with the number of people in each, by title."""
    counted = select(Space, func.count(SpaceMember.id)).outerjoin(SpaceMember, SpaceMember.space_id == Space.id)
    rows = session.execute(counted.group_by(Space.id).order_by(Space.title, Space.id))
    return [(space, number) for space, number in rows]


def members(session: Session, space_id: int, limit: int = 200) -> Sequence[SpaceMember]:
    """Return who is in a space with `.actor` loaded, in the order they came."""
    inside = select(SpaceMember).where(SpaceMember.space_id == space_id).options(joinedload(SpaceMember.actor))
    return session.scalars(inside.order_by(SpaceMember.id).limit(limit)).all()


def is_inside(session: Session, space_id: int, actor_id: int) -> bool:
    """Say whether the actor is in the space."""
    row = select(SpaceMember.id).where(SpaceMember.space_id == space_id, SpaceMember.actor_id == actor_id)
    return session.scalar(row) is not None

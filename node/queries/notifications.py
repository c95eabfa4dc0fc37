"""A member's notifications. What is about a post that is no longer there for them is left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from node.models import Block, Member, Mute, Notification, Post
from node.queries import posts
from node.queries.audience import viewer_member, visible

MOST_COUNTED = 100
"""A badge that says 99+ needs no exact number."""


def unread_count(session: Session, member: Member) -> int:
    """Return how many notifications the member has not seen, at most MOST_COUNTED."""
    unread = (
        select(Notification.id)
        .outerjoin(Post, Post.id == Notification.post_id)
        .where(Notification.id > member.notifications_read_id, *_shown_to(member.actor_id))
        .limit(MOST_COUNTED)
    )
    return session.scalar(select(func.count()).select_from(unread.subquery())) or 0


def _shown_to(actor_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on Notification with its Post joined (outer)."""
    sender = Notification.from_actor_id
    turned_away = or_(
        exists().where(Mute.actor_id == actor_id, Mute.target_id == sender),
        exists().where(Block.actor_id == actor_id, Block.target_id == sender),
    )
    return (
        Notification.actor_id == actor_id,
        or_(Notification.post_id.is_(None), and_(Post.id.is_not(None), visible(viewer_member(actor_id)))),
        or_(sender.is_(None), ~turned_away),
    )


def list(
    session: Session,
    actor_id: int,
    older_than: int | None = None,
    limit: int = 40,
    kinds: Collection[str] | None = None,
    newer_than: int | None = None,
) -> Sequence[Notification]:
    """Return notifications, newest first, with `from_actor` and `post` (all its parts) loaded."""
    found = select(Notification).outerjoin(Post, Post.id == Notification.post_id).where(*_shown_to(actor_id))
    if older_than is not None:
        found = found.where(Notification.id < older_than)
    if newer_than is not None:
        found = found.where(Notification.id > newer_than)
    if kinds:
        found = found.where(Notification.kind.in_(kinds))
    found = found.options(joinedload(Notification.from_actor), selectinload(Notification.post).options(*posts.parts()))
    return session.scalars(found.order_by(Notification.id.desc()).limit(limit)).all()

"""A member clears away notifications. What makes them is `feeds.notify`."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from node.models import Notification


def clear(session: Session, actor_id: int) -> None:
    """Delete all the actor's notifications."""
    session.execute(delete(Notification).where(Notification.actor_id == actor_id))


def dismiss(session: Session, actor_id: int, notification_id: int) -> None:
    """Delete one of the actor's notifications, if it is there."""
    mine = delete(Notification).where(Notification.actor_id == actor_id, Notification.id == notification_id)
    session.execute(mine)

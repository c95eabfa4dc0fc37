"""What a member sees first: home timeline entries and notifications, written when things happen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from node.database import Base, Id, UTCDateTime
from node.models.actors import Actor
from node.models.posts import Post


class TimelineEntry(Base):
    """One line of a member's home: a post, or somebody's boost of it. `entry_id` is the post's or boost's id."""

    __tablename__ = "timeline_entries"
    __table_args__ = (Index("ix_timeline_post", "post_id"),)

    actor_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    """The reading member's actor."""
    entry_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    boost_id: Mapped[int | None] = mapped_column(ForeignKey("boosts.id", ondelete="CASCADE"), index=True)


class Notification(Base):
    """`kind`: mention, reply, like, boost, follow, follow_request, follow_accepted, poll, edit, delivery_failed, report."""

    __tablename__ = "notifications"
    __table_args__ = (Index("ix_notifications_actor", "actor_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    """Whose notification it is."""
    kind: Mapped[str] = mapped_column(String(24))
    from_actor_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    fingerprint: Mapped[str] = mapped_column(String(80), unique=True)
    """'actor:kind:from:post': the same thing is told once, however often the job runs."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    from_actor: Mapped[Actor | None] = relationship(lazy="raise", foreign_keys=from_actor_id)
    post: Mapped[Post | None] = relationship(lazy="raise")

"""How actors stand to each other: follows, blocks, mutes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from node.database import Base, Id, UTCDateTime
from node.models.actors import Actor


class Follow(Base):
    """`state` is 'pending' until the target says yes, then 'accepted'. `uri` is the Follow activity's id."""

    __tablename__ = "follows"
    __table_args__ = (
        UniqueConstraint("follower_id", "target_id"),
        Index("ix_follows_target", "target_id", "state", "id"),
        Index("ix_follows_follower", "follower_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    follower_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    uri: Mapped[str | None] = mapped_column(String(2048), unique=True)
    state: Mapped[str] = mapped_column(String(16), default="pending")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    follower: Mapped[Actor] = relationship(lazy="raise", foreign_keys=follower_id)
    target: Mapped[Actor] = relationship(lazy="raise", foreign_keys=target_id)


class Block(Base):
    """One actor wants nothing to do with another. Ours are never delivered; others' are kept when told."""

    __tablename__ = "blocks"
    __table_args__ = (UniqueConstraint("actor_id", "target_id"), Index("ix_blocks_target", "target_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    uri: Mapped[str | None] = mapped_column(String(2048), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    target: Mapped[Actor] = relationship(lazy="raise", foreign_keys=target_id)


class Mute(Base):
    __tablename__ = "mutes"
    __table_args__ = (UniqueConstraint("actor_id", "target_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

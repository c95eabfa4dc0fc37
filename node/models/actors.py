"""Actors, ours and others': anything with an inbox. And their keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from node.database import Base, Id, Json, UTCDateTime


class Actor(Base):
    """One actor. `host` is '' for ours, else the peer's host; `uri` is the ActivityPub id."""

    __tablename__ = "actors"
    __table_args__ = (Index("ix_actors_name", text("lower(username)"), "host"), Index("ix_actors_host", "host"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(String(2048), unique=True)
    kind: Mapped[str] = mapped_column(String(32), default="Person")
    username: Mapped[str] = mapped_column(String(255))
    host: Mapped[str] = mapped_column(String(255), default="")
    name: Mapped[str] = mapped_column(Text, default="")
    summary_source: Mapped[str] = mapped_column(Text, default="")
    summary_html: Mapped[str] = mapped_column(Text, default="")
    fields: Mapped[list[list[str]]] = mapped_column(Json, default=list)
    """Profile fields as [name, clean html] (ours: [name, source text])."""
    url: Mapped[str | None] = mapped_column(String(2048))
    inbox: Mapped[str] = mapped_column(String(2048), default="")
    shared_inbox: Mapped[str | None] = mapped_column(String(2048))
    outbox: Mapped[str | None] = mapped_column(String(2048))
    followers_uri: Mapped[str | None] = mapped_column(String(2048))
    following_uri: Mapped[str | None] = mapped_column(String(2048))
    featured_uri: Mapped[str | None] = mapped_column(String(2048))
    icon_url: Mapped[str | None] = mapped_column(String(2048))
    image_url: Mapped[str | None] = mapped_column(String(2048))
    is_locked: Mapped[bool] = mapped_column(default=False)
    """manuallyApprovesFollowers: a Follow waits for a yes."""
    is_discoverable: Mapped[bool] = mapped_column(default=False)
    is_indexable: Mapped[bool] = mapped_column(default=False)
    also_known_as: Mapped[list[str]] = mapped_column(Json, default=list)
    moved_to_uri: Mapped[str | None] = mapped_column(String(2048))
    followers_count: Mapped[int] = mapped_column(default=0)
    following_count: Mapped[int] = mapped_column(default=0)
    posts_count: Mapped[int] = mapped_column(default=0)
    last_post_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    fetched_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    suspended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    is_shut_out: Mapped[bool] = mapped_column(default=False)
    """Its server is blocked: kept, so that a block can be undone, and shown to nobody."""
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    """What we keep but do not query: moderators, birthday, ..."""

    keys: Mapped[list[ActorKey]] = relationship(lazy="raise", back_populates="actor")

    @property
    def is_local(self) -> bool:
        return self.host == ""


class ActorKey(Base):
    """A public key, and for our own actors the private one. `key_id` is the keyId on the wire."""

    __tablename__ = "actor_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[str] = mapped_column(String(2048), unique=True)
    algorithm: Mapped[str] = mapped_column(String(16))
    """'rsa' or 'ed25519'."""
    public_pem: Mapped[str] = mapped_column(Text)
    private_pem: Mapped[str | None] = mapped_column(Text)
    fetched_at: Mapped[datetime] = mapped_column(UTCDateTime)

    actor: Mapped[Actor] = relationship(lazy="raise", back_populates="keys")

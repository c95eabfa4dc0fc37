"""Posts and what hangs on them: versions, mentions, tags, attachments, polls, tombstones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from node.database import Base, Id, Json, UTCDateTime
from node.models.actors import Actor


class Post(Base):
    """Something said, here or elsewhere. `content_html` is always clean; `audience` is one of node.policy.Audience."""

    __tablename__ = "posts"
    __table_args__ = (
        Index("ix_posts_author", "author_id", "id"),
        Index("ix_posts_thread", "thread_id", "id"),
        Index("ix_posts_reply_uri", "in_reply_to_uri"),
        Index("ix_posts_shared", "is_local", "audience", "id"),
        Index("ix_posts_space", "space_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(String(2048), unique=True)
    url: Mapped[str | None] = mapped_column(String(2048))
    author_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    is_local: Mapped[bool] = mapped_column(default=False)
    kind: Mapped[str] = mapped_column(String(16), default="Note")
    audience: Mapped[str] = mapped_column(String(16))
    space_id: Mapped[int | None] = mapped_column(ForeignKey("spaces.id"))
    in_reply_to_uri: Mapped[str | None] = mapped_column(String(2048))
    in_reply_to_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    thread_id: Mapped[int] = mapped_column(BigInteger)
    """Id of the thread's first post that we know; its own id when it starts one."""
    title: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str | None] = mapped_column(Text)
    """Markdown, of our own posts."""
    content_raw: Mapped[str | None] = mapped_column(Text)
    """HTML as it came, of others' posts."""
    content_html: Mapped[str] = mapped_column(Text, default="")
    cleaner_version: Mapped[int] = mapped_column(default=0)
    summary: Mapped[str] = mapped_column(Text, default="")
    """Content warning, plain text."""
    is_sensitive: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str | None] = mapped_column(String(16))
    quote_uri: Mapped[str | None] = mapped_column(String(2048))
    published_at: Mapped[datetime] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    edited_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    likes_count: Mapped[int] = mapped_column(default=0)
    boosts_count: Mapped[int] = mapped_column(default=0)
    replies_count: Mapped[int] = mapped_column(default=0)
    addressed: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    """{'to': [...], 'cc': [...]} as written on the wire."""
    kept_back: Mapped[str] = mapped_column(String(8), default="")
    """What content rules say of it, for every server: '', 'hold' (until somebody lets it go) or 'withhold'."""
    findings: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """The content rules that found something: {'everywhere': [ids], 'by_peer': {host: [ids]}}; None: nothing."""
    poll: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """{'multiple': bool, 'closes_at': iso|None, 'closed': bool, 'voters': int|None}; options are rows."""
    event: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """{'start': iso, 'end': iso|None, 'place': str}."""
    idempotency_key: Mapped[str | None] = mapped_column(String(128), unique=True)
    """'<member id>:<key>' of the client's request that made it."""

    author: Mapped[Actor] = relationship(lazy="raise")
    attachments: Mapped[list[Attachment]] = relationship(lazy="raise", order_by="Attachment.position")
    mentions: Mapped[list[Mention]] = relationship(lazy="raise")
    hashtags: Mapped[list[Hashtag]] = relationship(lazy="raise")
    options: Mapped[list[PollOption]] = relationship(lazy="raise", order_by="PollOption.position")


class PostVersion(Base):
    """A post as it was before an edit."""

    __tablename__ = "post_versions"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str | None] = mapped_column(Text)
    content_html: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """When this version was written (not when it was replaced)."""


class Mention(Base):
    """Somebody a post names. For `direct` posts this is the audience."""

    __tablename__ = "mentions"
    __table_args__ = (UniqueConstraint("post_id", "actor_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"), index=True)

    actor: Mapped[Actor] = relationship(lazy="raise")


class Hashtag(Base):
    __tablename__ = "hashtags"
    __table_args__ = (UniqueConstraint("post_id", "name"), Index("ix_hashtags_name", "name", "post_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    """Without '#', case-folded."""


class Attachment(Base):
    """A file on another server, shown through our media door."""

    __tablename__ = "attachments"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(16), default="unknown")
    """'image', 'video', 'audio' or 'unknown'."""
    url: Mapped[str] = mapped_column(String(2048))
    media_type: Mapped[str] = mapped_column(String(100), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    blurhash: Mapped[str | None] = mapped_column(String(200))
    width: Mapped[int | None]
    height: Mapped[int | None]


class PollOption(Base):
    __tablename__ = "poll_options"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    votes_count: Mapped[int] = mapped_column(default=0)


class PollVote(Base):
    __tablename__ = "poll_votes"
    __table_args__ = (UniqueConstraint("option_id", "actor_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    option_id: Mapped[int] = mapped_column(ForeignKey("poll_options.id", ondelete="CASCADE"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    uri: Mapped[str | None] = mapped_column(String(2048), unique=True)


class Tombstone(Base):
    """An id that is gone for ever: a Create that comes after its Delete stays deleted."""

    __tablename__ = "tombstones"

    uri: Mapped[str] = mapped_column(String(2048), primary_key=True)
    host: Mapped[str] = mapped_column(String(255), default="")
    former_type: Mapped[str] = mapped_column(String(32), default="")
    deleted_at: Mapped[datetime] = mapped_column(UTCDateTime)

"""The exchange with other servers: what came in, what goes out, and how each host is doing.

The database is the queue of record: a lost Redis loses nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from node.database import Base, Id, Json, UTCDateTime


class Receipt(Base):
    """An inbound activity, verified and kept. A 202 means that this row is committed.

    `state`: 'new' -> 'done' | 'ignored' | 'refused' | 'parked' (gave up) ; 'fetching' needs something from the network
    first ; 'held' waits in the lobby for an admin.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("actor_uri", "activity_uri", "inbox_owner"),
        Index("ix_receipts_todo", "state", "shard", "id"),
        Index("ix_receipts_host", "host", "state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    actor_uri: Mapped[str] = mapped_column(String(2048))
    activity_uri: Mapped[str] = mapped_column(String(2048))
    """The activity's id, or 'sha-256:<hex>' of the body when it has none."""
    inbox_owner: Mapped[int] = mapped_column(BigInteger, default=0)
    """Actor id of the personal inbox, 0 for the shared one."""
    host: Mapped[str] = mapped_column(String(255))
    shard: Mapped[int]
    """Hash of `host`: one worker at a time works on a shard, so order holds per peer."""
    kind: Mapped[str] = mapped_column(String(32))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(String(12), default="new")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")


class Shard(Base):
    """A shard of the inbound queue: with PostgreSQL, whoever works on it holds its row until the transaction ends."""

    __tablename__ = "shards"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Errand(Base):
    """Something to fetch when there is time: a missing ancestor, a stale actor, a peer's NodeInfo."""

    __tablename__ = "errands"
    __table_args__ = (UniqueConstraint("kind", "uri"), Index("ix_errands_due", "due_at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    """'post', 'again', 'actor', 'nodeinfo', 'featured', 'replies'; 'poll' and 'poll_end' need no network, only their time."""
    uri: Mapped[str] = mapped_column(String(2048))
    budget: Mapped[int] = mapped_column(default=20)
    """How many further fetches this errand may lead to."""
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """None: it failed by our own fault again and again, and is parked until somebody asks for it anew."""
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str] = mapped_column(String(500), default="")
    """Why it is parked."""


class Activity(Base):
    """An activity of ours, exactly as signed and sent."""

    __tablename__ = "activities"
    __table_args__ = (Index("ix_activities_actor", "actor_id", "id"), Index("ix_activities_object", "object_uri"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(String(2048), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    object_uri: Mapped[str | None] = mapped_column(String(2048))
    post_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    """The post it is about, for its delivery page and for reading rights."""
    audience: Mapped[str] = mapped_column(String(16))
    document: Mapped[bytes] = mapped_column(LargeBinary)
    version: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """`node.ledger.version_of` the document as it was made; it stays when the words are erased. None: made before there
    was a ledger."""
    size: Mapped[int | None]
    """Bytes of the document as it was made."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Lane(Base):
    """The way from one of our actors to one inbox: first in, first out, one request at a time."""

    __tablename__ = "lanes"
    __table_args__ = (
        UniqueConstraint("actor_id", "inbox"),
        Index("ix_lanes_due", "next_at"),
        Index("ix_lanes_host", "host", "lease_until"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    inbox: Mapped[str] = mapped_column(String(2048))
    host: Mapped[str] = mapped_column(String(255))
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When its first waiting delivery is due; None when nothing waits."""
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lease_no: Mapped[int] = mapped_column(default=0)
    is_closed: Mapped[bool] = mapped_column(default=False)
    """The peer says that this inbox is gone (410)."""


class Delivery(Base):
    """One activity to one inbox.

    `state`: 'waiting' -> 'delivered' | 'failed' | 'cancelled' (a Delete overtook it) | 'withheld' (the gate said no
    after it was queued); 'held' by a content rule until somebody lets the post go. `answer` is the last HTTP status, 0
    for no answer.
    """

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_lane", "lane_id", "state", "id"), Index("ix_deliveries_activity", "activity_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    lane_id: Mapped[int] = mapped_column(ForeignKey("lanes.id"))
    activity_id: Mapped[int] = mapped_column(ForeignKey("activities.id"))
    state: Mapped[str] = mapped_column(String(12), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    refusals: Mapped[int] = mapped_column(default=0)
    """How many of the attempts were refused (401, 403) in both signature schemes."""
    answer: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    attempted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    lane: Mapped[Lane] = relationship(lazy="raise")
    activity: Mapped[Activity] = relationship(lazy="raise")


class Host(Base):
    """How a server is doing and what it understands: facts learned, not decisions (those are `Peer`)."""

    __tablename__ = "hosts"
    __table_args__ = (Index("ix_hosts_used", "used_at"),)

    host: Mapped[str] = mapped_column(String(255), primary_key=True)
    scheme: Mapped[str] = mapped_column(String(16), default="")
    """What signature it takes: '' unknown, 'cavage', 'rfc9421', 'ed25519' (RFC 9421 with Ed25519)."""
    software: Mapped[str] = mapped_column(String(100), default="")
    version: Mapped[str] = mapped_column(String(100), default="")
    breaker: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    """federation.delivery.Breaker as plain values."""
    closed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """The breaker is open until then: nothing is tried, nothing counts as an attempt."""
    in_flight_limit: Mapped[int] = mapped_column(default=2)
    successes: Mapped[int] = mapped_column(default=0)
    last_success_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_failure_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_reason: Mapped[str] = mapped_column(String(500), default="")
    used_at: Mapped[datetime] = mapped_column(UTCDateTime)

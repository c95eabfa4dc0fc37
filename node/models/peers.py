"""What admins decided: peers, node settings; and the trace of what was refused and of what admins did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.database import Base, Id, Json, UTCDateTime


class Peer(Base):
    """A decision about a server and its subdomains. `state` is one of node.policy.PeerState."""

    __tablename__ = "peers"

    host: Mapped[str] = mapped_column(String(255), primary_key=True)
    """Normalised by federation.origins.normalise_host."""
    state: Mapped[str] = mapped_column(String(12))
    types_in: Mapped[list[str] | None] = mapped_column(Json)
    """Activity types let in; None for all."""
    types_out: Mapped[list[str] | None] = mapped_column(Json)
    widest_audience: Mapped[str | None] = mapped_column(String(16))
    """The widest audience (node.policy order) of posts that may go there; None for no further limit."""
    allows_media: Mapped[bool] = mapped_column(default=True)
    allows_reports: Mapped[bool] = mapped_column(default=True)
    owner: Mapped[str] = mapped_column(Text, default="")
    purpose: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    """Private to admins."""
    public_reason: Mapped[str] = mapped_column(Text, default="")
    review_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)


class NodeSetting(Base):
    """One value an admin can change while the node runs: mode, name, description, accent, ..."""

    __tablename__ = "node_settings"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Refusal(Base):
    """What the gate or a check turned away, with its reasons, so that an admin can say why it did not arrive."""

    __tablename__ = "refusals"
    __table_args__ = (Index("ix_refusals_host", "host", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    direction: Mapped[str] = mapped_column(String(4))
    """'in' or 'out'."""
    host: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(32))
    actor_uri: Mapped[str] = mapped_column(String(2048), default="")
    object_uri: Mapped[str] = mapped_column(String(2048), default="")
    post_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    verdict: Mapped[str] = mapped_column(String(12))
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class AuditEntry(Base):
    """What an admin or moderator did."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    """None: from the command line."""
    verb: Mapped[str] = mapped_column(String(48))
    subject: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

"""What admins decided for the gate besides peers: brakes, content rules, and every version of the rule set."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.database import Base, Id, UTCDateTime


class Brake(Base):
    """A brake that is on; it is removed when it is released (the audit log keeps both). `scope`: node.policy.Scope."""

    __tablename__ = "brakes"

    scope: Mapped[str] = mapped_column(String(8), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    """'' for the node, else an actor's or a space's name, or a host."""
    why: Mapped[str] = mapped_column(Text, default="")
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    """Who pulled it; None: from the command line."""
    pulled_at: Mapped[datetime] = mapped_column(UTCDateTime)


class BrakePass(Base):
    """An activity that passes every brake, exactly as it stands: a later edit is another activity."""

    __tablename__ = "brake_passes"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activities.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class OutboundRule(Base):
    """A content rule; `scope`, `looks_for` and `verdict` are those of node.policy.ContentRule."""

    __tablename__ = "outbound_rules"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
    """The reason as the author reads it."""
    looks_for: Mapped[str] = mapped_column(String(12))
    value: Mapped[str] = mapped_column(Text, default="")
    verdict: Mapped[str] = mapped_column(String(12))
    scope: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str] = mapped_column(String(255), default="")
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class RuleVersion(Base):
    """The rule set as it stood from `made_at` on. Each decision, and each line of the ledger, names such a number."""

    __tablename__ = "rule_versions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    """Who changed it; None: the command line."""
    change: Mapped[str] = mapped_column(String(300), default="")
    """What was done: the audit verb and what it was done to."""
    snapshot: Mapped[bytes] = mapped_column(LargeBinary)
    """Canonical JSON (node.queries.rules.as_json), compressed with zlib."""

"""What admins decided for the gate besides peers: the brakes that are on, and what passes them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.database import Base, UTCDateTime


class Brake(Base):
    """A brake that is on; it is removed when it is released (the audit log keeps both). `scope`: node.policy.BrakeScope."""

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

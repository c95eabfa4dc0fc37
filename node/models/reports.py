"""Reports: somebody, here or elsewhere, asks moderators to look (Flag)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from node.database import Base, Id, Json, UTCDateTime
from node.models.actors import Actor


class Report(Base):
    __tablename__ = "reports"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str | None] = mapped_column(String(2048), unique=True)
    reporter_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id", ondelete="CASCADE"))
    post_ids: Mapped[list[int]] = mapped_column(Json, default=list)
    """Only posts the reporter could see."""
    comment: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))

    reporter: Mapped[Actor] = relationship(lazy="raise", foreign_keys=reporter_id)
    target: Mapped[Actor] = relationship(lazy="raise", foreign_keys=target_id)

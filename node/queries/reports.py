"""Reports (Flag) that wait for somebody to look, and those that were closed. Reads only; both people come loaded."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from node.models import Report


def get(session: Session, report_id: int) -> Report | None:
    """Return the report with this id."""
    return session.scalar(_loaded().where(Report.id == report_id))


def _loaded() -> Select[tuple[Report]]:
    return select(Report).options(joinedload(Report.reporter, innerjoin=True), joinedload(Report.target, innerjoin=True))


def list(session: Session, *, is_open: bool = True, older_than: int | None = None, limit: int = 50) -> Sequence[Report]:
    """Return open (or closed) reports, newest first."""
    found = _loaded().where(Report.closed_at.is_(None) if is_open else Report.closed_at.is_not(None))
    if older_than is not None:
        found = found.where(Report.id < older_than)
    return session.scalars(found.order_by(Report.id.desc()).limit(limit)).all()

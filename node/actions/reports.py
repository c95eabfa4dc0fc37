"""Reports are looked at and closed. What is done about them (a block, a suspension) is an act of its own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from node.actions import audit
from node.errors import N_, NotAllowed
from node.models import Member, Report


def close(session: Session, report: Report, *, by: Member, now: datetime) -> None:
    """Note that somebody has looked at it. Closing it again changes nothing. Raises NotAllowed."""
    _check(by)
    if report.closed_at is not None:
        return
    report.closed_at, report.closed_by_id = now, by.id
    audit.record(session, by, "report.close", str(report.id), now=now)
    session.flush()


def reopen(session: Session, report: Report, *, by: Member, now: datetime) -> None:
    """Put it back among those that wait. Raises NotAllowed."""
    _check(by)
    if report.closed_at is None:
        return
    report.closed_at = report.closed_by_id = None
    audit.record(session, by, "report.reopen", str(report.id), now=now)
    session.flush()


def _check(by: Member) -> None:
    if by.role not in ("moderator", "admin"):
        raise NotAllowed("not_moderator", N_("Only moderators and admins do this."))

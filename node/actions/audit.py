"""The trace of what admins and moderators did: one row for each act, in the act's own transaction (abuse case W24)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from node.database import new_id
from node.models import AuditEntry, Member


def record(session: Session, by: Member | None, verb: str, subject: str = "", *, now: datetime, **details: Any) -> AuditEntry:
    """Write that `by` (None: the command line) did `verb` ('peer.block', 'member.suspend', ...) to `subject`.

    `details` are plain JSON values: what changed, from what, to what. No secrets, no addresses of people.
    """
    member_id = by.id if by is not None else None
    entry = AuditEntry(id=new_id(now), member_id=member_id, verb=verb, subject=subject, details=details, created_at=now)
    session.add(entry)
    return entry

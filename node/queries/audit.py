"""What admins and moderators did, newest first. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.models import Actor, AuditEntry, Member


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One act. `by` is None for the command line, and for a member who has left since."""

    entry: AuditEntry
    by: Actor | None


def list(
    session: Session, *, verb: str = "", subject: str = "", older_than: int | None = None, limit: int = 50
) -> tuple[AuditLine, ...]:
    """Return acts. `verb` is the start of a verb ('peer.'), `subject` a part of what it was done to."""
    found = select(AuditEntry, Actor).outerjoin(Member, Member.id == AuditEntry.member_id)
    found = found.outerjoin(Actor, Actor.id == Member.actor_id)
    if verb:
        found = found.where(AuditEntry.verb.startswith(verb, autoescape=True))
    if subject:
        found = found.where(AuditEntry.subject.icontains(subject, autoescape=True))
    if older_than is not None:
        found = found.where(AuditEntry.id < older_than)
    rows = session.execute(found.order_by(AuditEntry.id.desc()).limit(limit))
    return tuple(AuditLine(entry, by) for entry, by in rows)

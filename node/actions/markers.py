"""How far a member has read: the notifications (`Member.notifications_read_id`) and their home (the actor's `details`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from node.actions.members import mark_read
from node.models import Actor, Member

HOME = "home"
NOTIFICATIONS = "notifications"
DETAILS = "markers"


@dataclass(frozen=True, slots=True)
class Marker:
    """Read up to this id, at this time; `version` counts the moves."""

    last_read_id: int
    version: int
    updated_at: datetime


def of(member: Member, actor: Actor) -> dict[str, Marker]:
    """Return the member's markers by name; those never set are left out."""
    found = {name: _read(values) for name, values in (actor.details.get(DETAILS) or {}).items()}
    if member.notifications_read_id:
        known = found.get(NOTIFICATIONS)
        updated_at, version = (known.updated_at, known.version) if known else (member.seen_at or member.created_at, 0)
        found[NOTIFICATIONS] = Marker(member.notifications_read_id, version, updated_at)
    return found


def move(session: Session, member: Member, name: str, last_read_id: int, now: datetime) -> None:
    """Move a marker forward; `member.actor` loaded. It never goes back: the newest of several clients counts."""
    known = of(member, member.actor).get(name)
    if known is not None and known.last_read_id >= last_read_id:
        return
    version = known.version + 1 if known else 1
    values = {"last_read_id": str(last_read_id), "version": version, "updated_at": now.isoformat()}
    every = dict(member.actor.details.get(DETAILS) or {}) | {name: values}
    member.actor.details = member.actor.details | {DETAILS: every}
    if name == NOTIFICATIONS:
        mark_read(session, member, last_read_id)
    session.flush()


def _read(values: dict[str, object]) -> Marker:
    updated_at = datetime.fromisoformat(str(values["updated_at"]))
    return Marker(int(str(values["last_read_id"])), int(str(values["version"])), updated_at)

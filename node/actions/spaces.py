"""Spaces: made, joined, left. A space is internal: nothing said in it leaves."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from node.actions import audit, feeds
from node.actions.members import RESERVED
from node.database import new_id
from node.errors import N_, Invalid, NotAllowed, Taken
from node.models import Actor, Member, Space, SpaceMember

LONGEST_TITLE = 100
LONGEST_PURPOSE = 1_000
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


def create(session: Session, by: Member, name: str, title: str, purpose: str, now: datetime) -> Space:
    """Make a space with `by`, a moderator or admin, in it as its owner. Raises NotAllowed, Invalid, Taken."""
    if by.role not in ("moderator", "admin"):
        raise NotAllowed("not_moderator", N_("Only moderators and admins make spaces."))
    name, title, purpose = name.strip().lower(), " ".join(title.split()), purpose.strip()
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise Invalid("space_name", N_("A space's name has 1 to 64 characters: a to z, digits and hyphens."), "name")
    if not 0 < len(title) <= LONGEST_TITLE:
        raise Invalid("space_title", N_("A space needs a title of at most %(most)s characters."), "title", most=LONGEST_TITLE)
    if len(purpose) > LONGEST_PURPOSE:
        raise Invalid("space_purpose", N_("A purpose has at most %(most)s characters."), "purpose", most=LONGEST_PURPOSE)
    if session.scalar(select(Space.id).where(Space.name == name)) is not None:
        raise Taken("space_taken", N_("There is a space of this name already."), "name")
    space = Space(id=new_id(now), name=name, title=title, purpose=purpose, is_internal=True, created_at=now)
    session.add(space)
    session.flush()
    _put(session, space, by.actor_id, "owner", now)
    audit.record(session, by, "space.create", name, now=now)
    session.flush()
    return space


def join(session: Session, space: Space, actor: Actor, now: datetime) -> None:
    """Bring one of our actors into a space; twice is once. Raises NotAllowed for somebody from outside."""
    if not actor.is_local:
        raise NotAllowed("space_internal", N_("This space is for members only."))
    _put(session, space, actor.id, "member", now)


def leave(session: Session, space: Space, actor: Actor) -> None:
    """Take an actor out of a space. The last owner stays: NotAllowed."""
    rows = select(SpaceMember).where(SpaceMember.space_id == space.id)
    row = session.scalar(rows.where(SpaceMember.actor_id == actor.id))
    if row is None:
        return
    others = rows.where(SpaceMember.role == "owner", SpaceMember.actor_id != actor.id)
    if row.role == "owner" and session.scalar(others.limit(1)) is None:
        raise NotAllowed("last_owner", N_("You are the last owner: make somebody else one first."))
    session.execute(delete(SpaceMember).where(SpaceMember.id == row.id))


def set_owner(session: Session, space: Space, actor: Actor, *, by: Member, now: datetime) -> None:
    """Make somebody in the space an owner. Owners, moderators and admins may. Raises NotAllowed."""
    inside = select(SpaceMember).where(SpaceMember.space_id == space.id)
    own = session.scalar(inside.where(SpaceMember.actor_id == by.actor_id))
    if by.role not in ("moderator", "admin") and (own is None or own.role != "owner"):
        raise NotAllowed("not_owner", N_("Only the owners of a space do this."))
    row = session.scalar(inside.where(SpaceMember.actor_id == actor.id))
    if row is None:
        raise NotAllowed("not_in_space", N_("Only somebody in the space can own it."))
    row.role = "owner"
    audit.record(session, by, "space.owner", space.name, now=now, actor=actor.username)
    session.flush()


def _put(session: Session, space: Space, actor_id: int, role: str, now: datetime) -> None:
    row = {"id": new_id(now), "space_id": space.id, "actor_id": actor_id, "role": role, "created_at": now}
    feeds.insert_ignoring(session, SpaceMember, [row])

"""Members, their invitations and where they are signed in. Reads only; every member comes with `.actor` loaded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, contains_eager

from node.models import Actor, Invitation, LoginSession, Member


def get(session: Session, member_id: int) -> Member | None:
    """Return the member with this id."""
    return session.scalar(_members().where(Member.id == member_id))


def by_actor(session: Session, actor_id: int) -> Member | None:
    """Return the member whose actor this is."""
    return session.scalar(_members().where(Member.actor_id == actor_id))


def by_name(session: Session, name: str) -> Member | None:
    """Return the member of this name, in any case."""
    return session.scalar(_members().where(Actor.username == name.strip().removeprefix("@").lower(), Actor.host == ""))


def by_login(session: Session, login: str) -> Member | None:
    """Return the member for what somebody typed to sign in: the e-mail address or the name."""
    login = login.strip()
    if "@" in login.removeprefix("@"):
        return session.scalar(_members().where(Member.email == login.lower()))
    return by_name(session, login)


def count(session: Session, *, active_since: datetime | None = None) -> int:
    """Return how many members there are, suspended ones left out; with `active_since`, those seen since then."""
    found = select(func.count(Member.id)).where(Member.suspended_at.is_(None))
    if active_since is not None:
        found = found.where(Member.seen_at >= active_since)
    return session.scalar(found) or 0


def invitations(session: Session, limit: int = 200) -> Sequence[Invitation]:
    """Return invitations, newest first."""
    return session.scalars(select(Invitation).order_by(Invitation.id.desc()).limit(limit)).all()


def sessions(session: Session, member_id: int, now: datetime | None = None) -> Sequence[LoginSession]:
    """Return where the member is signed in, last used first; with `now`, without those that have run out."""
    found = select(LoginSession).where(LoginSession.member_id == member_id)
    if now is not None:
        found = found.where(LoginSession.expires_at > now)
    return session.scalars(found.order_by(LoginSession.seen_at.desc())).all()


def _members() -> Select[tuple[Member]]:
    return select(Member).join(Member.actor).options(contains_eager(Member.actor))


def list(
    session: Session,
    text: str | None = None,
    *,
    role: str | None = None,
    is_suspended: bool | None = None,
    after: str = "",
    limit: int = 100,
) -> Sequence[Member]:
    """Return members by name, after the username `after`. `text` is part of a name, a shown name or an address."""
    found = _members().where(Actor.username > after)
    if text:
        part = text.strip()
        ways = (column.icontains(part, autoescape=True) for column in (Actor.username, Actor.name, Member.email))
        found = found.where(or_(*ways))
    if role:
        found = found.where(Member.role == role)
    if is_suspended is not None:
        found = found.where(Member.suspended_at.is_not(None) if is_suspended else Member.suspended_at.is_(None))
    return session.scalars(found.order_by(Actor.username).limit(limit)).all()

"""Signed-in browsers: opened, found again by their cookie's secret, ended. Only the secret's SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload

from node.database import new_id
from node.models import AccessToken, AuthorizationCode, LoginSession, Member

LASTS = timedelta(days=30)
"""From the last use on."""
NOTED_EVERY = timedelta(hours=1)
"""A use is written down at most this often."""
MOST = 50
"""Browsers of one member; the one unused longest goes first (abuse case D07)."""


def digest(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256 as 64 hex digits. Secrets are 32 random bytes, so one round is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """Return 32 random bytes as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def open(session: Session, member: Member, address: str, user_agent: str, now: datetime) -> str:
    """Sign the member in and return the cookie's secret. Always a new one (abuse case W02: no fixed session)."""
    secret = new_secret()
    row = LoginSession(
        id=new_id(now), token_hash=digest(secret), member_id=member.id, created_at=now, seen_at=now, expires_at=now + LASTS,
        address=address[:64], user_agent=user_agent.replace("\0", "")[:400],
    )  # fmt: skip
    session.add(row)
    member.seen_at = now
    session.flush()
    used = select(LoginSession.id).where(LoginSession.member_id == member.id).order_by(LoginSession.seen_at.desc())
    surplus = session.scalars(used.offset(MOST)).all()
    if surplus:
        session.execute(delete(LoginSession).where(LoginSession.id.in_(surplus)))
    return secret


def member_of(session: Session, secret: str, now: datetime) -> tuple[LoginSession, Member] | None:
    """Return the session and the member (with `.actor`) of a cookie's secret, or None. Reads only; see `is_due`."""
    if not secret or len(secret) > 200:
        return None
    row = session.scalar(
        select(LoginSession)
        .where(LoginSession.token_hash == digest(secret), LoginSession.expires_at > now)
        .options(joinedload(LoginSession.member, innerjoin=True).joinedload(Member.actor, innerjoin=True))
    )
    if row is None or row.member.suspended_at is not None or row.member.actor.deleted_at is not None:
        return None
    return row, row.member


def is_due(login: LoginSession, now: datetime) -> bool:
    """Say whether this use is to be written down: then the door opens a transaction and calls `note_use`."""
    return login.seen_at + NOTED_EVERY <= now


def note_use(session: Session, login_id: int, now: datetime) -> None:
    """Write down that a session was used: it then lasts LASTS from now on, and its member was seen."""
    row = session.get(LoginSession, login_id)
    if row is None:
        return
    row.seen_at, row.expires_at = now, now + LASTS
    session.execute(update(Member).where(Member.id == row.member_id).values(seen_at=now))
    session.flush()


def close(session: Session, secret: str) -> None:
    """Sign this browser out: the cookie is dead from now on."""
    session.execute(delete(LoginSession).where(LoginSession.token_hash == digest(secret)))


def close_one(session: Session, member_id: int, login_id: int) -> None:
    """Sign one of the member's browsers out, by its id."""
    session.execute(delete(LoginSession).where(LoginSession.id == login_id, LoginSession.member_id == member_id))


def close_all(session: Session, member_id: int, keep: int | None = None) -> None:
    """Sign the member out everywhere but in the session with the id `keep`."""
    gone = delete(LoginSession).where(LoginSession.member_id == member_id)
    session.execute(gone if keep is None else gone.where(LoginSession.id != keep))


def end_everything(session: Session, member_id: int, now: datetime) -> None:
    """End every session, access token and unused authorization code of a member (abuse case W07)."""
    close_all(session, member_id)
    live = update(AccessToken).where(AccessToken.member_id == member_id, AccessToken.revoked_at.is_(None))
    session.execute(live.values(revoked_at=now))
    unused = update(AuthorizationCode).where(AuthorizationCode.member_id == member_id, AuthorizationCode.used_at.is_(None))
    session.execute(unused.values(used_at=now))


def sweep(session: Session, now: datetime) -> int:
    """Delete sessions that have run out and return how many."""
    return session.execute(delete(LoginSession).where(LoginSession.expires_at <= now)).rowcount

"""Invitations: one-time links that become a member. Only the token's SHA-256 is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from node.actions import audit, members
from node.actions.logins import digest, new_secret
from node.actions.roles import check_role
from node.config import Settings
from node.database import new_id
from node.errors import N_, Expired, Invalid, NotAllowed, Taken
from node.models import Invitation, Member

LAST = timedelta(days=7)
LONGEST_NOTE = 500
FIRST_ADMIN = "first admin"
"""The note that marks the link printed at the first start."""


def invite(
    session: Session, *, by: Member | None, email: str | None = None, role: str = "member", note: str = "", now: datetime
) -> tuple[Invitation, str]:
    """Make an invitation and return it with its token, which is shown once and never again.

    Moderators invite members, admins anybody (`by` None is the command line). Raises NotAllowed, Invalid, Taken.
    """
    check_role(role)
    if by is not None and by.role not in ("moderator", "admin"):
        raise NotAllowed("not_moderator", N_("Only moderators and admins invite."))
    if by is not None and by.role != "admin" and role != "member":
        raise NotAllowed("not_admin", N_("Only admins invite moderators and admins."), "role")
    email = members.check_email(email) if email else None
    if email and session.scalar(select(Member.id).where(Member.email == email)) is not None:
        raise Taken("email_taken", N_("Somebody here already uses this address."), "email")
    if len(note) > LONGEST_NOTE:
        raise Invalid("note_long", N_("A note has at most %(most)s characters."), "note", most=LONGEST_NOTE)
    invitation, token = _make(session, by, email, role, note.strip(), now)
    audit.record(session, by, "invitation.create", str(invitation.id), now=now, role=role)
    return invitation, token


def find(session: Session, token: str, now: datetime) -> Invitation | None:
    """Return the invitation of this token when it can still be accepted, else None."""
    if not token or len(token) > 200:
        return None
    invitation = session.scalar(select(Invitation).where(Invitation.token_hash == digest(token)))
    return invitation if invitation is not None and _is_open(invitation, now) else None


def is_superseded(session: Session, token: str) -> bool:
    """Whether this was a link for the first admin that a newer one took the place of, and nobody has used that yet."""
    if not token or len(token) > 200 or session.scalar(select(exists().where(Member.role == "admin"))):
        return False
    first = select(Invitation.id).where(Invitation.token_hash == digest(token), Invitation.note == FIRST_ADMIN)
    first = first.where(Invitation.invited_by_id.is_(None), Invitation.revoked_at.is_not(None))
    return session.scalar(first) is not None


def accept(
    session: Session,
    token: str,
    name: str,
    display_name: str,
    password: str,
    language: str,
    email: str,
    settings: Settings,
    now: datetime,
) -> Member:
    """Become a member, once. An invitation for an address gives that address, whatever was typed.

    Raises Expired when the link is used, revoked, too old or unknown; Invalid and Taken beside their fields.
    """
    # The row is locked, so that two people with one link do not both get in (PostgreSQL; SQLite writes one at a time).
    locked = select(Invitation).where(Invitation.token_hash == digest(token)).with_for_update()
    invitation = session.scalar(locked, execution_options={"populate_existing": True})
    if invitation is None or not _is_open(invitation, now):
        raise Expired("invitation_over", N_("This invitation was used or has run out. Please ask for a new one."))
    member = members.create(
        session, name, invitation.email or email, password, invitation.role,
        settings=settings, now=now, display_name=display_name, language=language,
    )  # fmt: skip
    invitation.used_at, invitation.used_by_id = now, member.id
    session.flush()
    return member


def revoke(session: Session, invitation: Invitation, *, by: Member | None, now: datetime) -> None:
    """Make the link useless. Moderators may revoke what invites members only. Raises NotAllowed."""
    if by is not None and by.role != "admin" and (by.role != "moderator" or invitation.role != "member"):
        raise NotAllowed("not_admin", N_("Only admins do this."))
    if invitation.used_at is None and invitation.revoked_at is None:
        invitation.revoked_at = now
        audit.record(session, by, "invitation.revoke", str(invitation.id), now=now)
        session.flush()


def first_admin_link(session: Session, settings: Settings, now: datetime) -> str | None:
    """Return a fresh one-time link for the first admin; None once there is an admin. Earlier such links end."""
    if session.scalar(select(exists().where(Member.role == "admin"))):
        return None
    earlier = update(Invitation).where(Invitation.note == FIRST_ADMIN, Invitation.invited_by_id.is_(None))
    earlier = earlier.where(Invitation.used_at.is_(None), Invitation.revoked_at.is_(None))
    session.execute(earlier.values(revoked_at=now))
    _, token = _make(session, None, None, "admin", FIRST_ADMIN, now)
    return f"{settings.origin}/invitations/{token}"


def _make(session: Session, by: Member | None, email: str | None, role: str, note: str, now: datetime) -> tuple[Invitation, str]:
    token = new_secret()
    invitation = Invitation(
        id=new_id(now), token_hash=digest(token), email=email, role=role, note=note,
        invited_by_id=by.id if by is not None else None, created_at=now, expires_at=now + LAST,
    )  # fmt: skip
    session.add(invitation)
    session.flush()
    return invitation, token


def _is_open(invitation: Invitation, now: datetime) -> bool:
    return invitation.used_at is None and invitation.revoked_at is None and invitation.expires_at > now

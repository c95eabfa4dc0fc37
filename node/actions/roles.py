"""Who may do what to whose login: the checks that come before every change of a role (abuse case W24)."""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from node.errors import N_, Invalid, NotAllowed
from node.models import Member

ROLES = ("member", "moderator", "admin")


def check_role(role: str) -> None:
    """Raise Invalid for a role there is not."""
    if role not in ROLES:
        raise Invalid("role_unknown", N_("A role is member, moderator or admin."), "role")


def check_other(member: Member, by: Member | None) -> None:
    """Raise NotAllowed when `by` would act on their own login, or, not being admin, on somebody with a role.

    `by` None is the command line: whoever can run it can do anything.
    """
    if by is None:
        return
    if by.id == member.id:
        raise NotAllowed("own_login", N_("Somebody else must do this to your own login."))
    if by.role not in ("moderator", "admin"):
        raise NotAllowed("not_moderator", N_("Only moderators and admins do this."))
    if by.role != "admin" and member.role != "member":
        raise NotAllowed("not_admin", N_("Only admins do this to moderators and admins."))


def check_admin(by: Member | None) -> None:
    """Raise NotAllowed unless `by` is an admin or the command line."""
    if by is not None and (by.role != "admin" or by.suspended_at is not None):
        raise NotAllowed("not_admin", N_("Only admins do this."))


def check_admin_stays(session: Session, member: Member) -> None:
    """Raise NotAllowed when, without `member`, nobody would be left who can decide."""
    others = exists().where(Member.role == "admin", Member.suspended_at.is_(None), Member.id != member.id)
    if member.role == "admin" and not session.scalar(select(others)):
        raise NotAllowed("last_admin", N_("This is the last admin: make somebody else one first."))

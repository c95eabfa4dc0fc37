"""Members: made, changed, suspended, removed. Each has an actor with its keys.

What a member says about themselves is in `profile`, signing in in `logins`, the words of a password in `passwords`.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from federation import keys
from node import uris
from node.actions import audit, logins, passwords, withdrawing
from node.actions.departures import remove
from node.actions.roles import ROLES, check_admin_stays, check_other, check_role
from node.config import Settings
from node.database import new_id
from node.errors import N_, Invalid, NotAllowed, Taken
from node.models import Actor, ActorKey, Member
from node.policy import Audience
from node.queries import members as query

__all__ = [
    "LANGUAGES", "ROLES", "check_display_name", "check_email", "check_name", "create", "ensure_node_actor", "mark_read",
    "refresh_password", "remove", "restore", "set_email", "set_password", "set_role", "suspend", "verify_password",
]  # fmt: skip

LANGUAGES = ("", "de", "en")
LONGEST_SHOWN_NAME = 100

_RESERVED_NAMES = """
about abuse account accounts activities actor admin administrator api assets auth everybody everyone help home host
hostmaster inbox info inside instance invitations me media members metrics moderator node notifications nobody null oauth
outbox postmaster posts public root search security settings sign-in signin spaces staff static support system tags
undefined users webmaster well-known www
"""
RESERVED = frozenset(_RESERVED_NAMES.split())
_NAME = re.compile(r"[a-z0-9_]{1,30}")
# Abuse case W19: one address, one spelling; nothing quoted, no list, no encoded sign.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"[a-z0-9.!#$&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{0,9}}")


def create(
    session: Session,
    name: str,
    email: str,
    password: str | None,
    role: str = "member",
    *,
    settings: Settings,
    now: datetime,
    display_name: str = "",
    language: str = "",
    by: Member | None = None,
) -> Member:
    """Make a member with actor and keys and return it, `.actor` loaded. Without a password nobody can sign in with one.

    Raises Invalid and Taken, each with its field: name, email, password, role, language, display_name.
    """
    name, email = check_name(name), check_email(email)
    check_role(role)
    if language not in LANGUAGES:
        raise Invalid("language_unknown", N_("Please choose German or English."), "language")
    _check_free(session, name, email)
    if password is not None:
        passwords.check(password, names=(name, email, display_name))
    ensure_node_actor(session, settings, now)
    actor = _make_actor(session, uris.actor_uri(settings.origin, name), name, "Person", settings, now)
    actor.name = check_display_name(display_name)
    member = Member(
        id=new_id(now), actor=actor, email=email, role=role, language=language, created_at=now,
        password_hash=passwords.hash_password(password) if password is not None else None,
        default_audience=Audience.MEMBERS.value, theme="auto", is_informal=False, notifications_read_id=0,
    )  # fmt: skip
    session.add(member)
    try:
        session.flush()
    except IntegrityError as error:  # somebody took the name or the address a moment ago
        raise Taken("name_or_email_taken", N_("This name or address was taken a moment ago."), "name") from error
    audit.record(session, by, "member.create", name, now=now, role=role)
    return member


def ensure_node_actor(session: Session, settings: Settings, now: datetime) -> Actor:
    """Return the node's own actor (kind Application, named like the host), making it the first time."""
    uri = uris.node_actor_uri(settings.origin)
    actor = session.scalar(select(Actor).where(Actor.uri == uri))
    if actor is not None:
        return actor
    name = settings.host.replace(":", "_").strip("[]")  # others take no colon in a name
    return _make_actor(session, uri, name, "Application", settings, now)


def suspend(session: Session, member: Member, *, by: Member | None, now: datetime) -> None:
    """Keep a member out: every session and token ends now, their posts are hidden (abuse case L17). Can be undone.

    What waits to be sent for them is cancelled, and stays so.
    """
    check_other(member, by)
    if member.suspended_at is not None:
        return
    check_admin_stays(session, member)
    member.suspended_at = member.actor.suspended_at = now
    logins.end_everything(session, member.id, now)
    session.flush()
    withdrawing.silence(session, member.actor_id, now)
    audit.record(session, by, "member.suspend", member.actor.username, now=now)
    session.flush()


def restore(session: Session, member: Member, *, by: Member | None, now: datetime) -> None:
    """Let a suspended member in again."""
    if member.suspended_at is None:
        return
    member.suspended_at = member.actor.suspended_at = None
    audit.record(session, by, "member.restore", member.actor.username, now=now)
    session.flush()


def set_role(session: Session, member: Member, role: str, *, by: Member | None, now: datetime) -> None:
    """Give a member another role. Only an admin (or the command line) may, and nobody their own (abuse case W24)."""
    check_role(role)
    if by is not None and by.role != "admin":
        raise NotAllowed("not_admin", N_("Only admins give roles."), "role")
    check_other(member, by)
    if role == member.role:
        return
    if role != "admin":
        check_admin_stays(session, member)
    audit.record(session, by, "member.role", member.actor.username, now=now, before=member.role, after=role)
    member.role = role
    session.flush()


def set_password(session: Session, member: Member, password: str, *, now: datetime, by: Member | None = None) -> None:
    """Set a new password; every session and token ends (abuse case W07). Raises Invalid. `by` None: the member's own act."""
    passwords.check(password, names=(member.actor.username, member.email, member.actor.name))
    member.password_hash = passwords.hash_password(password)
    logins.end_everything(session, member.id, now)
    if by is not None and by.id != member.id:
        audit.record(session, by, "member.password", member.actor.username, now=now)
    session.flush()


def set_email(session: Session, member: Member, email: str, *, now: datetime) -> None:
    """Set a new address; every session and token ends (abuse case W07). Raises Invalid, Taken."""
    email = check_email(email)
    if email == member.email:
        return
    if session.scalar(select(Member.id).where(Member.email == email)) is not None:
        raise Taken("email_taken", N_("Somebody here already uses this address."), "email")
    member.email = email
    logins.end_everything(session, member.id, now)
    session.flush()


def verify_password(session: Session, login: str, password: str, now: datetime) -> Member | None:
    """Return the member for an e-mail address or name and a password, or None. Unknown logins take as long (W12).

    Reads only, and takes about 0.2 s: call it outside a transaction. Suspended members are None too.
    """
    member = query.by_login(session, login) if len(login) <= 320 else None
    is_right = passwords.matches(member.password_hash if member is not None else None, password)
    return member if is_right and member is not None and member.suspended_at is None else None


def refresh_password(session: Session, member: Member, password: str) -> None:
    """Hash the password again when today's parameters are stronger. For the transaction that opens the session."""
    if member.password_hash is not None and passwords.needs_rehash(member.password_hash):
        member.password_hash = passwords.hash_password(password)
        session.flush()


def mark_read(session: Session, member: Member, up_to: int) -> None:
    """Note that the member has seen their notifications up to this id."""
    if up_to > member.notifications_read_id:
        member.notifications_read_id = up_to
        session.flush()


def check_name(name: str) -> str:
    """Return the name as it is kept (lower case). Raises Invalid."""
    name = name.strip().removeprefix("@").lower()
    if not _NAME.fullmatch(name):
        raise Invalid("name_bad", N_("A name has 1 to 30 characters: a to z, digits and _."), "name")
    if name in RESERVED:
        raise Invalid("name_reserved", N_("This name is kept for the node itself."), "name")
    return name


def check_email(email: str) -> str:
    """Return the address as it is kept (NFKC, lower case, no spaces around). Raises Invalid."""
    email = unicodedata.normalize("NFKC", email).strip().lower()
    if len(email) > 320 or not _EMAIL.fullmatch(email) or ".." in email or email.endswith("."):
        raise Invalid("email_bad", N_("This is not an e-mail address."), "email")
    return email


def check_display_name(text: str) -> str:
    """Return a shown name without control characters and line breaks. Raises Invalid when it is too long."""
    text = " ".join("".join(sign for sign in text if unicodedata.category(sign)[0] != "C" or sign in "\u200d\t\n").split())
    if len(text) > LONGEST_SHOWN_NAME:
        most = LONGEST_SHOWN_NAME
        raise Invalid("display_name_long", N_("A shown name has at most %(most)s characters."), "display_name", most=most)
    return text


def _make_actor(session: Session, uri: str, username: str, kind: str, settings: Settings, now: datetime) -> Actor:
    actor = Actor(
        id=new_id(now), uri=uri, url=uri, kind=kind, username=username, host="", name="",
        summary_source="", summary_html="", fields=[], also_known_as=[], details={},
        inbox=uris.inbox_uri(uri), shared_inbox=uris.shared_inbox_uri(settings.origin), outbox=uris.outbox_uri(uri),
        followers_uri=uris.followers_uri(uri), following_uri=uris.following_uri(uri), featured_uri=uris.featured_uri(uri),
        is_locked=kind == "Application", is_discoverable=False, is_indexable=False,
        followers_count=0, following_count=0, posts_count=0, created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(actor)
    session.flush()
    for fragment, algorithm, pair in (
        ("main-key", keys.KeyAlgorithm.RSA, keys.generate_rsa()),
        ("ed25519-key", keys.KeyAlgorithm.ED25519, keys.generate_ed25519()),
    ):
        session.add(
            ActorKey(
                id=new_id(now), actor_id=actor.id, key_id=f"{uri}#{fragment}", algorithm=algorithm.value,
                public_pem=pair.public_pem, private_pem=pair.private_pem, fetched_at=now,
            )
        )  # fmt: skip
    session.flush()
    return actor


def _check_free(session: Session, name: str, email: str) -> None:
    # Removed and suspended actors keep their name: it must not come to mean somebody else.
    if session.scalar(select(Actor.id).where(Actor.host == "", Actor.username == name)) is not None:
        raise Taken("name_taken", N_("This name is taken."), "name")
    if session.scalar(select(Member.id).where(Member.email == email)) is not None:
        raise Taken("email_taken", N_("Somebody here already uses this address."), "email")

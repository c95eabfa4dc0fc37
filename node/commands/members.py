"""`courtyard member` and `courtyard token`."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Any

import click

from node.commands.output import Refused, as_json, node_app, show, table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from node.models import Member

ROLES = click.Choice(["member", "moderator", "admin"])
PAGE = 500


@click.group()
def member() -> None:
    """Add, list, suspend or remove members; change a role or a password."""


@member.command("add")
@click.argument("name")
@click.option("--email", required=True, help="The address they sign in with.")
@click.option("--role", type=ROLES, default="member", show_default=True)
@click.option("--display-name", default="", help="The name others see.")
@click.option("--language", type=click.Choice(["", "de", "en"]), default="", help="Empty: what the browser asks for.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input (one line).")
@as_json
@click.pass_context
def add(
    context: click.Context, name: str, email: str, role: str, display_name: str, language: str,
    password_stdin: bool, is_json: bool,
) -> None:  # fmt: skip
    """Add a member called NAME. Without --password-stdin a password is made and printed once."""
    from node.actions import members
    from node.database import transaction, utc_now

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else secrets.token_urlsafe(15)
    if not password:
        raise click.UsageError("--password-stdin: no password came on standard input")
    now = utc_now()
    with node_app(context) as (_, settings), transaction() as session:
        made = members.create(
            session, name, email, password, role, settings=settings, now=now, display_name=display_name, language=language
        )
        line = _line(made)
    text = f"{line['name']} is here, as {line['role']}"
    if not password_stdin:
        line["password"] = password
        text += f"; the password, shown once: {password}"
    show(line, is_json=is_json, text=text)


@member.command("list")
@click.option("--role", type=ROLES, help="Only this role.")
@click.option("--suspended", is_flag=True, help="Only suspended members.")
@click.argument("text", required=False)
@as_json
@click.pass_context
def list_members(context: click.Context, role: str | None, suspended: bool, text: str | None, is_json: bool) -> None:
    """List members; with TEXT, those whose name or address contains it."""
    from node.database import db
    from node.queries import members

    lines: list[dict[str, Any]] = []
    with node_app(context):
        after = ""
        while True:
            page = members.list(db.session(), text, role=role, is_suspended=True if suspended else None, after=after, limit=PAGE)
            lines += [_line(one) for one in page]
            if len(page) < PAGE:
                break
            after = page[-1].actor.username
    show(lines, is_json=is_json, text=table(lines, ("name", "email", "role", "posts", "created", "seen", "suspended")))


@member.command("suspend")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let the member in again.")
@as_json
@click.pass_context
def suspend(context: click.Context, name: str, undo: bool, is_json: bool) -> None:
    """Keep NAME out: sessions and tokens end now, posts are hidden. Can be undone."""
    from node.actions import members
    from node.database import transaction, utc_now

    with node_app(context), transaction() as session:
        one = _find(session, name)
        (members.restore if undo else members.suspend)(session, one, by=None, now=utc_now())
        line = _line(one)
    show(line, is_json=is_json, text=f"{name} is {'here again' if undo else 'suspended'}")


@member.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_context
def remove(context: click.Context, name: str, yes: bool, is_json: bool) -> None:
    """Remove NAME for good, with all posts; servers that have them are told. The name is never given out again."""
    from node.actions import members
    from node.database import db, transaction, utc_now
    from node.runtime import current_node

    with node_app(context) as (_, settings):
        _find(db.session(), name)
        if not yes:
            click.confirm(f"Remove {name} and everything they posted? This cannot be undone", abort=True, err=True)
        with transaction() as session:
            rules = current_node().rules(session)
            members.remove(session, _find(session, name), by=None, settings=settings, rules=rules, now=utc_now())
    show({"removed": name}, is_json=is_json, text=f"{name} is removed")


@member.command("role")
@click.argument("name")
@click.argument("role", type=ROLES)
@as_json
@click.pass_context
def set_role(context: click.Context, name: str, role: str, is_json: bool) -> None:
    """Make NAME a member, moderator or admin."""
    from node.actions import members
    from node.database import transaction, utc_now

    with node_app(context), transaction() as session:
        one = _find(session, name)
        members.set_role(session, one, role, by=None, now=utc_now())
        line = _line(one)
    show(line, is_json=is_json, text=f"{name} is {role} now")


@member.command("password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input (one line).")
@as_json
@click.pass_context
def set_password(context: click.Context, name: str, password_stdin: bool, is_json: bool) -> None:
    """Give NAME, who forgot it, another password; every session and token of theirs ends.

    Without --password-stdin a password is made and printed once.
    """
    from node.actions import members
    from node.database import transaction, utc_now

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else secrets.token_urlsafe(15)
    if not password:
        raise click.UsageError("--password-stdin: no password came on standard input")
    with node_app(context), transaction() as session:
        one = _find(session, name)
        members.set_password(session, one, password, now=utc_now())
        line = {"name": one.actor.username}
    text = f"{line['name']} has another password and is signed out everywhere"
    if not password_stdin:
        line["password"] = password
        text += f"; the password, shown once: {password}"
    show(line, is_json=is_json, text=text)


@click.command()
@click.argument("name")
@click.option("--scopes", default="read write follow", show_default=True, help="What the token may do.")
@as_json
@click.pass_context
def token(context: click.Context, name: str, scopes: str, is_json: bool) -> None:
    """Print an access token for the client API that acts as NAME. It is shown once: only its checksum is kept."""
    from node.actions import clients
    from node.database import transaction, utc_now

    with node_app(context), transaction() as session:
        secret = clients.token_for_member(session, _find(session, name), scopes, utc_now())
    show({"access_token": secret, "token_type": "Bearer", "scope": scopes, "member": name}, is_json=is_json, text=secret)


def _find(session: Session, name: str) -> Member:
    """Return the member with this name or address. Raises Refused."""
    from node.queries import members

    found = members.by_login(session, name.removeprefix("@"))
    if found is None:
        raise Refused(f"nobody here is called {name}")
    return found


def _line(one: Member) -> dict[str, Any]:
    return {
        "name": one.actor.username,
        "display_name": one.actor.name,
        "email": one.email,
        "role": one.role,
        "posts": one.actor.posts_count,
        "created": one.created_at.date().isoformat(),
        "seen": one.seen_at.date().isoformat() if one.seen_at else None,
        "suspended": one.suspended_at.date().isoformat() if one.suspended_at else None,
        "uri": one.actor.uri,
    }

"""Members: found, looked at, given a role, suspended, let in again, removed."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from node.actions import members
from node.actions.roles import ROLES
from node.admin.rooms import PAGE_SIZE, asked, cut
from node.admin.words import explain, role_name
from node.database import db, transaction
from node.errors import ActionError
from node.models import Member
from node.queries import members as query
from node.runtime import current_node
from node.visitors import the_member

CHANGES = ("suspend", "restore", "remove")


def index() -> str:
    """List members by name, found by text, role and whether they are suspended."""
    text, role, state = map(asked, ("q", "role", "state"))
    rows = query.list(
        db.session(),
        text or None,
        role=role if role in ROLES else None,
        is_suspended={"active": False, "suspended": True}.get(state),
        after=asked("after"),
        limit=PAGE_SIZE + 1,
    )
    found, has_more = cut(rows)
    wishes = {name: value for name, value in (("q", text), ("role", role), ("state", state)) if value}
    more = url_for("admin.members", after=found[-1].actor.username, **wishes) if has_more else ""
    return render_template("admin/members.html", members=found, text=text, role=role, state=state, more=more, roles=ROLES)


def show(member_id: int) -> str:
    """Show one member and what can be decided about them."""
    return _page(_member(member_id), {}, "")


def set_role(member_id: int) -> Any:
    """Give a member another role."""
    wish = request.form.get("role", "")
    try:
        with transaction() as session:
            member = _member(member_id)
            members.set_role(session, member, wish, by=the_member(), now=current_node().now())
    except ActionError as error:
        return _page(_member(member_id), {"role": explain(error)}, wish), error.status
    flash(_("%(name)s is now: %(role)s.", name=f"@{member.actor.username}", role=role_name(wish)), "good")
    return redirect(url_for("admin.member", member_id=member_id), 303)


def ask(member_id: int, change: str) -> str:
    """Say what a change does before it is made."""
    return render_template("admin/member_change.html", member=_member(member_id), change=change, problem="")


def change(member_id: int, change: str) -> Any:
    """Make it."""
    node = current_node()
    member = _member(member_id)
    name = f"@{member.actor.username}"
    if change == "remove" and request.form.get("name", "").strip().removeprefix("@").lower() != member.actor.username:
        problem = _("Type the name exactly as it stands above, so that nobody is removed by mistake.")
        return render_template("admin/member_change.html", member=member, change=change, problem=problem), 422
    try:
        with transaction() as session:
            if change == "remove":
                rules = node.rules(session)
                members.remove(session, member, by=the_member(), settings=node.settings, rules=rules, now=node.now())
            else:
                verb = members.suspend if change == "suspend" else members.restore
                verb(session, member, by=the_member(), now=node.now())
    except ActionError as error:
        return render_template("admin/member_change.html", member=member, change=change, problem=explain(error)), error.status
    said = {
        "suspend": _("%(name)s is suspended and signed out everywhere.", name=name),
        "restore": _("%(name)s may come in again.", name=name),
        "remove": _("%(name)s was removed.", name=name),
    }
    flash(said[change], "good")
    return _back(member_id, change)


def _back(member_id: int, change: str) -> Response:
    if change == "remove":
        return redirect(url_for("admin.members"), 303)
    return redirect(url_for("admin.member", member_id=member_id), 303)


def _member(member_id: int) -> Member:
    return query.get(db.session(), member_id) or abort(404)


def _page(member: Member, errors: dict[str, str], role: str) -> str:
    sessions = query.sessions(db.session(), member.id, current_node().now())
    is_self = member.id == the_member().id
    return render_template(
        "admin/member.html",
        member=member,
        sessions=len(sessions),
        errors=errors,
        role=role or member.role,
        roles=ROLES,
        is_self=is_self,
    )

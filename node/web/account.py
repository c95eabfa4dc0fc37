"""Signing in, from the inside: the password and the browsers one is signed in with."""

from __future__ import annotations

from typing import Any

from flask import flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from node import visitors
from node.actions import clients, logins, members
from node.database import db, transaction
from node.errors import ActionError
from node.models import Member
from node.queries import members as members_query
from node.runtime import current_node
from node.web.errors import explain
from node.web.limits import count_attempt


def show(member: Member, errors: dict[str, str] | None = None) -> str:
    """Show the password form and the list of browsers."""
    found = visitors.login()
    sessions = members_query.sessions(db.session(), member.id, current_node().now())
    return render_template(
        "web/settings/account.html", part="account", errors=errors or {}, sessions=sessions,
        session_id=found[0].id if found else 0,
        apps=clients.apps_of(db.session(), member.id),
    )  # fmt: skip


def change_password(member: Member) -> Any:
    """Change the password. Every session and token ends; this browser gets a new session (abuse cases W02, W07)."""
    count_attempt("sign-in", member.email)
    now = current_node().now()
    if members.verify_password(db.session(), member.email, request.form.get("current", "")[:1024], now) is None:
        return show(member, {"current": _("This is not your password until now.")}), 422
    try:
        with transaction() as session:
            kept = session.merge(member)
            members.set_password(session, kept, request.form.get("password", ""), now=now)
            secret = logins.open(session, kept, request.remote_addr or "", request.user_agent.string, now)
    except ActionError as error:
        return show(member, {error.field or "password": explain(error)}), error.status
    flash(_("Your password is changed. Every other browser and app is signed out."), "good")
    g.pop("login", None)
    response = make_response(redirect(url_for("web.settings", part="account"), 303))
    visitors.remember(response, secret)
    return response


def end_app(app_id: int) -> BaseResponse:
    """Take back what the member allowed an app."""
    with transaction() as session:
        clients.revoke_app(session, visitors.the_member().id, app_id, current_node().now())
    flash(_("That app may no longer act for you."), "good")
    return redirect(url_for("web.settings", part="account"), 303)


def end_session(session_id: int) -> BaseResponse:
    """Sign one of the member's other browsers out."""
    with transaction() as session:
        logins.close_one(session, visitors.the_member().id, session_id)
    flash(_("That browser is signed out."), "good")
    return redirect(url_for("web.settings", part="account"), 303)


def end_other_sessions() -> BaseResponse:
    """Sign every browser but this one out."""
    found = visitors.login()
    with transaction() as session:
        logins.close_all(session, visitors.the_member().id, keep=found[0].id if found else None)
    flash(_("All other browsers are signed out."), "good")
    return redirect(url_for("web.settings", part="account"), 303)

"""The way in: signing in and out, accepting an invitation, choosing a language before one has a login."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from flask import Response, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from node import visitors
from node.actions import invitations, logins, members
from node.database import db, transaction
from node.errors import ActionError
from node.models import Invitation, Member
from node.queries import members as query
from node.runtime import current_node
from node.translations import LANGUAGES
from node.web.errors import explain
from node.web.limits import count_attempt
from node.web.presenting import display_name

LANGUAGE_DAYS = 365


def safe_path(wish: str | None) -> str:
    """Return `wish` when it is a path on this node, else the front page: no redirect leads to another site."""
    if not wish or not wish.startswith("/") or wish.startswith(("//", "/\\")) or "\\" in wish or not wish.isprintable():
        return url_for("web.home")
    parts = urlsplit(wish)
    return url_for("web.home") if parts.scheme or parts.netloc else wish


def sign_in_form() -> Any:
    """Show the sign-in page."""
    if visitors.visitor() is not None:
        return redirect(safe_path(request.args.get("next")), 303)
    return _show_sign_in(next_path=request.args.get("next", ""))


def closed() -> Response:
    """Answer a stranger on a closed node: the sign-in page, with a status that tells machines the truth."""
    here = request.full_path.rstrip("?") if request.method == "GET" else ""
    response = make_response(_show_sign_in(next_path="" if here == "/" else here))
    response.status_code = 401
    return response


def sign_in() -> Any:
    """Check name and password, and open a session under a new secret (abuse case W02)."""
    login = request.form.get("login", "")[:320].strip()
    if not login or not request.form.get("password"):
        return _show_sign_in(_("Please fill in both: who you are, and your password."), login, request.form.get("next", "")), 422
    count_attempt("sign-in", _who_tries(login))
    now = current_node().now()
    member = members.verify_password(db.session(), login, request.form.get("password", "")[:1024], now)
    if member is None:
        words = _("That name and password do not go together. Check both; capital letters count in the password.")
        return _show_sign_in(words, login, request.form.get("next", "")), 422
    return _enter(member, safe_path(request.form.get("next")), request.form.get("password", "")[:1024])


def _who_tries(login: str) -> str:
    """Return whose tries these count as: the member's, under whichever of their names, else those of what was typed.

    An unknown name is counted in the same way, so that the limit does not tell whether there is such a member.
    """
    member = query.by_login(db.session(), login)
    if member is not None:
        return f"member {member.id}"
    return "unknown " + unicodedata.normalize("NFKC", login).strip().removeprefix("@").lower()


def sign_out() -> BaseResponse:
    """Close this browser's session."""
    secret = request.cookies.get(visitors.cookie_name(), "")
    if secret:
        with transaction() as session:
            logins.close(session, secret)
    response = make_response(redirect(url_for("web.sign_in"), 303))
    visitors.forget(response)
    flash(_("You are signed out."), "good")
    return response


def invitation_form(token: str) -> Any:
    """Show the form behind an invitation link."""
    invitation = invitations.find(db.session(), token, current_node().now())
    if invitation is None:
        return _show_spent(token)
    form = SimpleNamespace(name="", display_name="", email=invitation.email or "", language=visitors.language())
    return _show_invitation(invitation, form, {})


def accept_invitation(token: str) -> Any:
    """Make the invited person a member and sign them in."""
    count_attempt("invitation", token[:80])
    now = current_node().now()
    invitation = invitations.find(db.session(), token, now)
    if invitation is None:
        return _show_spent(token)
    wishes = {name: request.form.get(name, "").strip() for name in ("name", "display_name", "email")}
    form = SimpleNamespace(language=request.form.get("language", "en"), **wishes)
    password = request.form.get("password", "")
    if not wishes["display_name"]:
        return _show_invitation(invitation, form, {"display_name": _("Please tell us your name.")}), 422
    try:
        with transaction() as session:
            member = invitations.accept(
                session, token, name=form.name.lower(), display_name=form.display_name, password=password,
                language=form.language if form.language in LANGUAGES else "", email=form.email,
                settings=current_node().settings, now=now,
            )  # fmt: skip
    except ActionError as error:
        return _show_invitation(invitation, form, {error.field: explain(error)}), error.status
    flash(_("Welcome. This is your home; what you write here first goes to the people inside."), "good")
    return _enter(member, url_for("web.home"))


def choose_language() -> BaseResponse:
    """Keep a language for this browser, and for the member who is signed in."""
    wish = request.form.get("language", "")
    response = redirect(safe_path(request.form.get("next")), 303)
    if wish in LANGUAGES:
        response.set_cookie(
            visitors.LANGUAGE_COOKIE,
            wish,
            max_age=LANGUAGE_DAYS * 86400,
            secure=visitors.is_secure(),
            httponly=True,
            samesite="Lax",
        )
        member = visitors.visitor()
        if member is not None and member.language:
            with transaction() as session:
                session.merge(member).language = wish
    return response


def _enter(member: Member, path: str, password: str = "") -> Response:
    now = current_node().now()
    with transaction() as session:
        if password:
            members.refresh_password(session, member, password)
        secret = logins.open(session, member, request.remote_addr or "", request.user_agent.string[:400], now)
    g.pop("login", None)
    response = make_response(redirect(path, 303))
    visitors.remember(response, secret)
    return response


def _show_sign_in(problem: str = "", login: str = "", next_path: str = "") -> str:
    return render_template("web/sign_in.html", problem=problem, login=login, next=next_path if next_path.startswith("/") else "")


def _show_spent(token: str) -> tuple[str, int]:
    is_superseded = invitations.is_superseded(db.session(), token)
    return render_template("web/invitation_spent.html", is_superseded=is_superseded), 410


def _show_invitation(invitation: Invitation, form: SimpleNamespace, errors: dict[str, str]) -> str:
    is_first_admin = invitation.invited_by_id is None and invitation.note == invitations.FIRST_ADMIN
    host = query.get(db.session(), invitation.invited_by_id) if invitation.invited_by_id is not None else None
    return render_template(
        "web/invitation.html", note="" if is_first_admin else invitation.note, is_first_admin=is_first_admin, form=form,
        errors=errors, problem=errors.get("", ""), host=display_name(host.actor) if host else "",
    )  # fmt: skip

"""Who stands at a door for people (web, admin): the cookie, the member behind it, their language, theme and rights.

Server-side sessions: the cookie holds a secret, the database its hash (`node.actions.logins`). Flask's own signed
cookie carries only the CSRF token and flash messages.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Response, abort, g, redirect, request, url_for
from werkzeug.datastructures import LanguageAccept
from werkzeug.wrappers import Response as BaseResponse

from node.actions import logins
from node.database import db, transaction
from node.models import LoginSession, Member
from node.queries import settings
from node.runtime import current_node
from node.translations import LANGUAGES

DEFAULT_LANGUAGE = "en"
LANGUAGE_COOKIE = "courtyard-language"
SESSION_DAYS = 30
ROLES = ("member", "moderator", "admin")

P = ParamSpec("P")
R = TypeVar("R")


def cookie_name() -> str:
    """Return the login cookie's name: `__Host-` where the node is served over https."""
    return "__Host-courtyard" if is_secure() else "courtyard"


def is_secure() -> bool:
    """Whether this node's public address is https."""
    return current_node().settings.scheme == "https"


def login() -> tuple[LoginSession, Member] | None:
    """Return who is signed in, `member.actor` loaded, or None. Asked once per request."""
    if "login" not in g:
        secret = request.cookies.get(cookie_name(), "")
        now = current_node().now()
        g.login = logins.member_of(db.session(), secret, now) if secret else None
        if g.login and logins.is_due(g.login[0], now):
            with transaction(is_durable=False) as session:
                logins.note_use(session, g.login[0].id, now)
        g.is_informal = bool(g.login and g.login[1].is_informal)
    return g.login  # type: ignore[no-any-return]


def visitor() -> Member | None:
    """Return the signed-in member, `member.actor` loaded, or None."""
    found = login()
    return found[1] if found else None


def the_member() -> Member:
    """Return the signed-in member where `member_required` has let only members in."""
    member = visitor()
    assert member is not None
    return member


def language() -> str:
    """Return 'de' or 'en': what the member chose, else what this browser chose, else what it asks for, else the node's."""
    member = visitor()
    for wish in (member.language if member else "", request.cookies.get(LANGUAGE_COOKIE, "")):
        if wish in LANGUAGES:
            return wish
    asked = LanguageAccept([(value, weight) for value, weight in request.accept_languages if value != "*"])
    return asked.best_match(LANGUAGES) or _default_language()


def _default_language() -> str:
    """Return what an admin chose for visitors who ask for nothing we speak; English without a database to ask."""
    if g.get("is_in_trouble"):
        return DEFAULT_LANGUAGE
    if "default_language" not in g:
        g.default_language = settings.get(db.session(), "default_language", DEFAULT_LANGUAGE)
    return g.default_language  # type: ignore[no-any-return]


def remember(response: Response, secret: str) -> None:
    """Set the login cookie on a response."""
    response.set_cookie(
        cookie_name(), secret, max_age=SESSION_DAYS * 86400, secure=is_secure(), httponly=True, samesite="Lax", path="/"
    )


def forget(response: Response) -> None:
    """Take the login cookie off a browser."""
    response.delete_cookie(cookie_name(), secure=is_secure(), httponly=True, samesite="Lax", path="/")


def ask_to_sign_in() -> BaseResponse:
    """Send an anonymous visitor to the sign-in page, and back here afterwards."""
    back = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(url_for("web.sign_in", next=back or None), 303)


def member_required(view: Callable[P, R]) -> Callable[P, R | BaseResponse]:
    """Let only members in; others are asked to sign in."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | BaseResponse:
        if visitor() is None:
            return ask_to_sign_in()
        return view(*args, **kwargs)

    return guarded


def role_required(role: str) -> Callable[[Callable[P, R]], Callable[P, R | BaseResponse]]:
    """Let only members with `role` or more in; strangers are asked to sign in, other members get 403."""

    def guard(view: Callable[P, R]) -> Callable[P, R | BaseResponse]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | BaseResponse:
            member = visitor()
            if member is None:
                return ask_to_sign_in()
            if ROLES.index(member.role) < ROLES.index(role):
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return guard

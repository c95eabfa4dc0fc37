"""Who is let in at which page, and that a form was sent from our own pages."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask import Response, abort, make_response, request

from node.policy import Mode
from node.runtime import current_node
from node.visitors import ask_to_sign_in, visitor
from node.web import doorstep
from node.web.surroundings import rules

DOORS_WITH_COOKIES = frozenset({"web", "admin"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
View = Callable[..., Any]


class Who(StrEnum):
    MEMBER = "member"
    STREET = "street"
    DOORSTEP = "doorstep"


MEMBER, STREET, DOORSTEP = Who.MEMBER, Who.STREET, Who.DOORSTEP


@cache
def guard(who: Who, view: View) -> View:
    """Return `view` behind its guard. Pages never stay in a cache that others share."""

    def guarded(**values: Any) -> Response:
        if who is not DOORSTEP and visitor() is None:
            if rules().mode is Mode.CLOSED:
                return keep_private(doorstep.closed())
            if who is MEMBER:
                return make_response(ask_to_sign_in())
        return keep_private(make_response(view(**values)))

    guarded.__name__ = view.__name__
    return guarded


def keep_private(response: Response) -> Response:
    """Forbid shared caches to keep a page, unless the view has said otherwise (abuse case L13)."""
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-store"
        response.vary.update(("Accept", "Cookie"))
    return response


def no_nul() -> None:
    """Refuse what no key types and PostgreSQL does not take: NUL in an address or a form (abuse case P06).

    The client API takes it out of what it is given (`node.api.given`), as it must of JSON.
    """
    if request.blueprint == "api":
        return
    is_form = request.method not in SAFE and request.blueprint in DOORS_WITH_COOKIES
    for given in (request.args, request.form) if is_form else (request.args,):
        if any("\0" in name or "\0" in value for name, value in given.items(multi=True)):
            abort(400)


def same_origin_only() -> None:
    """Refuse a state change that another site's page asked for (abuse case W01). The CSRF token is checked besides."""
    if request.method in SAFE or request.blueprint not in DOORS_WITH_COOKIES:
        return
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        abort(403)
    if origin is not None and origin != current_node().settings.origin and _host_of(origin) != request.host:
        abort(403)


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""

"""What search engines may list: what is public, by members who chose that (toot:indexable). Other pages say noindex."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, g, make_response, request

from node.models import Actor, Post
from node.policy import Audience
from node.web.reading import is_street_open

OFF_THE_MAP = ("/api/", "/oauth/", "/admin/", "/media/", "/search", "/settings", "/write")
"""Nothing there is for search engines. What they may fetch says noindex itself: a rule here would keep that from being read."""


def let_be_listed(actor: Actor, shown: Iterable[Post]) -> None:
    """Drop the noindex of this page when it is of a member who chose to be found, and everything on it is public and by
    people who chose the same: nobody is listed because somebody else answered or passed on their words."""
    has_chosen = actor.host == "" and actor.is_indexable and all(_may_be_listed(post) for post in shown)
    g.is_indexable = bool(has_chosen and not request.args and is_street_open())


def robots() -> Response:
    """Answer /robots.txt: what is no page for search engines. A closed node answers 401, as to everything (L21)."""
    response = make_response("User-agent: *\n" + "".join(f"Disallow: {path}\n" for path in OFF_THE_MAP))
    response.mimetype = "text/plain"
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _may_be_listed(post: Post) -> bool:
    return post.audience == Audience.PUBLIC and post.author.is_indexable

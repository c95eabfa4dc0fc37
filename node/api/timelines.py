"""Posts by time: home, what is public here and elsewhere, by tag, what one kept and liked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from flask import Response

from node.api.given import Given, given
from node.api.guards import Caller
from node.api.paging import Page, page, paged, sifted
from node.api.shown import lines_of
from node.database import db
from node.queries import reactions, timelines
from node.queries.timelines import Line

TAG = re.compile(r"#?\w{1,100}")
Fetch = Callable[[Page], Sequence[Line]]


def home(caller: Caller) -> Response:
    """GET /api/v1/timelines/home"""
    return show(caller, lambda part: timelines.home(db.session(), caller.actor_id, **keys(part)), given())


def public(caller: Caller) -> Response:
    """GET /api/v1/timelines/public. For members `local` shows what is said inside as well."""
    wanted = given()
    if wanted.flag("local"):
        return show(caller, lambda part: timelines.local(db.session(), caller.viewer, **keys(part)), wanted)
    return show(caller, lambda part: timelines.public(db.session(), caller.viewer, **keys(part)), wanted)


def tag(caller: Caller, name: str) -> Response:
    """GET /api/v1/timelines/tag/:name"""
    if not TAG.fullmatch(name):
        return paged([], [])
    return show(caller, lambda part: timelines.tag(db.session(), caller.viewer, name, **keys(part)), given())


def bookmarks(caller: Caller) -> Response:
    """GET /api/v1/bookmarks"""
    return show(caller, lambda part: timelines.bookmarks(db.session(), caller.viewer, caller.member.id, **keys(part)), given())


def favourites(caller: Caller) -> Response:
    """GET /api/v1/favourites"""
    return show(caller, lambda part: reactions.liked(db.session(), caller.viewer, **keys(part)), given())


def show(caller: Caller, fetch: Fetch, wanted: Given) -> Response:
    """Answer with the page of a timeline the client asks for, with only the lines it wants."""
    lines = sifted(fetch, lambda line: line.entry_id, wish_of(wanted), page(wanted))
    return paged(lines_of(caller, lines), [line.entry_id for line in lines])


def keys(part: Page) -> dict[str, Any]:
    """Return a page as the arguments that the queries take."""
    return {"older_than": part.older_than, "newer_than": part.newer_than, "limit": part.limit}


def wish_of(wanted: Given) -> Callable[[Line], bool]:
    """Return which lines a client wants: `local`, `remote`, `only_media`, `exclude_reblogs`."""
    only_media, local, remote = wanted.flag("only_media"), wanted.flag("local"), wanted.flag("remote")
    without_boosts = wanted.flag("exclude_reblogs")

    def is_wanted(line: Line) -> bool:
        if only_media and (not line.post.attachments or line.boosted_by is not None):
            return False
        if without_boosts and line.boosted_by is not None:
            return False
        return not ((local and not line.post.is_local) or (remote and line.post.is_local))

    return is_wanted

"""Finding accounts, posts and hashtags: among what is known here, and with `resolve` at their own server."""

from __future__ import annotations

import re
from typing import Any

from node import lookups, uris
from node.api import limits
from node.api.found import nothing
from node.api.given import given
from node.api.guards import Caller
from node.api.paging import page
from node.api.shown import accounts_of, statuses_of
from node.api.timelines import TAG
from node.database import db
from node.errors import ActionError
from node.models import Actor, Post
from node.queries import actors, posts, timelines
from node.runtime import current_node

HANDLE = re.compile(r"@?[\w.-]+@[\w.-]+(:\d+)?")


def search(caller: Caller) -> dict[str, Any]:
    """GET /api/v2/search: for members, who alone may have other servers asked."""
    wanted = given()
    text, kind = wanted.text("q", most=2000).strip()[:500], wanted.text("type", most=40)
    limit = page(wanted, 20, 40).limit
    found: dict[str, Any] = {"accounts": [], "statuses": [], "hashtags": []}
    if not text or (wanted.number("offset", 0) or 0) > 0:
        return found
    resolve = wanted.flag("resolve")
    if is_link(text):
        thing = find_link(caller, text, resolve=resolve)
        if isinstance(thing, Post) and kind in ("", "statuses"):
            found["statuses"] = statuses_of(caller, [thing])
        elif isinstance(thing, Actor) and kind in ("", "accounts"):
            found["accounts"] = accounts_of(caller, [thing])
        return found
    if kind in ("", "accounts"):
        found["accounts"] = accounts_of(caller, find_actors(caller, text, resolve=resolve, limit=limit))
    if kind in ("", "hashtags"):
        found["hashtags"] = find_tags(caller, text)
    return found


def show_tag(caller: Caller, name: str) -> dict[str, Any]:
    """GET /api/v1/tags/:name"""
    if not TAG.fullmatch(name):
        raise nothing()
    return tag(name.removeprefix("#").casefold())


def find_actors(caller: Caller, text: str, *, resolve: bool, limit: int) -> list[Actor]:
    """Return actors for what somebody typed; a whole handle that is not known here is looked up when they ask for it."""
    session = db.session()
    text = text.strip()
    if is_link(text):
        thing = find_link(caller, text, resolve=resolve)
        return [thing] if isinstance(thing, Actor) else []
    found = actors.search(session, _without_our_host(text), limit)
    if resolve and not found and HANDLE.fullmatch(text):
        thing = _resolved(caller, text)
        return [thing] if isinstance(thing, Actor) and is_alive(thing) else []
    return found


def find_link(caller: Caller, text: str, *, resolve: bool) -> Actor | Post | None:
    """Return the post or actor at an address, from elsewhere when it is not known and `resolve` is wished."""
    session = db.session()
    post = posts.by_uri(session, text, caller.viewer)
    if post is not None:
        return post
    actor = actors.by_uri(session, text)
    if actor is not None:
        return actor if is_alive(actor) else None
    if not resolve:
        return None
    thing = _resolved(caller, text)
    if isinstance(thing, Post):
        return posts.get(db.session(), thing.id, caller.viewer)
    return thing if thing is not None and is_alive(thing) else None


def find_tags(caller: Caller, text: str) -> list[dict[str, Any]]:
    """Return the hashtag of this name, if the caller may see a post that has it (abuse case L04)."""
    if not TAG.fullmatch(text):
        return []
    name = text.removeprefix("#").casefold()
    return [tag(name)] if timelines.tag(db.session(), caller.viewer, name, limit=1) else []


def tag(name: str) -> dict[str, Any]:
    """Return the Tag entity. How often it is used is not counted."""
    address = uris.tag_uri(current_node().settings.origin, name)
    return {"id": name, "name": name, "url": address, "history": [], "following": False, "featuring": False}


def is_link(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def is_alive(actor: Actor) -> bool:
    return actor.suspended_at is None and actor.deleted_at is None


def _without_our_host(text: str) -> str:
    """`name@our.host` is `name`."""
    name, _, host = text.removeprefix("@").partition("@")
    return name if host.lower() == current_node().settings.host else text


def _resolved(caller: Caller, text: str) -> Actor | Post | None:
    """Ask the other server. One that does not answer, or that the gate keeps out, has nothing for us."""
    limits.count("look-up", str(caller.member.id))
    try:
        return lookups.look_up(current_node(), text)
    except ActionError:
        return None

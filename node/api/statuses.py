"""One status: itself, its conversation, its history, and what people do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from node.actions import reactions as actions
from node.api.entities.polls import poll
from node.api.entities.statuses import edits
from node.api.found import nothing, own_post, the_post
from node.api.given import given
from node.api.guards import Caller, View
from node.api.paging import page, paged
from node.api.shown import accounts_of, around_posts, status_of, statuses_of
from node.database import db, transaction
from node.errors import N_, Invalid
from node.models import Post
from node.queries import posts, reactions
from node.runtime import current_node

MOST_REPLIES = 500
MOST_REPLIES_FOR_STRANGERS = 60


def show_one(caller: Caller, status_id: int) -> dict[str, Any]:
    """GET /api/v1/statuses/:id"""
    return status_of(caller, the_post(db.session(), caller, status_id))


def show_many(caller: Caller) -> list[dict[str, Any]]:
    """GET /api/v1/statuses?id[]="""
    wanted = given().ids("id")[:20]
    found = posts.many(db.session(), wanted, caller.viewer)
    return statuses_of(caller, [found[post_id] for post_id in dict.fromkeys(wanted) if post_id in found])


def context(caller: Caller, status_id: int) -> dict[str, Any]:
    """GET /api/v1/statuses/:id/context"""
    session = db.session()
    post = the_post(session, caller, status_id)
    limit = MOST_REPLIES if caller.actor_id else MOST_REPLIES_FOR_STRANGERS
    thread = posts.thread(session, post, caller.viewer, limit)
    above, below = list(thread.ancestors), list(thread.replies)
    entities = statuses_of(caller, above + below)
    return {"ancestors": entities[: len(above)], "descendants": entities[len(above) :]}


def history(caller: Caller, status_id: int) -> list[dict[str, Any]]:
    """GET /api/v1/statuses/:id/history"""
    session = db.session()
    post = the_post(session, caller, status_id)
    return edits(post, posts.versions(session, post.id), around_posts(session, caller, [post]))


def source(caller: Caller, status_id: int) -> dict[str, Any]:
    """GET /api/v1/statuses/:id/source: what the author typed, for editing."""
    post = own_post(db.session(), caller, status_id)
    return {"id": str(post.id), "text": post.source or "", "spoiler_text": post.summary}


def card(caller: Caller, status_id: int) -> dict[str, Any]:
    """GET /api/v1/statuses/:id/card: link previews are not made here."""
    the_post(db.session(), caller, status_id)
    raise nothing()


def favourited_by(caller: Caller, status_id: int) -> Response:
    """GET /api/v1/statuses/:id/favourited_by"""
    return _people(caller, status_id, reactions.likers)


def reblogged_by(caller: Caller, status_id: int) -> Response:
    """GET /api/v1/statuses/:id/reblogged_by"""
    return _people(caller, status_id, reactions.boosters)


def act(verb: str, does: Callable[..., Any]) -> View:
    """Return the view POST /api/v1/statuses/:id/`verb`."""

    def view(caller: Caller, status_id: int) -> dict[str, Any]:
        node = current_node()
        rules = node.rules(db.session())
        with transaction() as session:
            post = the_post(session, caller, status_id)
            does(session, caller.actor, post, settings=node.settings, rules=rules, now=node.now())
        return status_of(caller, _fresh(caller, post.id))

    view.__name__ = verb
    return view


favourite = act("favourite", actions.like)
unfavourite = act("unfavourite", actions.unlike)
unreblog = act("unreblog", actions.unboost)
bookmark = act("bookmark", actions.bookmark)
unbookmark = act("unbookmark", actions.unbookmark)
pin = act("pin", actions.pin)
unpin = act("unpin", actions.unpin)
_boost = act("reblog", actions.boost)


def reblog(caller: Caller, status_id: int) -> dict[str, Any]:
    """POST /api/v1/statuses/:id/reblog. Answers with the boost around the status, as clients expect."""
    inner = _boost(caller, status_id)
    entity = {**inner, "account": accounts_of(caller, [caller.actor])[0], "reblog": inner, "content": inner["content"]}
    boost = reactions.boost_of(db.session(), int(inner["id"]), caller.actor_id)
    return entity if boost is None else entity | {"id": str(boost.id), "uri": boost.uri or inner["uri"]}


def show_poll(caller: Caller, poll_id: int) -> dict[str, Any]:
    """GET /api/v1/polls/:id. A poll's id is its post's."""
    return _poll_of(caller, _poll_post(caller, poll_id))


def vote(caller: Caller, poll_id: int) -> dict[str, Any]:
    """POST /api/v1/polls/:id/votes"""
    chosen = given().texts("choices")
    node = current_node()
    rules = node.rules(db.session())
    with transaction() as session:
        post = _poll_post(caller, poll_id)
        positions = [int(choice) for choice in chosen if choice.isascii() and choice.isdigit() and len(choice) < 6]
        if not positions or len(positions) != len(chosen):
            raise Invalid("choices", N_("Please choose one of the options."), "choices")
        actions.vote(session, caller.actor, post, positions, settings=node.settings, rules=rules, now=node.now())
    return _poll_of(caller, _fresh(caller, poll_id))


def _poll_post(caller: Caller, poll_id: int) -> Post:
    post = the_post(db.session(), caller, poll_id, through_boosts=False)
    if post.poll is None or not post.options:
        raise nothing()
    return post


def _poll_of(caller: Caller, post: Post) -> dict[str, Any]:
    marks = posts.marks(db.session(), caller.actor_id, [post.id]).get(post.id) if caller.actor_id else None
    return poll(post, marks, post.author_id == caller.actor_id, current_node().now())


def _fresh(caller: Caller, post_id: int) -> Post:
    """Return the post as it is after a write."""
    session = db.session()
    session.expire_all()
    return the_post(session, caller, post_id, through_boosts=False)


def _people(caller: Caller, status_id: int, fetch: Callable[..., Any]) -> Response:
    session = db.session()
    wanted = page(given(), 40, 80)
    post = the_post(session, caller, status_id)
    rows = [row for row in fetch(session, post.id, caller.viewer, wanted.older_than, wanted.limit) if wanted.holds(row[0])]
    return paged(accounts_of(caller, [actor for _, actor in rows]), [key for key, _ in rows])

"""What pages with posts have in common: who looks, what they did with each post, where older and newer pages are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import abort, request, url_for

from node import reads
from node.database import db, row_id
from node.ledger import Channel
from node.models import Post
from node.policy import Audience
from node.queries import audience, posts
from node.queries.audience import ANONYMOUS, Viewer, viewer_member
from node.queries.posts import Marks
from node.queries.surroundings import authors_of
from node.queries.timelines import LIMIT, Line
from node.runtime import current_node
from node.visitors import visitor
from node.web.surroundings import rules


def viewer() -> Viewer:
    """Return who looks at this page."""
    member = visitor()
    return viewer_member(member.actor_id) if member else ANONYMOUS


def is_street_open() -> bool:
    """Whether the gate lets a stranger read what is public."""
    return audience.read_decision(ANONYMOUS, Audience.PUBLIC, rules(), current_node().now()).is_yes


def post_or_404(post_id: int) -> Post:
    """Return the post if the visitor may see it, by audience and by gate; else answer 404."""
    post = posts.get(db.session(), post_id, viewer())
    if post is None:
        abort(404)
    if visitor() is None and not audience.read_decision(ANONYMOUS, Audience(post.audience), rules(), current_node().now()).is_yes:
        abort(404)
    return post


def own_post_or_404(post_id: int) -> Post:
    """Return the visitor's own post; for others it is not there."""
    post = post_or_404(post_id)
    member = visitor()
    if member is None or post.author_id != member.actor_id:
        abort(404)
    return post


def marks_of(shown: Iterable[Post]) -> Mapping[int, Marks]:
    """Return what the visitor did with each post, how many answers to it they may see, and whether they may see what it
    answers (a stranger: only these).

    Every page with posts asks this once: here it is counted what strangers are shown.
    """
    member = visitor()
    shown = list(shown)
    found: dict[int, Marks] = defaultdict(Marks)
    ids = [post.id for post in shown]
    if member is None:
        reads.note(Channel.PAGE, shown)
    else:
        found.update(posts.marks(db.session(), member.actor_id, ids))
    for key, number in posts.answers(db.session(), viewer(), ids).items():
        found[key] = replace(found[key], answers=number)
    seen = authors_of(db.session(), viewer(), {post.in_reply_to_id for post in shown if post.in_reply_to_id is not None})
    for post in shown:
        if post.in_reply_to_id in seen:
            found[post.id] = replace(found[post.id], is_parent_seen=True)
    return found


def page_keys() -> dict[str, int | None]:
    """Return older_than and newer_than as the address asks for them; nonsense counts as nothing."""
    return {"older_than": request.args.get("older", type=row_id), "newer_than": request.args.get("newer", type=row_id)}


def stream(lines: Sequence[Line], endpoint: str, **values: Any) -> dict[str, Any]:
    """Return what a template needs for a page of lines: the lines, their marks, the addresses of its neighbours."""
    keys = page_keys()
    is_later_page = keys["older_than"] is not None or keys["newer_than"] is not None
    older = url_for(endpoint, older=lines[-1].entry_id, **values) if len(lines) >= LIMIT or (lines and keys["newer_than"]) else ""
    newer = url_for(endpoint, newer=lines[0].entry_id, **values) if lines and is_later_page else ""
    return {
        "lines": lines,
        "marks": marks_of(line.post for line in lines),
        "older": older,
        "newer": newer,
        "is_later_page": is_later_page,
    }

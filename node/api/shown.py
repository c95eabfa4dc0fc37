"""From rows to entities, a page at a time: a fixed number of statements, however long the page (style rule 10)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from node import reads
from node.api.entities import accounts, notifications
from node.api.entities.statuses import Surroundings, boosted, status
from node.api.guards import Caller
from node.database import db
from node.ledger import Channel
from node.models import Actor, Notification, Post
from node.queries import posts, surroundings
from node.queries.audience import Kind
from node.queries.timelines import Line
from node.runtime import current_node


def status_of(caller: Caller, post: Post) -> dict[str, Any]:
    """Return the Status entity of one post that came from a query with the caller's viewer."""
    return statuses_of(caller, [post])[0]


def statuses_of(caller: Caller, shown: Sequence[Post]) -> list[dict[str, Any]]:
    """Return the Status entities of posts that came from a query with the caller's viewer."""
    around = around_posts(db.session(), caller, shown)
    return [status(post, around) for post in shown]


def lines_of(caller: Caller, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the Status entities of a timeline's lines, boosts as statuses around statuses."""
    session = db.session()
    boosters = [line.boosted_by for line in lines if line.boosted_by is not None]
    around = around_posts(session, caller, [line.post for line in lines], boosters)
    boosts = surroundings.boosts(session, [line.entry_id for line in lines if line.boosted_by is not None])
    entities = []
    for line in lines:
        boost = boosts.get(line.entry_id) if line.boosted_by is not None else None
        if boost is not None and line.boosted_by is not None:
            entities.append(boosted(boost, line.boosted_by, line.post, around))
        else:
            entities.append(status(line.post, around))
    return entities


def accounts_of(caller: Caller, shown: Sequence[Actor]) -> list[dict[str, Any]]:
    """Return the Account entities of actors."""
    around = around_posts(db.session(), caller, (), shown)
    return [around.account_of(actor) for actor in shown]


def account_of(caller: Caller, actor: Actor) -> dict[str, Any]:
    """Return one Account, with exactly as many statuses as the caller may see (abuse case L01)."""
    origin = current_node().settings.origin
    if actor.host or actor.id == caller.actor_id:
        return accounts.account(actor, origin)
    seen = posts.count(db.session(), caller.viewer, actor.id)
    entity = accounts.account(actor, origin)
    return entity | {"statuses_count": seen, "last_status_at": entity["last_status_at"] if caller.actor_id else None}


def notifications_of(caller: Caller, rows: Sequence[Notification]) -> list[dict[str, Any]]:
    """Return the Notification entities, those that nobody stands behind left out."""
    around = around_posts(db.session(), caller, [row.post for row in rows if row.post is not None])
    return [entity for row in rows if (entity := notifications.notification(row, around)) is not None]


def around_posts(session: Session, caller: Caller, shown: Collection[Post], people: Iterable[Actor] = ()) -> Surroundings:
    """Gather what these posts' entities need. Everything with posts asks this: here it is counted what strangers are shown."""
    node = current_node()
    ids = [post.id for post in shown]
    parent_ids = {post.in_reply_to_id for post in shown if post.in_reply_to_id is not None}
    space_ids = {post.space_id for post in shown if post.space_id is not None}
    counts = None
    if caller.viewer.kind is not Kind.MEMBER:
        author_ids = {post.author_id for post in shown} | {actor.id for actor in people}
        counts = surroundings.posts_counts(session, caller.viewer, author_ids)
        reads.note(Channel.API, shown)
    return Surroundings(
        origin=node.settings.origin,
        now=node.now(),
        secret=node.settings.secret_key,
        actor_id=caller.actor_id,
        marks=posts.marks(session, caller.actor_id, ids) if caller.actor_id else {},
        parents=surroundings.authors_of(session, caller.viewer, parent_ids),
        spaces=surroundings.space_names(session, space_ids),
        posts_counts=counts,
        answers=posts.answers(session, caller.viewer, ids),
    )

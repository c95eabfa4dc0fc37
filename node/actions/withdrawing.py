"""What waits to be sent is not sent any more: its reader was blocked or removed, or its author suspended.

Only deliveries that wait, or that a content rule holds, are cancelled; what a server has taken it has.
Order holds: nothing else in a lane is moved.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from node.actions import polls
from node.actions.sending import CHUNK, keepers
from node.database import rows_of
from node.models import Activity, Actor, Block, Delivery, Lane, Mention, Post
from node.policy import Audience
from node.queries import audience as audiences
from node.queries.audience import Recipient, recipient_of

CARRIES_WORDS = ("Create", "Update", "Announce", "Add")
TAKES_BACK = ("Delete", "Undo", "Reject")
"""What still leaves for who is suspended: others would keep more without it."""
UNSENT = ("waiting", "held")

_QUIET = {"synchronize_session": False}


def silence(session: Session, actor_id: int, now: datetime) -> int:
    """Cancel what waits of a suspended actor, except what takes something back (L17). Return how many deliveries."""
    unsaid = select(Activity.id).where(Activity.actor_id == actor_id, Activity.kind.not_in(TAKES_BACK))
    waiting = update(Delivery).where(Delivery.activity_id.in_(unsaid), Delivery.state.in_(UNSENT))
    cancelled = waiting.values(state="cancelled", reason="the author was suspended", finished_at=now)
    return rows_of(session.execute(cancelled, execution_options=_QUIET))


def cut_off(session: Session, author_id: int, reader: Actor, now: datetime) -> int:
    """Cancel what waits of the author's words for `reader`, who was just blocked or removed (L05, L16). Return how many.

    What somebody else behind the same inbox is to have goes out as before, and so does what `reader` may still have.
    """
    # Who publishes holds this row: what they queued before is seen here, and what comes after sees the block.
    session.execute(select(Actor.id).where(Actor.id == author_id).with_for_update())
    inboxes = [inbox for inbox in (reader.inbox, reader.shared_inbox) if inbox]
    columns = (Delivery.id, Lane.inbox, Delivery.activity_id, Activity.kind, Activity.post_id, Activity.object_uri)
    waiting = session.execute(
        select(*columns)
        .join(Lane, Lane.id == Delivery.lane_id)
        .join(Activity, Activity.id == Delivery.activity_id)
        .where(Lane.actor_id == author_id, Lane.inbox.in_(inboxes))
        .where(Delivery.state.in_(UNSENT), Activity.kind.in_(CARRIES_WORDS))
    ).all()
    if not waiting:
        return 0
    readers = _Readers(session, author_id, {row.post_id for row in waiting if row.post_id is not None})
    lost = [row.id for row in waiting if row.inbox not in readers.inboxes(row)]
    return _cancel(session, lost, "the reader was blocked or removed", now)


def fallen_out(session: Session, post: Post, reached: Collection[Recipient], now: datetime) -> list[Recipient]:
    """Return whom to tell that a post is gone: inboxes that have it, at servers where it is for nobody any more.

    `reached` are those it is for now. What still waits for others is cancelled. A server keeps one copy for all its
    people: while one of them may have it, none is told of an end.
    """
    ways, hosts = _inboxes(reached), {recipient.host for recipient in reached}
    former = [one for one in keepers(session, post.id) if one.inbox not in ways]
    unsent = session.execute(
        select(Delivery.id, Lane.inbox)
        .join(Lane, Lane.id == Delivery.lane_id)
        .join(Activity, Activity.id == Delivery.activity_id)
        .where(Activity.post_id == post.id, Activity.kind.in_(CARRIES_WORDS), Delivery.state.in_(UNSENT))
    ).all()
    _cancel(session, [row.id for row in unsent if row.inbox not in ways], "the reader was blocked or removed", now)
    return [one for one in former if one.host not in hosts]


class _Readers:
    """Who is to have what an author has queued, asked of the function that delivers; each answer is kept."""

    def __init__(self, session: Session, author_id: int, post_ids: set[int]) -> None:
        self._session, self._author_id = session, author_id
        self._posts: dict[int, Post] = {}
        self._named: dict[int, list[int]] = {}
        self._found: dict[Any, frozenset[str]] = {}
        wanted = sorted(post_ids)
        for start in range(0, len(wanted), CHUNK):
            some = wanted[start : start + CHUNK]
            self._posts.update((post.id, post) for post in session.scalars(select(Post).where(Post.id.in_(some))))
            for post_id, actor_id in session.execute(select(Mention.post_id, Mention.actor_id).where(Mention.post_id.in_(some))):
                self._named.setdefault(post_id, []).append(actor_id)

    def inboxes(self, row: Any) -> frozenset[str]:
        """Return the inboxes of all who are to have what this delivery carries."""
        key, ask = self._question(row)
        if key not in self._found:
            self._found[key] = _inboxes(ask())
        return self._found[key]

    def _question(self, row: Any) -> tuple[Any, Any]:
        """Return what the answer depends on, and how to get it."""
        post = self._posts.get(row.post_id or 0)
        if row.kind == "Announce":
            return (row.kind, row.object_uri), lambda: [*self._followers(), *self._boosted(row.object_uri)]
        if post is not None:
            is_own = post.author_id == self._author_id  # else it is an answer that was passed on
            named = tuple(sorted(self._named.get(post.id, ()))) if is_own else ()
            poll_id = post.id if is_own and post.poll is not None else 0
            return (post.audience, named, poll_id), lambda: self._reached(post, named, poll_id)
        if row.kind == "Create":  # a vote: for one alone
            return row.activity_id, lambda: self._addressed(row.activity_id)
        return row.kind, self._followers  # how the author looks

    def _reached(self, post: Post, named: Sequence[int], poll_id: int) -> list[Recipient]:
        reached = audiences.recipients(self._session, self._author_id, Audience(post.audience), named)
        return reached + polls.voters(self._session, post) if poll_id else reached

    def _followers(self) -> list[Recipient]:
        return audiences.followers_of(self._session, self._author_id)

    def _boosted(self, post_uri: str) -> list[Recipient]:
        return self._unblocked(select(Actor).join(Post, Post.author_id == Actor.id).where(Post.uri == post_uri))

    def _addressed(self, activity_id: int) -> list[Recipient]:
        body = self._session.scalar(select(Activity.document).where(Activity.id == activity_id))
        to = json.loads(body or b"{}").get("to", [])
        return self._unblocked(select(Actor).where(Actor.uri.in_([to] if isinstance(to, str) else to)))

    def _unblocked(self, actors: Any) -> list[Recipient]:
        blocked = exists().where(Block.actor_id == self._author_id, Block.target_id == Actor.id)
        return [recipient_of(actor) for actor in self._session.scalars(actors.where(Actor.host != "", ~blocked))]


def _inboxes(recipients: Iterable[Recipient]) -> frozenset[str]:
    return frozenset(inbox for one in recipients for inbox in (one.inbox, one.shared_inbox) if inbox)


def _cancel(session: Session, delivery_ids: Sequence[int], reason: str, now: datetime) -> int:
    number = 0
    for start in range(0, len(delivery_ids), CHUNK):
        waiting = update(Delivery).where(Delivery.id.in_(delivery_ids[start : start + CHUNK]), Delivery.state.in_(UNSENT))
        cancelled = waiting.values(state="cancelled", reason=reason, finished_at=now)
        number += rows_of(session.execute(cancelled, execution_options=_QUIET))
    return number

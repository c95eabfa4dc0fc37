"""Home timelines and notifications: written when something happens, in the transaction that makes it happen.

Everything here may run twice with the same effect. Who may see a post is asked again when the line is read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from node.database import new_id
from node.models import Actor, Block, Boost, Follow, Mute, Notification, Post, SpaceMember, TimelineEntry
from node.policy import Audience


def spread(session: Session, post: Post) -> int:
    """Put `post` on the homes of its author (when ours) and of the author's local followers. Return how many."""
    readers = local_followers(session, post.author_id)
    if post.is_local:
        readers.add(post.author_id)
    if post.audience == Audience.SPACE:
        inside = set(session.scalars(select(SpaceMember.actor_id).where(SpaceMember.space_id == post.space_id)))
        readers = (readers & inside) | ({post.author_id} if post.is_local else set())
    elif post.audience == Audience.DIRECT:
        readers &= {post.author_id}
    insert_ignoring(session, TimelineEntry, [_line(reader, post.id, post.id, None) for reader in sorted(readers)])
    return len(readers)


def spread_boost(session: Session, boost: Boost) -> int:
    """Put a boost on the homes of the booster (when ours) and of the booster's local followers."""
    readers = local_followers(session, boost.actor_id)
    if session.scalar(select(Actor.host).where(Actor.id == boost.actor_id)) == "":
        readers.add(boost.actor_id)
    insert_ignoring(session, TimelineEntry, [_line(reader, boost.id, boost.post_id, boost.id) for reader in sorted(readers)])
    return len(readers)


def withdraw(session: Session, post_id: int) -> None:
    """Take a post, its boosts and its notifications out of every feed."""
    session.execute(delete(TimelineEntry).where(TimelineEntry.post_id == post_id))
    session.execute(delete(Notification).where(Notification.post_id == post_id))


def withdraw_boost(session: Session, boost_id: int) -> None:
    session.execute(delete(TimelineEntry).where(TimelineEntry.boost_id == boost_id))


def fill_home(session: Session, reader_id: int, author_id: int, limit: int = 40) -> None:
    """Put the author's latest posts on the reader's home: what a new follow shows at once."""
    posts = select(Post.id).where(Post.author_id == author_id, Post.deleted_at.is_(None), Post.audience != Audience.DIRECT)
    latest = session.scalars(posts.order_by(Post.id.desc()).limit(limit)).all()
    insert_ignoring(session, TimelineEntry, [_line(reader_id, post_id, post_id, None) for post_id in latest])


def empty_home(session: Session, reader_id: int, author_id: int) -> None:
    """Take the author's posts and boosts off the reader's home: the end of a follow."""
    posts = select(Post.id).where(Post.author_id == author_id)
    boosts = select(Boost.id).where(Boost.actor_id == author_id)
    mine = TimelineEntry.actor_id == reader_id
    session.execute(delete(TimelineEntry).where(mine, TimelineEntry.boost_id.is_(None), TimelineEntry.post_id.in_(posts)))
    session.execute(delete(TimelineEntry).where(mine, TimelineEntry.boost_id.in_(boosts)))


def notify(
    session: Session, actor_id: int, kind: str, *, from_actor_id: int | None, post_id: int | None = None, now: datetime
) -> None:
    """Tell a local actor that something happened; once, however often this runs. Blocked and muted actors say nothing."""
    if from_actor_id == actor_id:
        return
    if from_actor_id is not None and _is_unwanted(session, actor_id, from_actor_id):
        return
    row = {
        "id": new_id(now),
        "actor_id": actor_id,
        "kind": kind,
        "from_actor_id": from_actor_id,
        "post_id": post_id,
        "fingerprint": f"{actor_id}:{kind}:{from_actor_id or 0}:{post_id or 0}",
        "created_at": now,
    }
    insert_ignoring(session, Notification, [row])


def local_followers(session: Session, target_id: int) -> set[int]:
    """Return the ids of our actors whose follow of `target_id` is accepted."""
    follows = select(Follow.follower_id).join(Actor, Actor.id == Follow.follower_id)
    return set(session.scalars(follows.where(Follow.target_id == target_id, Follow.state == "accepted", Actor.host == "")))


def insert_ignoring(session: Session, table: Any, rows: list[dict[str, Any]]) -> None:
    """Insert rows; one that is already there (any unique key) stays as it is. SQLite and PostgreSQL."""
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def _is_unwanted(session: Session, actor_id: int, from_actor_id: int) -> bool:
    block = select(Block.id).where(Block.actor_id == actor_id, Block.target_id == from_actor_id)
    mute = select(Mute.id).where(Mute.actor_id == actor_id, Mute.target_id == from_actor_id)
    return session.scalar(block.union_all(mute).limit(1)) is not None


def _line(reader_id: int, entry_id: int, post_id: int, boost_id: int | None) -> dict[str, Any]:
    return {"actor_id": reader_id, "entry_id": entry_id, "post_id": post_id, "boost_id": boost_id}

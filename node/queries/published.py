"""What other servers read of us: our public posts, pins, replies, and the few numbers an open node tells.

All of it goes through `audience.visible`; a single post is judged by `audience.may_see` in the door.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from node.activitystreams import for_serialising
from node.models import Actor, Follow, Member, Pin, Post
from node.policy import Audience
from node.queries.audience import ANONYMOUS, Viewer, visible

OPEN = (Audience.PUBLIC, Audience.UNLISTED)


@dataclass(frozen=True, slots=True)
class Counts:
    members: int
    active: int
    public_posts: int


def local_post(session: Session, post_id: int) -> Post | None:
    """Return one of our posts, deleted or not, ready for the serialiser. Whether it may be read is another question."""
    return session.scalar(select(Post).where(Post.id == post_id, Post.is_local.is_(True)).options(*for_serialising()))


def count_public(session: Session, actor_id: int, viewer: Viewer = ANONYMOUS) -> int:
    """Return how many of the actor's posts `public_of` shows to this viewer."""
    public = select(func.count(Post.id)).where(Post.author_id == actor_id, Post.audience.in_(OPEN), visible(viewer))
    return session.scalar(public) or 0


def public_of(
    session: Session, actor_id: int, viewer: Viewer = ANONYMOUS, *, older_than: int | None, limit: int
) -> Sequence[Post]:
    """Return the actor's posts that anybody may see, newest first; none to whom the actor blocks (L16)."""
    posts = select(Post).where(Post.author_id == actor_id, Post.audience.in_(OPEN), visible(viewer))
    if older_than is not None:
        posts = posts.where(Post.id < older_than)
    return session.scalars(posts.order_by(Post.id.desc()).limit(limit).options(*for_serialising())).all()


def pinned_public(session: Session, actor_id: int, viewer: Viewer = ANONYMOUS) -> Sequence[Post]:
    """Return the actor's pinned posts that anybody may see, last pinned first; none to whom the actor blocks."""
    pinned = select(Post).join(Pin, Pin.post_id == Post.id).where(Pin.actor_id == actor_id)
    posts = pinned.where(Post.audience.in_(OPEN), visible(viewer))
    return session.scalars(posts.order_by(Pin.id.desc()).limit(20).options(*for_serialising())).all()


def public_reply_uris(
    session: Session, post_id: int, viewer: Viewer = ANONYMOUS, *, newer_than: int | None, limit: int
) -> list[tuple[int, str]]:
    """Return (id, uri) of replies that are public, ours and others', oldest first; none of ours who block the viewer."""
    replies = select(Post.id, Post.uri).where(
        Post.in_reply_to_id == post_id, Post.audience == Audience.PUBLIC, Post.deleted_at.is_(None)
    )
    replies = replies.join(Actor, Actor.id == Post.author_id).where(Actor.suspended_at.is_(None), Actor.deleted_at.is_(None))
    replies = replies.where(Actor.is_shut_out.is_(False), or_(Post.is_local.is_(False), visible(viewer)))
    if newer_than is not None:
        replies = replies.where(Post.id > newer_than)
    return [(row.id, row.uri) for row in session.execute(replies.order_by(Post.id).limit(limit))]


def followers_at(session: Session, actor_id: int, host: str) -> list[str]:
    """Return the ids of the actor's followers at one host (FEP-8fcf)."""
    follows = select(Actor.uri).join(Follow, Follow.follower_id == Actor.id)
    return list(
        session.scalars(follows.where(Follow.target_id == actor_id, Follow.state == "accepted", Actor.host == host).limit(5000))
    )


def is_known_actor(session: Session, uri: str) -> bool:
    return session.scalar(select(Actor.id).where(Actor.uri == uri)) is not None


def local_actor(session: Session, username: str) -> Actor | None:
    """Return our actor of this name, in any case."""
    return session.scalar(select(Actor).where(func.lower(Actor.username) == username.lower(), Actor.host == ""))


def actor_by_uri(session: Session, uri: str) -> Actor | None:
    return session.scalar(select(Actor).where(Actor.uri == uri))


def counts(session: Session, active_since: datetime) -> Counts:
    """Return what NodeInfo tells of an open node."""
    members = session.scalar(select(func.count(Member.id)).where(Member.suspended_at.is_(None))) or 0
    active = session.scalar(select(func.count(Member.id)).where(Member.seen_at >= active_since)) or 0
    public = (
        session.scalar(
            select(func.count(Post.id)).where(Post.is_local.is_(True), Post.audience.in_(OPEN), Post.deleted_at.is_(None))
        )
        or 0
    )
    return Counts(members, active, public)

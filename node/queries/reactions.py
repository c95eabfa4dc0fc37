"""Who did what with a post, and what somebody liked. Reads only; for posts the caller has shown to be visible."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from node.models import Actor, Block, Boost, Like, Post
from node.queries import posts
from node.queries.audience import Viewer, visible
from node.queries.timelines import Line


def likers(
    session: Session, post_id: int, viewer: Viewer, older_than: int | None = None, limit: int = 40
) -> list[tuple[int, Actor]]:
    """Return (like's id, actor) of those who like a post, newest first."""
    return _people(session, Like, post_id, viewer, older_than, limit)


def boosters(
    session: Session, post_id: int, viewer: Viewer, older_than: int | None = None, limit: int = 40
) -> list[tuple[int, Actor]]:
    """Return (boost's id, actor) of those who passed a post on, newest first."""
    return _people(session, Boost, post_id, viewer, older_than, limit)


def boost_of(session: Session, post_id: int, actor_id: int) -> Boost | None:
    """Return the actor's boost of a post."""
    return session.scalar(select(Boost).where(Boost.post_id == post_id, Boost.actor_id == actor_id))


def liked(
    session: Session,
    viewer: Viewer,
    *,
    older_than: int | None = None,
    newer_than: int | None = None,
    limit: int = 20,
) -> list[Line]:
    """Return the posts the viewer likes, the latest like first. `entry_id` is the like's."""
    is_forward = newer_than is not None and older_than is None
    likes = select(Like.id, Like.post_id).join(Post, Post.id == Like.post_id)
    likes = likes.where(Like.actor_id == viewer.actor_id, visible(viewer))
    if older_than is not None:
        likes = likes.where(Like.id < older_than)
    if newer_than is not None:
        likes = likes.where(Like.id > newer_than)
    keys = session.execute(likes.order_by(Like.id.asc() if is_forward else Like.id.desc()).limit(limit)).all()
    found = posts.many(session, [post_id for _, post_id in keys], viewer)
    lines = [Line(like_id, found[post_id]) for like_id, post_id in keys if post_id in found]
    return lines[::-1] if is_forward else lines


def _people(
    session: Session, table: type[Like] | type[Boost], post_id: int, viewer: Viewer, older_than: int | None, limit: int
) -> list[tuple[int, Actor]]:
    found = select(table.id, Actor).join(Actor, Actor.id == table.actor_id).where(table.post_id == post_id, *_shown(viewer))
    if older_than is not None:
        found = found.where(table.id < older_than)
    return [(key, actor) for key, actor in session.execute(found.order_by(table.id.desc()).limit(limit))]


def _shown(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    """Living actors that have not blocked the viewer and whom the viewer has not blocked."""
    apart = exists().where(
        or_(
            (Block.actor_id == Actor.id) & (Block.target_id == viewer.actor_id),
            (Block.actor_id == viewer.actor_id) & (Block.target_id == Actor.id),
        )
    )
    return Actor.suspended_at.is_(None), Actor.deleted_at.is_(None), ~apart

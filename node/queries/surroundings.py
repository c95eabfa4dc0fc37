"""What a page of posts needs besides the posts: who wrote what they answer, their spaces, the boosts around them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from node.models import Boost, Post, Space
from node.queries.audience import Viewer, visible


def authors_of(session: Session, viewer: Viewer, post_ids: Collection[int]) -> dict[int, int]:
    """Return post id -> author id of those of these posts that `viewer` may see."""
    if not post_ids:
        return {}
    rows = session.execute(select(Post.id, Post.author_id).where(Post.id.in_(post_ids), visible(viewer)))
    return dict(rows.all())


def space_names(session: Session, space_ids: Collection[int]) -> dict[int, str]:
    """Return space id -> name. For posts the reader may see."""
    if not space_ids:
        return {}
    return dict(session.execute(select(Space.id, Space.name).where(Space.id.in_(space_ids))).all())


def boosts(session: Session, boost_ids: Collection[int]) -> dict[int, Boost]:
    """Return these boosts by id, nothing loaded around them."""
    if not boost_ids:
        return {}
    return {boost.id: boost for boost in session.scalars(select(Boost).where(Boost.id.in_(boost_ids)))}


def boosted_post_id(session: Session, boost_id: int) -> int | None:
    """Return the id of the post that this boost passes on. Whether it may be seen is another question."""
    return session.scalar(select(Boost.post_id).where(Boost.id == boost_id))


def posts_counts(session: Session, viewer: Viewer, author_ids: Collection[int]) -> dict[int, int]:
    """Return author id -> how many of the author's posts `viewer` may see; authors without any are left out."""
    if not author_ids:
        return {}
    counted = select(Post.author_id, func.count(Post.id)).where(Post.author_id.in_(author_ids), visible(viewer))
    return dict(session.execute(counted.group_by(Post.author_id)).all())

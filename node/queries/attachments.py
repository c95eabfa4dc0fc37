"""Files on other servers that may be shown here: where they are, and whether this viewer may have them. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.models import Actor, Attachment, Post
from node.queries.audience import Viewer, visible


@dataclass(frozen=True, slots=True)
class Source:
    """A file's address, and the host whose actor refers to it: that peer's rule says whether its media may come in."""

    url: str
    host: str


def for_viewer(session: Session, attachment_id: int, viewer: Viewer | None) -> Source | None:
    """Return an attachment if `viewer` may see its post; None for `viewer` when a signed address has said so already."""
    query = (
        select(Attachment.url, Actor.host)
        .join(Post, Post.id == Attachment.post_id)
        .join(Actor, Actor.id == Post.author_id)
        .where(
            Attachment.id == attachment_id, Post.deleted_at.is_(None), Actor.suspended_at.is_(None), Actor.deleted_at.is_(None)
        )
    )
    row = session.execute(query if viewer is None else query.where(visible(viewer))).first()
    return None if row is None else Source(*row)


def icon(session: Session, actor_id: int) -> Source | None:
    """Return the picture of another server's actor."""
    alive = (Actor.host != "", Actor.suspended_at.is_(None), Actor.deleted_at.is_(None), Actor.icon_url.is_not(None))
    row = session.execute(select(Actor.icon_url, Actor.host).where(Actor.id == actor_id, *alive)).first()
    return None if row is None else Source(*row)

"""Whether what a third party passes on is worth reading at its source. Reads only; nothing of what it says is believed."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from node.models import Errand, Post

MOST_WAITING = 200
"""Posts that third parties spoke of and that wait to be read: more is somebody's game."""


def is_worth_reading(session: Session, kind: str, object_uri: str, in_reply_to: str | None) -> bool:
    """Say whether to read `object_uri`, of which a Create, Update or Delete (`kind`) speaks, at its own server.

    A Create is, when we have what it answers (`in_reply_to`) and not the post; the others are, when we have the post as an
    answer to something. Not while too many wait already.
    """
    post = session.execute(
        select(Post.in_reply_to_uri, Post.is_local, Post.deleted_at).where(Post.uri == object_uri)
    ).one_or_none()
    if post is not None:
        answered, is_local, deleted_at = post
        is_wanted = kind in ("Update", "Delete") and answered is not None and not is_local and deleted_at is None
    elif kind in ("Create", "Update") and in_reply_to is not None:
        thread = select(Post.id).where(Post.uri == in_reply_to, Post.deleted_at.is_(None))
        is_wanted = session.scalar(thread) is not None
    else:
        is_wanted = False
    if not is_wanted:
        return False
    return (session.scalar(select(func.count(Errand.id)).where(Errand.kind == "again")) or 0) < MOST_WAITING

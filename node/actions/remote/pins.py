"""What other servers' actors show first: the posts of their `featured` collection, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from node.database import new_id
from node.models import Actor, Pin, Post


def keep_pins(session: Session, actor_uri: str, shown: Sequence[str], now: datetime) -> int:
    """Make the posts `shown` (their ids, first things first) the pins of a remote actor, and return how many they are.

    Only the actor's own posts that we have count; twice is once.
    """
    actor = session.scalar(select(Actor).where(Actor.uri == actor_uri, Actor.host != "", Actor.deleted_at.is_(None)))
    if actor is None:
        return 0
    rows = session.execute(
        select(Post.uri, Post.id).where(Post.uri.in_(shown), Post.author_id == actor.id, Post.deleted_at.is_(None))
    )
    found = dict(rows.all())
    wanted = [found[uri] for uri in dict.fromkeys(shown) if uri in found]
    pinned = session.scalars(select(Pin.post_id).where(Pin.actor_id == actor.id).order_by(Pin.id.desc())).all()
    if pinned != wanted:
        session.execute(delete(Pin).where(Pin.actor_id == actor.id), execution_options={"synchronize_session": False})
        # The last pinned is shown first, so the first is written last.
        session.add_all(Pin(id=new_id(now), actor_id=actor.id, post_id=post_id) for post_id in reversed(wanted))
        session.flush()
    return len(wanted)

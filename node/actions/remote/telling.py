"""Many notifications at once: what `feeds.notify` does, in three statements for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.actions.feeds import insert_ignoring
from node.database import new_id
from node.models import Block, Mute, Notification

Told = tuple[int, str, int, int]
"""(whose notification it is, kind, from whom, about which post)"""


def tell_all(session: Session, told: Sequence[Told], now: datetime) -> None:
    """Tell our actors what happened, each thing once. Blocked and muted actors say nothing."""
    if not told:
        return
    unwanted = _unwanted(session, {one[0] for one in told}, {one[2] for one in told})
    rows = [
        {
            "id": new_id(now),
            "actor_id": actor_id,
            "kind": kind,
            "from_actor_id": from_id,
            "post_id": post_id,
            "fingerprint": f"{actor_id}:{kind}:{from_id}:{post_id}",
            "created_at": now,
        }
        for actor_id, kind, from_id, post_id in told
        if actor_id != from_id and (actor_id, from_id) not in unwanted
    ]
    insert_ignoring(session, Notification, rows)


def _unwanted(session: Session, actor_ids: set[int], from_ids: set[int]) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for table in (Block, Mute):
        pairs = select(table.actor_id, table.target_id).where(table.actor_id.in_(actor_ids), table.target_id.in_(from_ids))
        found.update((actor_id, target_id) for actor_id, target_id in session.execute(pairs))
    return found

"""Notifications, by Mastodon's names for them."""

from __future__ import annotations

from typing import Any

from node.api.entities.statuses import Surroundings, status
from node.api.entities.values import moment
from node.models import Notification

TYPES = {
    "mention": "mention",
    "reply": "mention",
    "like": "favourite",
    "boost": "reblog",
    "follow": "follow",
    "follow_request": "follow_request",
    "poll": "poll",
    "edit": "update",
}
"""Our kinds -> Mastodon's types. What is not here has no word there and is left out."""


def notification(row: Notification, around: Surroundings) -> dict[str, Any] | None:
    """Return the Notification entity, or None when nobody is left to name as its account."""
    actor = row.from_actor or (row.post.author if row.post is not None else None)
    if actor is None or row.kind not in TYPES:
        return None
    return {
        "id": str(row.id),
        "type": TYPES[row.kind],
        "group_key": f"ungrouped-{row.id}",
        "created_at": moment(row.created_at),
        "account": around.account_of(actor),
        "status": status(row.post, around) if row.post is not None else None,
    }

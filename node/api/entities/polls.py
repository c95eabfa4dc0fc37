"""Questions as polls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from node.api.entities.values import moment_or_none
from node.models import Post
from node.queries.posts import Marks


def closes_at(post: Post) -> datetime | None:
    """Return when a post's poll closes; None for never."""
    text = (post.poll or {}).get("closes_at")
    if not text:
        return None
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def has_closed(post: Post, now: datetime) -> bool:
    end = closes_at(post)
    return bool((post.poll or {}).get("closed")) or (end is not None and end <= now)


def poll(post: Post, marks: Marks | None, is_own: bool, now: datetime) -> dict[str, Any]:
    """Return the Poll entity of a post that has one; `.options` loaded. Its id is the post's."""
    details = post.poll or {}
    voters = details.get("voters")
    entity: dict[str, Any] = {
        "id": str(post.id),
        "expires_at": moment_or_none(closes_at(post)),
        "expired": has_closed(post, now),
        "multiple": bool(details.get("multiple")),
        "votes_count": sum(option.votes_count for option in post.options),
        "voters_count": voters if isinstance(voters, int) else None,
        "options": [{"title": option.name, "votes_count": option.votes_count} for option in post.options],
        "emojis": [],
    }
    if marks is not None:
        entity |= {"voted": is_own or bool(marks.voted), "own_votes": list(marks.voted)}
    return entity

"""Posts and boosts as statuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from node import uris
from node.api.entities.accounts import account, mention
from node.api.entities.polls import poll
from node.api.entities.values import SHOWN_AS, key, moment, moment_or_none
from node.media import addresses
from node.models import Actor, Attachment, Boost, Post, PostVersion
from node.policy import Audience, leaves
from node.queries.posts import Marks

PICTURE = "image"
"""The one kind that comes through our media door; the rest is a link to where it is."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a page of statuses needs besides the posts themselves, gathered for all of them at once."""

    origin: str
    now: datetime
    secret: str
    """The node's secret, which signs the addresses of pictures."""
    actor_id: int = 0
    """The reader's actor, 0 for strangers."""
    marks: Mapping[int, Marks] = field(default_factory=dict)
    parents: Mapping[int, int] = field(default_factory=dict)
    """Post id -> author id, of those answered posts the reader may see."""
    spaces: Mapping[int, str] = field(default_factory=dict)
    posts_counts: Mapping[int, int] | None = None
    """Actor id -> how many of its posts the reader may see, where that is less than all; None for members."""
    answers: Mapping[int, int] = field(default_factory=dict)
    """Post id -> how many answers the reader may see."""

    def account_of(self, actor: Actor) -> dict[str, Any]:
        count = None if self.posts_counts is None else self.posts_counts.get(actor.id, 0)
        return account(actor, self.origin, count)


def status(post: Post, around: Surroundings) -> dict[str, Any]:
    """Return the Status entity of a post that the reader may see, with all its parts loaded."""
    audience = Audience(post.audience)
    is_answer_seen = post.in_reply_to_id in around.parents
    entity: dict[str, Any] = {
        "id": str(post.id),
        "uri": post.uri,
        "url": post.url or post.uri,
        "created_at": moment(post.published_at),
        "edited_at": moment_or_none(post.edited_at),
        "account": around.account_of(post.author),
        "content": content(post.title, post.content_html),
        "visibility": SHOWN_AS[audience],
        "sensitive": post.is_sensitive,
        "spoiler_text": post.summary,
        "language": post.language,
        "in_reply_to_id": key(post.in_reply_to_id) if is_answer_seen else None,
        "in_reply_to_account_id": key(around.parents[post.in_reply_to_id]) if is_answer_seen and post.in_reply_to_id else None,
        "media_attachments": [_attachment(each, around) for each in post.attachments],
        "mentions": [mention(row.actor) for row in post.mentions],
        "tags": [{"name": tag.name, "url": uris.tag_uri(around.origin, tag.name)} for tag in post.hashtags],
        "emojis": [],
        "favourites_count": post.likes_count,
        "reblogs_count": post.boosts_count,
        "replies_count": around.answers.get(post.id, 0),
        "quotes_count": 0,
        "reblog": None,
        "application": None,
        "card": None,
        "quote": None,
        "poll": None,
        "courtyard": {
            "audience": audience.value,
            "leaves": _leaves(post, audience),
            "space": around.spaces.get(post.space_id or 0),
        },
    }
    marks = around.marks.get(post.id, Marks()) if around.actor_id else None
    if post.poll is not None and post.options:
        entity["poll"] = poll(post, marks, post.author_id == around.actor_id, around.now)
    if marks is not None:
        entity |= {
            "favourited": marks.liked, "reblogged": marks.boosted, "bookmarked": marks.bookmarked, "pinned": marks.pinned,
            "muted": False, "filtered": [],
        }  # fmt: skip
    return entity


def boosted(boost: Boost, booster: Actor, post: Post, around: Surroundings) -> dict[str, Any]:
    """Return the Status entity of a boost: its own id, time and account around the post's entity."""
    inner = status(post, around)
    return inner | {
        "id": str(boost.id),
        "uri": boost.uri or f"{booster.uri}#boosts/{boost.id}",
        "url": boost.uri or inner["url"],
        "created_at": moment(boost.created_at),
        "edited_at": None,
        "account": around.account_of(booster),
        "media_attachments": [],
        "mentions": [],
        "tags": [],
        "poll": None,
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "reblog": inner,
    }


def content(title: str, html: str) -> str:
    """Return a post's clean HTML with its title, where it has one, before it."""
    return f"<p><strong>{escape(title)}</strong></p>{html}" if title else html


def edits(post: Post, versions: list[PostVersion], around: Surroundings) -> list[dict[str, Any]]:
    """Return the StatusEdit entities of a post, the first version first."""
    shared: dict[str, Any] = {
        "account": around.account_of(post.author), "sensitive": post.is_sensitive, "media_attachments": [], "emojis": [],
    }  # fmt: skip
    if post.poll is not None and post.options:
        shared["poll"] = {"options": [{"title": option.name} for option in post.options]}
    written = [
        {"content": content(old.title, old.content_html), "spoiler_text": old.summary, "created_at": moment(old.created_at)}
        for old in versions
    ]
    latest = post.edited_at or post.published_at
    written.append(
        {"content": content(post.title, post.content_html), "spoiler_text": post.summary, "created_at": moment(latest)}
    )
    return [shared | version for version in written]


def _leaves(post: Post, audience: Audience) -> bool:
    """Say whether a post can be read elsewhere. What is for those it names crosses the wall with a name from outside."""
    if audience is Audience.DIRECT:
        return not post.is_local or any(row.actor.host for row in post.mentions)
    return leaves(audience)


def _attachment(attachment: Attachment, around: Surroundings) -> dict[str, Any]:
    """Return the MediaAttachment entity. Pictures of others come through our own door, never from their server."""
    is_picture = attachment.kind == PICTURE
    address = f"{around.origin}{addresses.path(around.secret, attachment.id, around.now)}" if is_picture else None
    meta: dict[str, Any] = {}
    if attachment.width and attachment.height:
        width, height = attachment.width, attachment.height
        meta["original"] = {"width": width, "height": height, "size": f"{width}x{height}", "aspect": round(width / height, 4)}
    return {
        "id": str(attachment.id),
        "type": PICTURE if is_picture else "unknown",
        "url": address or attachment.url,
        "preview_url": address,
        "remote_url": None if is_picture else attachment.url,
        "meta": meta,
        "description": attachment.description or None,
        "blurhash": attachment.blurhash,
    }

"""How our rows look as ActivityStreams documents: the one serialiser, for delivery, GET and collections alike.

It never asks who may see: `node.queries.audience` does, before anybody calls this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, object_session, selectinload

from federation import activities
from federation import actors as wire_actors
from federation import objects as wire
from federation.actors import PublicKeyRecord
from federation.keys import KeyAlgorithm
from federation.parts import Mention, Poll
from federation.vocabulary import PUBLIC
from node import uris
from node.config import Settings
from node.models import Actor, ActorKey, Post
from node.models import Mention as MentionRow
from node.policy import Audience, leaves
from node.policy.audiences import is_open


@dataclass(frozen=True, slots=True)
class Addressed:
    """What stands in `to` and `cc`."""

    to: tuple[str, ...]
    cc: tuple[str, ...]

    def as_json(self) -> dict[str, list[str]]:
        return {"to": list(self.to), "cc": list(self.cc)}


def addressed(audience: Audience, followers: str, named: Sequence[str]) -> Addressed:
    """Return the addressing of a post for this audience. What stays inside is addressed to nobody."""
    names = tuple(named)
    match audience:
        case Audience.PUBLIC:
            return Addressed((PUBLIC,), (followers, *names))
        case Audience.UNLISTED:
            return Addressed((followers,), (PUBLIC, *names))
        case Audience.FOLLOWERS:
            return Addressed((followers,), names)
        case Audience.PARTNERS:
            return Addressed((followers,), ())
        case Audience.DIRECT:
            return Addressed(names, ())
        case _:
            return Addressed((), ())


def for_serialising() -> tuple[Any, ...]:
    """Return the loader options a post needs before `post_object` can write it."""
    return (
        joinedload(Post.author),
        selectinload(Post.mentions).joinedload(MentionRow.actor),
        selectinload(Post.hashtags),
        selectinload(Post.options),
    )


def post_object(post: Post, settings: Settings, in_reply_to_uri: str | None = None) -> dict[str, Any]:
    """Return the Note, Article or Question of one of our posts, loaded with `for_serialising`; a Tombstone once deleted."""
    if post.deleted_at is not None:
        return wire.tombstone(post.uri, post.deleted_at, post.kind)
    to = Addressed(tuple(post.addressed.get("to", ())), tuple(post.addressed.get("cc", ())))
    parts: wire.PostParts = {
        "published": post.published_at,
        "updated": post.edited_at,
        "url": post.url or post.uri,
        "summary": post.summary or None,
        "sensitive": post.is_sensitive,
        "language": post.language,
        "source_markdown": post.source,
        "in_reply_to": in_reply_to_uri or _answered(post, settings),
        "mentions": [Mention(row.actor.uri, _handle(row.actor, settings)) for row in post.mentions],
        "hashtags": [(tag.name, uris.tag_uri(settings.origin, tag.name)) for tag in post.hashtags],
        "replies": f"{post.uri}/replies",
    }
    shared: dict[str, Any] = {
        "id": post.uri,
        "attributed_to": post.author.uri,
        "content": post.content_html,
        "to": to.to,
        "cc": to.cc,
    }
    if post.kind == "Question" and post.poll is not None:
        return wire.question_document(**shared, poll=_poll(post), **parts)
    if post.title:
        return wire.article_document(**shared, title=post.title, **parts)
    return wire.note_document(**shared, **parts)


def _answered(post: Post, settings: Settings) -> str | None:
    """Return the id of what a post answers; of what stays inside, not even the id leaves (abuse case L06)."""
    uri = post.in_reply_to_uri
    session = object_session(post)
    if uri is None or session is None or is_open(Audience(post.audience)) or not uris.is_ours(uri, settings.origin):
        return uri  # what anybody may see answers nothing narrower
    audience = session.scalar(select(Post.audience).where(Post.uri == uri))
    return uri if audience is None or leaves(Audience(audience)) else None


def create_activity(post: Post, document: dict[str, Any]) -> dict[str, Any]:
    """Return the Create that a collection shows for a post; its id is the post's with a fragment."""
    return activities.create(
        id=f"{post.uri}#create", actor=post.author.uri, object=document, to=document.get("to", ()), cc=document.get("cc", ()),
        published=post.published_at,
    )  # fmt: skip


def actor_document(session: Session, actor: Actor, settings: Settings, *, is_minimal: bool = False) -> dict[str, Any]:
    """Return the document of one of our actors. A minimal one (closed node, unsigned request) has no profile."""
    rows = session.scalars(
        select(ActorKey).where(ActorKey.actor_id == actor.id, ActorKey.private_pem.is_not(None)).order_by(ActorKey.id)
    )
    keys = [PublicKeyRecord(row.key_id, actor.uri, KeyAlgorithm(row.algorithm), row.public_pem) for row in rows]
    keys.sort(key=lambda record: record.algorithm != "rsa")
    basic: dict[str, Any] = {
        "id": actor.uri,
        "type": actor.kind,
        "preferred_username": actor.username,
        "inbox": actor.inbox,
        "outbox": actor.outbox or uris.outbox_uri(actor.uri),
        "public_keys": keys,
        "shared_inbox": uris.shared_inbox_uri(settings.origin),
        "webfinger": f"{actor.username}@{settings.host}",
        "manually_approves_followers": actor.is_locked,
    }
    if is_minimal:
        return wire_actors.actor_document(**basic)
    return wire_actors.actor_document(
        **basic,
        name=actor.name or actor.username,
        summary=actor.summary_html,
        url=actor.url or actor.uri,
        followers=actor.followers_uri,
        following=actor.following_uri,
        featured=actor.featured_uri,
        fields=[(field[0], field[1]) for field in actor.fields],
        discoverable=actor.is_discoverable,
        indexable=actor.is_indexable,
        published=_day(actor.created_at),
        updated=actor.updated_at,
        also_known_as=actor.also_known_as,
        moved_to=actor.moved_to_uri,
    )


def handle(actor: Actor, settings: Settings) -> str:
    """Return '@name@host'."""
    return _handle(actor, settings)


def _handle(actor: Actor, settings: Settings) -> str:
    return f"@{actor.username}@{actor.host or settings.host}"


def _day(moment: datetime) -> datetime:
    """A join date is nobody's business to the second."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _poll(post: Post) -> Poll:
    poll = post.poll or {}
    closes_at = datetime.fromisoformat(poll["closes_at"]) if poll.get("closes_at") else None
    options = tuple((option.name, option.votes_count) for option in post.options)
    return Poll(
        options=options,
        multiple=bool(poll.get("multiple")),
        closes_at=closes_at,
        closed=bool(poll.get("closed")),
        voters=poll.get("voters"),
    )

"""Other servers' posts: kept once, cleaned, threaded, counted, and put where people look."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.errors import NotAuthorized
from federation.objects import RemoteObject, require_author
from federation.origins import same_origin
from federation.parts import Attachment as RemoteAttachment
from federation.vocabulary import POST_TYPES, PUBLIC
from node.actions.errands import want
from node.actions.remote.addressees import audience_of
from node.actions.remote.known import Known, PostRef
from node.actions.remote.tombstones import Buried
from node.content import markdown
from node.content.cleaning import CLEANER_VERSION, clean, plain_text
from node.database import new_id
from node.models import Actor, Attachment, Hashtag, Mention, PollOption, Post
from node.policy import Audience
from node.policy.audiences import is_open
from node.queries.audience import viewer_server, visible

MOST_ANCESTORS = 100
"""How many missing ancestors one arrival may lead to (abuse case D05)."""

MOST_REPLIES = 200
"""How many replies of a post that was looked up, or boosted here, are read."""

SUMMARY_LENGTH = 500
_TELLS_SOON = timedelta(days=2)
_KINDS = frozenset({"image", "video", "audio"})
_PARTS = frozenset({Hashtag, Attachment, PollOption})


class NotAPost(ValueError):
    """The object is of a kind that we do not keep as a post."""


def keep_post(
    session: Session, remote: RemoteObject, author: Actor, now: datetime, *, own_host: str, budget: int = MOST_ANCESTORS
) -> Post:
    """Keep a post that was fetched or received, by an `author` that is kept already; one that is known stays as it is.

    Raises NotAuthorized (another's, or of our own namespace), Buried (deleted once), NotAPost.
    """
    known = Known(session, own_host, now)
    ref = take_post(known, remote, author, is_news=False, budget=budget)
    known.flush()
    if budget == MOST_ANCESTORS and remote.replies is not None and same_origin(remote.replies, remote.id):
        want(session, "replies", remote.replies, now, MOST_REPLIES)
    post = session.get(Post, ref.id, populate_existing=True)
    if post is None:
        raise RuntimeError(f"post {ref.id} vanished inside its own transaction")
    return post


def take_post(
    known: Known,
    remote: RemoteObject,
    author: Actor,
    *,
    is_news: bool = True,
    inbox_owner: int = 0,
    budget: int = MOST_ANCESTORS,
) -> PostRef:
    """Gather a post in `known` (its caller flushes) and return where it is.

    `is_news`: it came by itself, so it is sorted by when it came, and people are told; else it was fetched and is
    sorted by when it was written. `inbox_owner`: the actor whose own inbox got it. Errors as `keep_post`.
    """
    require_author(remote, author.uri)
    if author.is_local or known.is_ours(remote.id):
        raise NotAuthorized("that id is in our own namespace", code="ours")
    if remote.type not in POST_TYPES:
        raise NotAPost(remote.type)
    found = known.post(remote.id)
    if found is not None:
        if found.author_id != author.id:
            raise NotAuthorized("the post belongs to another actor", code="another_author")
        if found.is_deleted:
            raise Buried(remote.id)
        return found
    if known.is_buried(remote.id):
        raise Buried(remote.id)
    return _add(known, remote, author, is_news, inbox_owner, budget)


def content_of(remote: RemoteObject) -> str:
    """Return the clean HTML of an object's content, whatever it is written in."""
    content = remote.content or ""
    if not content and remote.type != "Note":
        content = remote.summary or ""
    if remote.content_type == "text/markdown":
        return markdown.render(content)
    if remote.content_type == "text/plain":
        content = "<br>".join(escape(line, quote=False) for line in content.split("\n", 500))
    return clean(content) if content else ""


def words_of(remote: RemoteObject) -> dict[str, Any]:
    """Return the columns that hold a post's words: the same for a new one and for a new version."""
    is_long = remote.type in ("Article", "Page", "Event")
    # A Note's summary is a content warning; an Article's is an excerpt of what follows anyway.
    warning = plain_text(remote.summary, SUMMARY_LENGTH) if remote.summary and (not is_long or remote.sensitive) else ""
    return {
        "url": remote.url,
        "kind": remote.type,
        "title": plain_text(remote.title, SUMMARY_LENGTH).replace("\n", " ") if remote.title else "",
        "content_raw": remote.content,
        "content_html": content_of(remote),
        "cleaner_version": CLEANER_VERSION,
        "summary": warning,
        "is_sensitive": remote.sensitive or bool(warning),
        "language": remote.language[:16] if remote.language else None,
        "quote_uri": remote.quote_uri,
        "poll": poll_of(remote),
        "event": _event(remote),
    }


def poll_of(remote: RemoteObject) -> dict[str, Any] | None:
    poll = remote.poll
    if poll is None:
        return None
    closes_at = poll.closes_at.isoformat() if poll.closes_at else None
    return {"multiple": poll.multiple, "closes_at": closes_at, "closed": poll.closed, "voters": poll.voters}


def _event(remote: RemoteObject) -> dict[str, Any] | None:
    if remote.type != "Event" or remote.start_time is None:
        return None
    end = remote.end_time.isoformat() if remote.end_time else None
    return {"start": remote.start_time.isoformat(), "end": end, "place": remote.location or ""}


def add_parts(known: Known, post_id: int, remote: RemoteObject, only: frozenset[Any] = _PARTS) -> None:
    """Gather a post's hashtags, attachments and poll options, those of the tables in `only`."""
    now = known.now
    for name in {tag.casefold()[:100] for tag in remote.hashtags} if Hashtag in only else ():
        known.add(Hashtag, {"id": new_id(now), "post_id": post_id, "name": name})
    for position, part in enumerate(remote.attachments if Attachment in only else ()):
        row = {
            "kind": part.kind if part.kind in _KINDS else "unknown",
            "url": part.url,
            "media_type": part.media_type or "",
            "description": description_of(part),
            "blurhash": part.blurhash,
            "width": part.width,
            "height": part.height,
        }
        known.add(Attachment, {"id": new_id(now), "post_id": post_id, "position": position, **row})
    for position, (name, votes) in enumerate(remote.poll.options if remote.poll and PollOption in only else ()):
        text = plain_text(name, SUMMARY_LENGTH).replace("\n", " ")
        known.add(PollOption, {"id": new_id(now), "post_id": post_id, "position": position, "name": text, "votes_count": votes})


def description_of(part: RemoteAttachment) -> str:
    """Return an attachment's alternative text."""
    return plain_text(part.name, 1_500) if part.name else ""


def _add(known: Known, remote: RemoteObject, author: Actor, is_news: bool, inbox_owner: int, budget: int) -> PostRef:
    now = known.now
    published = min(remote.published or now, now)
    post_id = new_id(now if is_news else max(published, now - timedelta(days=3_650)))
    audience = audience_of(remote.addressing, author.uri, author.followers_uri)
    parent = known.post(remote.in_reply_to) if remote.in_reply_to and remote.in_reply_to != remote.id else None
    if parent is not None and not _may_be_answered(known, parent, author):
        parent = None
    row = {
        "id": post_id,
        "uri": remote.id,
        "author_id": author.id,
        "is_local": False,
        "audience": audience.value,
        "space_id": None,
        "in_reply_to_uri": remote.in_reply_to if remote.in_reply_to != remote.id else None,
        "in_reply_to_id": parent.id if parent else None,
        "thread_id": parent.thread_id if parent else post_id,
        "source": None,
        "published_at": published,
        "received_at": now,
        "edited_at": min(remote.updated, now) if remote.updated and remote.updated > published else None,
        "deleted_at": None,
        "likes_count": 0,
        "boosts_count": 0,
        "replies_count": 0,
        "addressed": {"to": list(remote.addressing.to), "cc": list(remote.addressing.cc)},
        "idempotency_key": None,
        **words_of(remote),
    }
    orphans = known.orphans(remote.id)
    ref = known.add_post(row)
    for orphan in orphans:
        if orphan.id != post_id and orphan.thread_id != ref.thread_id:
            known.adopt(post_id, ref.thread_id, orphan)
    add_parts(known, post_id, remote)
    named = _named(known, remote, author, audience, inbox_owner)
    for actor_id in named:
        known.add(Mention, {"id": new_id(now), "post_id": post_id, "actor_id": actor_id})
    followers = known.local_followers(author.id)
    if audience is not Audience.DIRECT:
        for reader_id in sorted(followers):
            known.add_entry(reader_id, post_id)
    if is_news or published > now - _TELLS_SOON:
        _tell(known, ref, parent, named, followers, audience)
    if parent is None and row["in_reply_to_uri"] is not None and not known.is_ours(row["in_reply_to_uri"]):
        want_post(known, row["in_reply_to_uri"], budget)
    return ref


def want_post(known: Known, uri: str, budget: int) -> None:
    """Have a post fetched, soon; `budget` says how many further ones that may lead to."""
    if budget > 0 and not known.is_buried(uri):
        row = {"id": new_id(known.now), "kind": "post", "uri": uri, "budget": budget - 1, "attempts": 0, "due_at": known.now}
        known.add_errand(row)


def _may_be_answered(known: Known, parent: PostRef, author: Actor) -> bool:
    """Say whether a reply hangs on this post: of ours, only on one that its author may see (case A20), and not when whom
    it answers has blocked them."""
    if not parent.is_local:
        return True
    if parent.author_id in known.blockers(author.id):
        return False
    if is_open(Audience(parent.audience)):
        return True
    seen = select(Post.id).where(Post.id == parent.id, visible(viewer_server(author.id, author.host)))
    return known.session.scalar(seen) is not None


def _named(known: Known, remote: RemoteObject, author: Actor, audience: Audience, inbox_owner: int) -> dict[int, bool]:
    """Return whom a post names, of those we know: actor id -> is one of ours."""
    uris = [mention.href for mention in remote.mentions]
    if audience in (Audience.DIRECT, Audience.FOLLOWERS):
        # Whoever it is addressed to may read it, with or without a Mention tag.
        uris += [uri for uri in remote.addressing.everyone() if uri != PUBLIC]
    named: dict[int, bool] = {}
    for uri in dict.fromkeys(uris):
        actor = known.actor(uri)
        if actor is None or actor.id == author.id or (actor.is_local and actor.id in known.blockers(author.id)):
            continue
        named[actor.id] = actor.is_local
    is_welcome = inbox_owner and inbox_owner not in known.blockers(author.id)
    if is_welcome and audience is Audience.DIRECT and not any(named.values()):
        named[inbox_owner] = True  # it came as a blind copy to one of ours
    return named


def _tell(known: Known, ref: PostRef, parent: PostRef | None, named: dict[int, bool], followers: Any, audience: Audience) -> None:
    for actor_id, is_local in named.items():
        if is_local and not (parent is not None and parent.author_id == actor_id):
            known.tell(actor_id, "mention", ref.author_id, ref.id)
    if parent is not None and parent.is_local and not parent.is_deleted and _sees(parent.author_id, named, followers, audience):
        known.tell(parent.author_id, "reply", ref.author_id, ref.id)


def _sees(actor_id: int, named: dict[int, bool], followers: Any, audience: Audience) -> bool:
    """Say whether one of ours may see the post: what nobody may open is not announced either."""
    if audience in (Audience.PUBLIC, Audience.UNLISTED) or actor_id in named:
        return True
    return audience is Audience.FOLLOWERS and actor_id in followers

"""Objects: the posts a peer sends us, and the form ours take on the wire.

`read_object` says what a document contains, not whether it is true: who may say it is checked with `require_author`
and by fetching. Content is HTML as it came; cleaning it is the node's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack

from federation import addressing as addressings
from federation.addressing import Addressing
from federation.document import CONTENT_LENGTH, MAX_ALIASES, NAME_LENGTH, Document, timestamp
from federation.errors import Malformed, NotAuthorized
from federation.origins import same_document, same_origin
from federation.parts import (
    Attachment,
    Emoji,
    Mention,
    Poll,
    media_type,
    read_attachments,
    read_poll,
    read_tags,
    write_attachment,
    write_poll,
    write_tags,
)
from federation.vocabulary import AS2, CONTEXT, POST_TYPES

_QUOTES = ("quote", "quoteUrl", "quoteUri", "_misskey_quote")  # FEP-044f, then the older spellings
_PLACE = ("streetAddress", "postalCode", "addressLocality", "addressCountry")


@dataclass(frozen=True)
class RemoteObject:
    """A peer's object. `content`, and `summary` of a Note (its content warning), are HTML nobody has cleaned.

    `content_type` is the media type of `content`; `title` is the `name`; `conversation` is a name that need not be a
    URL; `replies`, `likes`, `shares` are URLs of collections; `deleted` is set on a Tombstone that says when.
    """

    id: str
    type: str
    attributed_to: tuple[str, ...]
    title: str | None
    content: str | None
    content_type: str
    source_markdown: str | None
    summary: str | None
    sensitive: bool
    language: str | None
    published: datetime | None
    updated: datetime | None
    deleted: datetime | None
    url: str | None
    in_reply_to: str | None
    context: str | None
    conversation: str | None
    addressing: Addressing
    mentions: tuple[Mention, ...]
    hashtags: tuple[str, ...]
    emojis: tuple[Emoji, ...]
    attachments: tuple[Attachment, ...]
    poll: Poll | None
    start_time: datetime | None
    end_time: datetime | None
    location: str | None
    replies: str | None
    likes: str | None
    shares: str | None
    quote_uri: str | None
    quote_authorization: str | None
    interaction_policy: Document | None
    raw: Document

    @property
    def author(self) -> str | None:
        """The first of `attributed_to`."""
        return self.attributed_to[0] if self.attributed_to else None


def read_object(document: Document, *, fetched_from: str | None = None, fallback: Addressing | None = None) -> RemoteObject:
    """Return what an object's document says.

    `fetched_from` is the final URL when it was fetched: NotAuthorized is raised unless the id is that URL (FEP-fe34).
    `fallback` (the activity's addressing) is taken when the object has none of its own. Raises Malformed without a
    type or an http(s) id. All else may be missing, and limits of the module `document` apply.
    """
    object_id = document.id
    if object_id is None:
        raise Malformed("the object has no id", code="no_id")
    types = document.types
    if not types:
        raise Malformed("the object has no type", code="no_type")
    if fetched_from is not None and not same_document(object_id, fetched_from):
        raise NotAuthorized("the object's id is not the URL it was read from", code="id_differs_from_url")
    tags = read_tags(document)
    raw = document.raw
    audience = addressings.read(document)
    is_question = "oneOf" in raw or "anyOf" in raw
    return RemoteObject(
        id=object_id,
        type=next((name for name in types if name in POST_TYPES), types[0]),
        attributed_to=document.uris("attributedTo", MAX_ALIASES),
        title=document.text("name", NAME_LENGTH),
        content=document.text("content", CONTENT_LENGTH),
        content_type=(media_type(document) if "mediaType" in raw else None) or "text/html",
        source_markdown=_markdown(document) if "source" in raw else None,
        summary=document.text("summary", CONTENT_LENGTH),
        sensitive=document.flag("sensitive"),
        language=document.language,
        published=document.time("published"),
        updated=document.time("updated"),
        deleted=document.time("deleted"),
        url=document.link("url"),
        in_reply_to=document.uri("inReplyTo"),
        context=document.uri("context"),
        conversation=document.text("conversation", NAME_LENGTH),
        addressing=audience if audience.everyone() or fallback is None else fallback,
        mentions=tags.mentions,
        hashtags=tags.hashtags,
        emojis=tags.emojis,
        attachments=read_attachments(document),
        poll=read_poll(document) if is_question else None,
        start_time=document.time("startTime"),
        end_time=document.time("endTime"),
        location=_location(document) if "location" in raw else None,
        replies=document.uri("replies"),
        likes=document.uri("likes"),
        shares=document.uri("shares"),
        quote_uri=next(filter(None, map(document.uri, _QUOTES)), None) or tags.quote_uri,
        quote_authorization=document.uri("quoteAuthorization"),
        interaction_policy=document.document("interactionPolicy"),
        raw=document,
    )


def require_author(post: RemoteObject, actor: str) -> None:
    """Raise NotAuthorized unless `actor` is the first author of `post` and its id is on the actor's origin (FEP-fe34).

    An object without `attributedTo` is nobody's.
    """
    if not same_origin(post.id, actor):
        raise NotAuthorized("the object's id is on another origin than its actor", code="object_of_another_origin")
    if post.author != actor:
        raise NotAuthorized("the object is attributed to another actor", code="attributed_to_another")


class PostParts(TypedDict, total=False):
    """What any post of ours may carry beside id, author, content and addressing. Absent and None mean: left out."""

    published: datetime | None
    updated: datetime | None
    url: str | None
    summary: str | None
    sensitive: bool
    language: str | None
    source_markdown: str | None
    in_reply_to: str | None
    context: str | None
    conversation: str | None
    mentions: Sequence[Mention]
    hashtags: Sequence[tuple[str, str]]
    emojis: Sequence[Emoji]
    attachments: Sequence[Attachment]
    replies: str | None
    likes: str | None
    shares: str | None
    audience: str | None


def note_document(
    *,
    id: str,
    attributed_to: str,
    content: str,
    to: Sequence[str],
    cc: Sequence[str] = (),
    type: str = "Note",
    title: str | None = None,
    **parts: Unpack[PostParts],
) -> dict[str, Any]:
    """Return a post of ours, `content` being clean HTML. `hashtags` are (name without #, URL of its page).

    With a `language`, `contentMap` says it; `source_markdown` goes into `source` for servers that edit.
    """
    language, source = parts.get("language"), parts.get("source_markdown")
    written: dict[str, Any] = {
        "@context": CONTEXT,
        "id": id,
        "type": type,
        "attributedTo": attributed_to,
        "name": title,
        "summary": parts.get("summary"),
        "content": content,
        "contentMap": {language: content} if language else None,
        "source": {"content": source, "mediaType": "text/markdown"} if source is not None else None,
        "published": _time(parts.get("published")),
        "updated": _time(parts.get("updated")),
        "url": parts.get("url"),
        "inReplyTo": parts.get("in_reply_to"),
        "context": parts.get("context"),
        "conversation": parts.get("conversation"),
        "replies": parts.get("replies"),
        "likes": parts.get("likes"),
        "shares": parts.get("shares"),
        "audience": parts.get("audience"),
    }
    written = {name: value for name, value in written.items() if value is not None}
    written["to"] = list(to)
    written["cc"] = list(cc)
    written["sensitive"] = parts.get("sensitive", False)
    written["tag"] = write_tags(parts.get("mentions", ()), parts.get("hashtags", ()), parts.get("emojis", ()))
    written["attachment"] = [write_attachment(attachment) for attachment in parts.get("attachments", ())]
    return written


def question_document(
    *,
    id: str,
    attributed_to: str,
    content: str,
    to: Sequence[str],
    cc: Sequence[str] = (),
    poll: Poll,
    **parts: Unpack[PostParts],
) -> dict[str, Any]:
    """Return a poll of ours, as Mastodon has it: a Note's members with oneOf or anyOf."""
    return note_document(
        id=id, attributed_to=attributed_to, content=content, to=to, cc=cc, type="Question", **parts
    ) | write_poll(poll)


def article_document(
    *,
    id: str,
    attributed_to: str,
    content: str,
    to: Sequence[str],
    cc: Sequence[str] = (),
    title: str,
    **parts: Unpack[PostParts],
) -> dict[str, Any]:
    """Return a long post with a title (FEP-b2b8); its `summary` is an excerpt, not a warning."""
    return note_document(id=id, attributed_to=attributed_to, content=content, to=to, cc=cc, type="Article", title=title, **parts)


def vote_document(*, id: str, attributed_to: str, question: str, option: str, to: str) -> dict[str, Any]:
    """Return a vote: a Note that has the option as its name and no content, to the poll's author alone."""
    return {
        "@context": AS2,
        "id": id,
        "type": "Note",
        "attributedTo": attributed_to,
        "name": option,
        "inReplyTo": question,
        "to": [to],
    }


def tombstone(id: str, deleted_at: datetime | None = None, former_type: str | None = None) -> dict[str, Any]:
    """Return what stays of a deleted object (ActivityPub 6.4)."""
    written: dict[str, Any] = {"@context": AS2, "id": id, "type": "Tombstone"}
    if former_type is not None:
        written["formerType"] = former_type
    if deleted_at is not None:
        written["deleted"] = timestamp(deleted_at)
    return written


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


def _markdown(document: Document) -> str | None:
    source = document.document("source")
    if source is None or media_type(source) not in ("text/markdown", None):
        return None
    return source.text("content", CONTENT_LENGTH)


def _location(document: Document) -> str | None:
    """Return a place as one line: its name and postal address, or the link of a virtual one (FEP-8a8e)."""
    place = document.document("location")
    if place is None:
        return document.text("location", NAME_LENGTH)
    address = place.document("address")
    lines = [place.text("name"), place.text("address"), *(address.text(name) for name in _PLACE if address)]
    line = ", ".join(dict.fromkeys(text.strip() for text in lines if text and text.strip()))
    return line[:NAME_LENGTH] or place.link("url")

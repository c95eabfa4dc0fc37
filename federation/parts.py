"""The parts posts and profiles are made of: tags (mentions, hashtags, emoji), attachments, polls, pictures.

Each is a value with one function that reads it from a Document and one that writes it. Nothing here raises: a part
that makes no sense is left out, and no more are taken than the limits in `document` allow.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from federation.document import MAX_ATTACHMENTS, MAX_POLL_OPTIONS, MAX_TAGS, NAME_LENGTH, Document, timestamp
from federation.origins import is_web_uri

MAX_SIDE = 65_535  # pixels
_TAG_LENGTH = 100
_BLURHASH = re.compile(r"[0-9A-Za-z#$%*+,.:;=?@\[\]^_{|}~-]{6,128}")
_SHORTCODE = re.compile(r":?([A-Za-z0-9_.+-]{1,100})(?:@[^:\s]*)?:?")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}")
_KINDS = frozenset({"image", "video", "audio"})
_QUOTE_RELATION = "https://misskey-hub.net/ns#_misskey_quote"


@dataclass(frozen=True)
class Mention:
    """An actor named in the text. `href` is the actor's id; `name` is what was written, like `@ada@example.org`."""

    href: str
    name: str = ""


@dataclass(frozen=True)
class Emoji:
    """A picture that stands for `:shortcode:` in the text."""

    shortcode: str
    url: str
    media_type: str | None = None


@dataclass(frozen=True)
class Attachment:
    """A file or link beside the text. `kind` is image, video, audio, link or file; width and height are in pixels."""

    url: str
    media_type: str | None = None
    name: str | None = None
    blurhash: str | None = None
    width: int | None = None
    height: int | None = None
    kind: str = "file"


@dataclass(frozen=True)
class Poll:
    """What a Question asks. `options` are (name, votes); `voters` is how many people voted, when it is said."""

    options: tuple[tuple[str, int], ...]
    multiple: bool = False
    closes_at: datetime | None = None
    closed: bool = False
    voters: int | None = None


@dataclass(frozen=True)
class Tags:
    """The tags of a document, by kind. `hashtags` are without `#`; `quote_uri` comes from a link tag (FEP-e232)."""

    mentions: tuple[Mention, ...] = ()
    hashtags: tuple[str, ...] = ()
    emojis: tuple[Emoji, ...] = ()
    quote_uri: str | None = None


NO_TAGS = Tags()


def read_tags(document: Document) -> Tags:
    """Return the first 100 tags by kind. Unknown kinds, and links that are no quote (FEP-e232), are left out."""
    if not document.raw.get("tag"):
        return NO_TAGS
    mentions: dict[str, Mention] = {}
    hashtags: dict[str, str] = {}
    emojis: dict[str, Emoji] = {}
    quote: str | None = None
    for tag in document.documents("tag", MAX_TAGS):
        if tag.is_a("Mention"):
            href = tag.uri("href")
            if href:
                mentions.setdefault(href, Mention(href, tag.text("name") or ""))
        elif tag.is_a("Hashtag"):
            name = (tag.text("name") or "").strip().removeprefix("#")[:_TAG_LENGTH]
            if name and not any(character.isspace() for character in name):
                hashtags.setdefault(name.casefold(), name)
        elif tag.is_a("Emoji"):
            emoji = _emoji(tag)
            if emoji:
                emojis.setdefault(emoji.shortcode, emoji)
        elif tag.is_a("Link") and quote is None and tag.text("rel") == _QUOTE_RELATION:
            quote = tag.uri("href")
    return Tags(tuple(mentions.values()), tuple(hashtags.values()), tuple(emojis.values()), quote)


def write_tags(
    mentions: Sequence[Mention] = (), hashtags: Sequence[tuple[str, str]] = (), emojis: Sequence[Emoji] = ()
) -> list[dict[str, Any]]:
    """Return the `tag` list. `hashtags` are (name without #, URL of its page)."""
    tags: list[dict[str, Any]] = [{"type": "Mention", "href": one.href, "name": one.name} for one in mentions]
    tags += [{"type": "Hashtag", "href": href, "name": f"#{name}"} for name, href in hashtags]
    tags += [
        {
            "type": "Emoji",
            "name": f":{one.shortcode}:",
            "icon": {"type": "Image", "mediaType": one.media_type or "image/png", "url": one.url},
        }
        for one in emojis
    ]
    return tags


def read_attachments(document: Document) -> tuple[Attachment, ...]:
    """Return the attachments; of an Image, Video or Audio without any, the files its own `url` links to."""
    found = []
    for part in document.documents("attachment", MAX_ATTACHMENTS):
        attachment = None if part.is_a("PropertyValue") else _attachment(part)
        if attachment:
            found.append(attachment)
    if not found and document.is_a("Image", "Video", "Audio"):
        found = _own_files(document)
    return tuple(found)


def write_attachment(attachment: Attachment) -> dict[str, Any]:
    """Return an attachment as Mastodon sends it: a Document with alternative text, size and blurhash where known."""
    written: dict[str, Any] = {"type": "Document", "mediaType": attachment.media_type or "application/octet-stream"}
    written |= {"url": attachment.url, "name": attachment.name}
    for name in ("blurhash", "width", "height"):
        value = getattr(attachment, name)
        if value is not None:
            written[name] = value
    return written


def read_poll(document: Document) -> Poll | None:
    """Return what a Question asks, or None when it has no options. The first 16 options are taken."""
    multiple = "oneOf" not in document.raw and "anyOf" in document.raw
    options: dict[str, int] = {}
    for option in document.documents("anyOf" if multiple else "oneOf", MAX_POLL_OPTIONS):
        name = option.text("name")
        replies = option.document("replies")
        if name:
            options.setdefault(name, count(replies, "totalItems") or 0 if replies else 0)
    if not options:
        return None
    closed_at = document.time("closed")
    return Poll(
        options=tuple(options.items()),
        multiple=multiple,
        closes_at=document.time("endTime") or closed_at,
        closed=closed_at is not None or document.flag("closed"),
        voters=count(document, "votersCount"),
    )


def write_poll(poll: Poll) -> dict[str, Any]:
    """Return the members a Question has beyond a Note's: oneOf or anyOf, endTime, closed, votersCount."""
    options = [
        {"type": "Note", "name": name, "replies": {"type": "Collection", "totalItems": votes}} for name, votes in poll.options
    ]
    written: dict[str, Any] = {"anyOf" if poll.multiple else "oneOf": options}
    if poll.closes_at is not None:
        written["endTime"] = timestamp(poll.closes_at)
        if poll.closed:
            written["closed"] = timestamp(poll.closes_at)
    if poll.voters is not None:
        written["votersCount"] = poll.voters
    return written


def read_image(document: Document, name: str) -> str | None:
    """Return the URL of a picture such as `icon`: a string, a Link, or an Image whose `url` is any of these."""
    picture = document.document(name)
    if picture is None:
        return document.uri(name)
    return picture.link("url") or picture.uri("href")


def count(document: Document, name: str) -> int | None:
    """Return a number that counts something: None when it is missing or negative."""
    number = document.integer(name)
    return number if number is not None and number >= 0 else None


def media_type(document: Document) -> str | None:
    """Return `mediaType` in lower case without parameters, when it looks like one."""
    text = (document.text("mediaType", 160) or "").partition(";")[0].strip().lower()
    return text if _MEDIA_TYPE.fullmatch(text) else None


def _emoji(tag: Document) -> Emoji | None:
    match = _SHORTCODE.fullmatch(tag.text("name") or "")
    url = read_image(tag, "icon")
    if match is None or url is None:
        return None
    icon = tag.document("icon")
    return Emoji(match[1], url, media_type(icon) if icon else None)


def _attachment(part: Document) -> Attachment | None:
    url = part.link("url") or part.uri("href")
    if url is None:
        return None
    kind_of_file = media_type(part)
    for link in part.documents("url", 10) if kind_of_file is None else ():
        kind_of_file = media_type(link)
        if kind_of_file:
            break
    blurhash = part.text("blurhash", 200)
    return Attachment(
        url=url,
        media_type=kind_of_file,
        # PeerTube and some others put the alternative text into `summary`.
        name=part.text("name", NAME_LENGTH) or part.text("summary", NAME_LENGTH),
        blurhash=blurhash if blurhash and _BLURHASH.fullmatch(blurhash) else None,
        width=_side(part, "width"),
        height=_side(part, "height"),
        kind=_kind(part, kind_of_file),
    )


def _kind(part: Document, kind_of_file: str | None) -> str:
    if kind_of_file is not None and (kind := kind_of_file.partition("/")[0]) in _KINDS:
        return kind
    for name in part.types:
        if name.lower() in _KINDS:
            return name.lower()
    return "link" if part.is_a("Link", "Page") else "file"


def _own_files(document: Document) -> list[Attachment]:
    links = document.documents("url", MAX_ATTACHMENTS)
    found = [_attachment(Document({"url": link.raw.get("href"), **link.raw, "type": "Document"})) for link in links]
    files = [one for one in found if one and one.kind in _KINDS]
    if not files and is_web_uri(document.raw.get("url")) and media_type(document):
        whole = _attachment(document)
        files = [whole] if whole and whole.kind in _KINDS else []
    return files


def _side(part: Document, name: str) -> int | None:
    number = part.integer(name)
    return number if number is not None and 0 < number <= MAX_SIDE else None

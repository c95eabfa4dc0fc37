"""A member's text, read once: its HTML, whom it names (of those we know), its hashtags."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from federation.errors import FederationError
from federation.origins import normalise_host
from node import uris
from node.config import Settings
from node.content import markdown
from node.errors import N_, Invalid
from node.models import Actor

MOST_CHARACTERS = 20_000
MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Text:
    """`source` as typed (trimmed), `html` clean, `mentions` the actors it names, `hashtags` case-folded without '#';
    `strangers` the (user name, host or None) it names that nobody here is known by."""

    source: str
    html: str
    mentions: tuple[Actor, ...]
    hashtags: tuple[str, ...]
    strangers: tuple[tuple[str, str | None], ...] = ()


def read_text(session: Session, source: str, author: Actor, settings: Settings, *, is_empty_allowed: bool = False) -> Text:
    """Return the text with its names found. A name we do not know stays text. Raises Invalid when empty or too long."""
    source = source.replace("\r\n", "\n").strip()
    if not source and not is_empty_allowed:
        raise Invalid("text_empty", N_("Please write something first."), "text")
    if len(source) > MOST_CHARACTERS:
        raise Invalid(
            "text_too_long", N_("The text has %(number)s characters; the limit is %(most)s."), "text",
            number=len(source), most=MOST_CHARACTERS,
        )  # fmt: skip
    names = markdown.mentions(source)[:MOST_NAMED]
    named = find_named(session, names, settings)
    strangers = tuple(name for name in names if _spelled(*name, settings) not in named)
    html = markdown.render(
        source,
        markdown.Links(
            mention=lambda username, host: _link_to(named, username, host, settings),
            hashtag=lambda name: uris.tag_uri(settings.origin, name.casefold()),
        ),
    )
    actors = {actor.id: actor for actor in named.values() if actor.id != author.id}
    return Text(source, html, tuple(actors.values()), markdown.hashtags(source)[:MOST_NAMED], strangers)


def find_named(session: Session, names: tuple[tuple[str, str | None], ...], settings: Settings) -> dict[tuple[str, str], Actor]:
    """Return the known actors among (username, host or None), keyed by (lower-cased username, host; '' for ours)."""
    wanted = {spelled for username, host in names if (spelled := _spelled(username, host, settings)) is not None}
    if not wanted:
        return {}
    either = or_(*(and_(func.lower(Actor.username) == username, Actor.host == host) for username, host in wanted))
    found = session.scalars(select(Actor).where(either, Actor.deleted_at.is_(None), Actor.suspended_at.is_(None)))
    return {(actor.username.lower(), actor.host): actor for actor in found}


def _spelled(username: str, host: str | None, settings: Settings) -> tuple[str, str] | None:
    if host is None:
        return username.lower(), ""
    try:
        normal = normalise_host(host, scheme=settings.scheme)
    except FederationError:
        return None
    return username.lower(), "" if normal == settings.host else normal


def _link_to(named: dict[tuple[str, str], Actor], username: str, host: str | None, settings: Settings) -> str | None:
    spelled = _spelled(username, host, settings)
    actor = named.get(spelled) if spelled is not None else None
    return None if actor is None else actor.url or actor.uri

"""The composer's contents: what was typed, which audiences may be chosen, and who would see it, in words."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask_babel import format_timedelta
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from node.actions import content_rules
from node.actions.drafts import MOST_OPTIONS, PollDraft
from node.actions.texts import find_named
from node.content import markdown
from node.database import db, row_id
from node.models import Member, Post
from node.policy import WITHIN, Audience, Mode, leaves
from node.queries import reach, spaces
from node.queries.audience import Preview
from node.runtime import current_node
from node.visitors import language
from node.web.looking_up import why_not
from node.web.surroundings import rules
from node.web.wording import reach_sentence

LANGUAGES = (
    ("de", "Deutsch"), ("en", "English"), ("fr", "Français"), ("es", "Español"), ("it", "Italiano"), ("nl", "Nederlands"),
    ("pl", "Polski"), ("pt", "Português"), ("sv", "Svenska"), ("da", "Dansk"), ("cs", "Čeština"), ("tr", "Türkçe"), ("uk",
    "Українська"),
)  # fmt: skip
ORDER = (Audience.MEMBERS, Audience.DIRECT, Audience.PARTNERS, Audience.FOLLOWERS, Audience.UNLISTED, Audience.PUBLIC)
POLL_LASTS = tuple(timedelta(seconds=seconds) for seconds in (1800, 3600, 21_600, 86_400, 259_200, 604_800, 2_592_000))
INSIDE_ONLY = (Audience.MEMBERS, Audience.DIRECT)


@dataclass(frozen=True)
class Writing:
    """What stands in the composer. `errors` maps a field to what is wrong with it."""

    text: str = ""
    audience: str = Audience.MEMBERS.value
    summary: str = ""
    title: str = ""
    language: str = "en"
    is_sensitive: bool = False
    poll_options: str = ""
    """One on a line; nothing: no poll."""
    poll_is_multiple: bool = False
    poll_lasts: str = "86400"
    """Seconds, one of POLL_LASTS."""
    reply_id: int | None = None
    space_id: int | None = None
    key: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def choices(parent: Post | None, space_id: int | None) -> tuple[Audience, ...]:
    """Return the audiences one may choose: an answer is never wider than what it answers, a space's post stays there."""
    if space_id is not None:
        return (Audience.SPACE,)
    possible = INSIDE_ONLY if rules().mode is Mode.CLOSED else ORDER
    if parent is None:
        return possible
    widest = Audience(parent.audience)
    if widest is Audience.SPACE:
        return (Audience.SPACE,)
    return tuple(audience for audience in possible if audience in WITHIN[widest]) or (Audience.DIRECT,)


def fresh(member: Member, parent: Post | None = None, text: str = "", space_id: int | None = None) -> Writing:
    """Return an empty composer for a member. An answer to somebody outside starts with the audience they used."""
    possible = choices(parent, space_id)
    wish = member.default_audience
    if parent is not None and not parent.is_local:
        wish = parent.audience
    chosen = wish if wish in possible else max(possible, key=lambda audience: audience.rank)
    return Writing(
        text=text, audience=str(chosen), language=language(), reply_id=parent.id if parent else None,
        space_id=parent.space_id if parent and parent.audience == Audience.SPACE else space_id, key=secrets.token_urlsafe(12),
    )  # fmt: skip


def typed(form: MultiDict[str, str], parent: Post | None) -> Writing:
    """Return the composer as it was sent."""
    return Writing(
        text=form.get("text", ""), audience=form.get("audience", "members"), summary=form.get("summary", "")[:500],
        title=form.get("title", "")[:2000], language=form.get("language", "")[:16], is_sensitive=form.get("sensitive") == "yes",
        poll_options=form.get("poll_options", "").replace("\r\n", "\n"), poll_is_multiple=form.get("poll_multiple") == "yes",
        poll_lasts=form.get("poll_lasts", "86400")[:12],
        reply_id=parent.id if parent else None, space_id=form.get("space", type=row_id), key=form.get("key", "")[:64],
    )  # fmt: skip


def poll_of(writing: Writing) -> PollDraft | None:
    """Return the poll in the composer, unchecked; None when there is none."""
    if not writing.poll_options.strip():
        return None
    options = tuple(line.strip() for line in writing.poll_options.splitlines() if line.strip())
    seconds = int(writing.poll_lasts) if writing.poll_lasts.isascii() and writing.poll_lasts.isdigit() else 0
    return PollDraft(options, writing.poll_is_multiple, timedelta(seconds=min(seconds, 10**9)))


def poll_lasts() -> list[tuple[str, str]]:
    """Return (seconds, words) for how long a poll may last."""
    return [(str(int(lasts.total_seconds())), format_timedelta(lasts, threshold=1)) for lasts in POLL_LASTS]


def reaches(member: Member, writing: Writing, parent: Post | None) -> list[tuple[str, str, bool]]:
    """Return (audience, sentence, crosses the wall) for every audience one may choose."""
    found = previews(member, writing, parent)
    named = len(named_ids(writing.text, parent, member))
    return [(audience.value, sentence(preview, named), crosses(preview)) for audience, preview in found.items()]


def previews(member: Member, writing: Writing, parent: Post | None) -> dict[Audience, Preview]:
    """Return who would see it, for every audience one may choose; nothing of a space the member is not in."""
    if writing.space_id is not None and not spaces.is_inside(db.session(), writing.space_id, member.actor_id):
        return {}
    named = named_ids(writing.text, parent, member)
    words = (writing.title, writing.summary, writing.text, writing.poll_options)
    found = content_rules.foresee(db.session(), member.actor_id, words, named, rules())
    return reach.by_audience(
        db.session(), member.actor_id, choices(parent, writing.space_id), named, writing.space_id, rules(), current_node().now(),
        found,
    )  # fmt: skip


def named_ids(text: str, parent: Post | None, member: Member) -> set[int]:
    """Return the actors a text names, and the author of what it answers."""
    names = markdown.mentions(text[:20_000])[:100] if "@" in text else ()
    found = {actor.id for actor in find_named(db.session(), names, current_node().settings).values()} if names else set()
    if parent is not None:
        found.add(parent.author_id)
    return found - {member.actor_id}


def unknown_words(strangers: Collection[tuple[str, str | None]]) -> list[str]:
    """Say of each (user name, host or None) that nobody here is known by why the name is only text."""
    sentences = []
    for username, host in strangers:
        name = f"@{username}@{host}" if host else f"@{username}"
        if host and why_not(name) is not None:
            sentences.append(_("%(name)s is not known here; %(host)s is not let in.", name=name, host=host))
        elif host:
            sentences.append(_("%(name)s is not known here yet. A search for the name can find them.", name=name))
        else:
            sentences.append(_("%(name)s is not known here.", name=name))
    return sentences


def sentence(preview: Preview, named: int, has_strangers: bool = False) -> str:
    """Return the bar over the composer. `has_strangers`: the text names somebody whom nobody here knows."""
    if preview.audience is Audience.DIRECT and not named and has_strangers:
        return _("Nobody will see this: nobody you name is known here.")
    return reach_sentence(preview.audience, preview.inside, preview.outside, len(preview.reached), named)


def crosses(preview: Preview) -> bool:
    """Whether the post would leave, or could."""
    if preview.audience is Audience.DIRECT:
        return bool(preview.reached)
    return leaves(preview.audience)


def composer_for(
    member: Member, parent: Post | None = None, writing: Writing | None = None, space_id: int | None = None
) -> dict[str, Any]:
    """Return what the composer's macro needs."""
    writing = writing or fresh(member, parent, space_id=space_id)
    return {
        "draft": writing, "reaches": reaches(member, writing, parent), "languages": LANGUAGES, "poll_lasts": poll_lasts(),
        "most_options": MOST_OPTIONS,
    }  # fmt: skip

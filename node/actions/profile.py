"""What members say about themselves, and how they want their node. What others see goes out as Update (of the actor)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from federation import activities
from federation.vocabulary import PUBLIC
from node import activitystreams
from node.actions.members import LANGUAGES, check_display_name
from node.actions.sending import send
from node.actions.texts import read_text
from node.config import Settings
from node.errors import N_, Invalid
from node.models import Actor, Member
from node.policy import Audience, Rules
from node.queries import audience as audiences

LONGEST_SUMMARY = 2_000
MOST_FIELDS = 8
LONGEST_LABEL = 100
LONGEST_CONTENT = 500
THEMES = ("auto", "light", "dark")
SWITCHES = ("is_locked", "is_discoverable", "is_indexable")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def update(
    session: Session,
    member: Member,
    *,
    name: str | None = None,
    summary: str | None = None,
    fields: Sequence[tuple[str, str]] | None = None,
    is_locked: bool | None = None,
    is_discoverable: bool | None = None,
    is_indexable: bool | None = None,
    language: str | None = None,
    theme: str | None = None,
    is_informal: bool | None = None,
    default_audience: str | Audience | None = None,
    settings: Settings,
    rules: Rules,
    now: datetime,
) -> bool:
    """Change what is given (None: stays) and say whether others see a difference; then followers elsewhere are told.

    `name` is the shown one, `summary` Markdown, `fields` pairs of label and content. Raises Invalid beside its field
    (display_name, summary, fields, language, theme, default_audience) before anything is changed.
    """
    preferences = _preferences(language, theme, is_informal, default_audience)
    shown: dict[str, Any] = {}
    if name is not None:
        shown["name"] = check_display_name(name)
    if summary is not None:
        shown |= _summary(session, member.actor, summary, settings)
    if fields is not None:
        shown["fields"] = _fields(fields)
    given = zip(SWITCHES, (is_locked, is_discoverable, is_indexable), strict=True)
    shown |= {switch: value for switch, value in given if value is not None}
    for attribute, value in preferences.items():
        setattr(member, attribute, value)
    actor = member.actor
    changed = {attribute: value for attribute, value in shown.items() if getattr(actor, attribute) != value}
    for attribute, value in changed.items():
        setattr(actor, attribute, value)
    if changed:
        actor.updated_at = now
    session.flush()
    if changed:
        announce(session, actor, settings=settings, rules=rules, now=now)
    return bool(changed)


def announce(session: Session, actor: Actor, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Tell every server with a follower how the actor looks now (Update)."""
    document = activitystreams.actor_document(session, actor, settings)
    send(
        session,
        actor,
        "Update",
        lambda uri: activities.update(
            id=uri, actor=actor.uri, object=document, to=(PUBLIC,), cc=(actor.followers_uri or "",), published=now
        ),
        audiences.followers_of(session, actor.id),
        audience=None,
        object_uri=actor.uri,
        settings=settings,
        rules=rules,
        now=now,
    )


def _preferences(
    language: str | None, theme: str | None, is_informal: bool | None, default_audience: str | Audience | None
) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    if language is not None:
        chosen["language"] = _one_of(language, LANGUAGES, "language")
    if theme is not None:
        chosen["theme"] = _one_of(theme, THEMES, "theme")
    if is_informal is not None:
        chosen["is_informal"] = is_informal
    if default_audience is not None:
        possible = [audience.value for audience in Audience if audience is not Audience.SPACE]
        chosen["default_audience"] = _one_of(str(default_audience), possible, "default_audience")
    return chosen


def _one_of(value: str, possible: Iterable[str], field: str) -> str:
    if value not in possible:
        raise Invalid("choice_unknown", N_("Please choose one of these."), field)
    return value


def _summary(session: Session, actor: Actor, summary: str, settings: Settings) -> dict[str, str]:
    source = summary.replace("\0", "").strip()
    if len(source) > LONGEST_SUMMARY:
        raise Invalid("summary_long", N_("This text has at most %(most)s characters."), "summary", most=LONGEST_SUMMARY)
    text = read_text(session, source, actor, settings, is_empty_allowed=True)
    return {"summary_source": text.source, "summary_html": text.html}


def _fields(fields: Sequence[tuple[str, str]]) -> list[list[str]]:
    rows = [[_CONTROL.sub(" ", part).strip() for part in pair] for pair in fields]
    rows = [row for row in rows if any(row)]
    if len(rows) > MOST_FIELDS:
        raise Invalid("fields_many", N_("A profile has at most %(most)s facts."), "fields", most=MOST_FIELDS)
    for row in rows:
        if len(row) != 2 or not all(row):
            raise Invalid("field_half", N_("A fact needs both a label and a content."), "fields")
        if len(row[0]) > LONGEST_LABEL or len(row[1]) > LONGEST_CONTENT:
            raise Invalid("field_long", N_("A label has at most %(label)s characters, a content %(content)s."), "fields",
                          label=LONGEST_LABEL, content=LONGEST_CONTENT)  # fmt: skip
    return rows

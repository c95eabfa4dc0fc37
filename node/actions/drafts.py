"""What somebody wants to say, and what stands against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.actions.texts import Text
from node.errors import N_, Invalid, NotAllowed, NotThere
from node.models import Actor, Post, SpaceMember
from node.policy import WITHIN, Audience, Rules
from node.queries import audience as audiences
from node.queries.audience import viewer_member

MOST_OPTIONS = 16
LONGEST_OPTION = 200
LONGEST_TITLE = 200
LONGEST_POLL = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class PollDraft:
    """A question's options, in order; `lasts` None: until the author closes it."""

    options: tuple[str, ...]
    is_multiple: bool = False
    lasts: timedelta | None = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a member wants to say. `text` is Markdown; `idempotency_key` makes a repeated request one post."""

    text: str
    audience: Audience = Audience.MEMBERS
    title: str = ""
    summary: str = ""
    language: str | None = None
    is_sensitive: bool = False
    in_reply_to: Post | None = None
    space_id: int | None = None
    poll: PollDraft | None = None
    idempotency_key: str | None = None


def check_poll(poll: PollDraft | None) -> None:
    """Raise Invalid, beside `poll`, when this is no poll we take."""
    if poll is None:
        return
    options = [option.strip() for option in poll.options if option.strip()]
    if not 2 <= len(options) <= MOST_OPTIONS or len(set(options)) != len(options):
        raise Invalid("poll_options", N_("A poll has 2 to %(most)s different options."), "poll", most=MOST_OPTIONS)
    if any(len(option) > LONGEST_OPTION for option in options):
        raise Invalid("poll_option_long", N_("An option has at most %(most)s characters."), "poll", most=LONGEST_OPTION)
    if poll.lasts is not None and not timedelta(minutes=5) <= poll.lasts <= LONGEST_POLL:
        raise Invalid("poll_length", N_("A poll lasts from 5 minutes to 90 days."), "poll")


def check_words(text: str, title: str, summary: str, *, is_poll: bool) -> None:
    """Raise Invalid when the title is too long, or when nothing says what a poll asks (its answers need no other text)."""
    if len(title.strip()) > LONGEST_TITLE:
        raise Invalid("title_long", N_("A title has at most %(most)s characters."), "title", most=LONGEST_TITLE)
    if is_poll and not (text.strip() or title.strip() or summary.strip()):
        raise Invalid("poll_question", N_("A poll needs a question: please write it here."), "text")


def check_parent(session: Session, author: Actor, draft: Draft, parent: Post, rules: Rules, now: datetime) -> None:
    if not audiences.may_see(session, viewer_member(author.id), parent, rules, now):
        raise NotThere("parent_not_there", N_("The post you answer is not there any more."))
    widest = Audience(parent.audience)
    if draft.audience not in WITHIN[widest]:
        raise NotAllowed(
            "reply_wider", N_("A reply cannot be seen by more people than the post it answers."), "audience", widest=widest.value
        )
    if widest is Audience.SPACE and draft.audience is Audience.SPACE and draft.space_id != parent.space_id:
        raise NotAllowed("reply_elsewhere", N_("A reply stays in the space of the post it answers."), "audience")


def check_space(session: Session, author: Actor, draft: Draft) -> None:
    if draft.audience is not Audience.SPACE:
        return
    member = select(SpaceMember.id).where(SpaceMember.space_id == draft.space_id, SpaceMember.actor_id == author.id)
    if draft.space_id is None or session.scalar(member) is None:
        raise NotAllowed("not_in_space", N_("Only members of a space post in it."), "audience")


def named_in(session: Session, author: Actor, draft: Draft, text: Text) -> list[Actor]:
    """Return whom the post names: those in its text, and the author of what it answers."""
    named = {actor.id: actor for actor in text.mentions}
    parent = draft.in_reply_to
    if parent is not None and parent.author_id != author.id and parent.author_id not in named:
        answered = session.get(Actor, parent.author_id)
        if answered is not None and answered.deleted_at is None:
            named[answered.id] = answered
    named.pop(author.id, None)
    if draft.audience is Audience.DIRECT and not named and text.strangers:
        names = ", ".join(f"@{username}@{host}" if host else f"@{username}" for username, host in text.strangers)
        raise Invalid(
            "names_unknown", N_("A direct message names at least one person who is known here; %(names)s: not known."), "text",
            names=names, strangers=text.strangers,
        )  # fmt: skip
    if draft.audience is Audience.DIRECT and not named:
        raise Invalid("nobody_named", N_("A direct message names at least one person, like @name."), "text")
    return list(named.values())

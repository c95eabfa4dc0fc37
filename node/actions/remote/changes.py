"""A new version of a post that another server has changed: the former one is kept, the audience never widens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from federation.errors import NotAuthorized
from federation.objects import RemoteObject, require_author
from node.actions import feeds
from node.actions.remote.addressees import audience_of
from node.actions.remote.known import Known
from node.actions.remote.posts import add_parts, description_of, poll_of, words_of
from node.actions.remote.tombstones import Buried
from node.database import new_id
from node.models import Actor, Attachment, Boost, Hashtag, Mention, PollOption, Post, PostVersion
from node.policy import Audience

_WORDS = ("title", "content_html", "summary")
_QUIET = {"synchronize_session": False}


def change_post(known: Known, post: Post, remote: RemoteObject, author: Actor, *, inbox_owner: int = 0) -> bool:
    """Bring a known post of another server up to date. Return False when there is nothing new in `remote`.

    `inbox_owner`: the actor whose own inbox got it; a blind copy names nobody, and its reader still reads it.
    Only its author changes it (abuse cases A04, A05); an older version than the one we have changes nothing (promise
    G3). Raises NotAuthorized and Buried.
    """
    require_author(remote, author.uri)
    if post.is_local or post.author_id != author.id:
        raise NotAuthorized("the post belongs to another actor", code="another_author")
    if post.deleted_at is not None:
        raise Buried(post.uri)
    session, now = known.session, known.now
    written_at = post.edited_at or post.published_at
    updated = min(remote.updated, now) if remote.updated else None
    if updated is not None and post.edited_at is not None and updated < post.edited_at:
        return False
    _narrow(post, remote, author)
    words = words_of(remote)
    is_new = any(getattr(post, name) != words[name] for name in _WORDS)
    if is_new:
        former = {name: getattr(post, name) for name in _WORDS}
        session.add(PostVersion(id=new_id(now), post_id=post.id, source=None, created_at=written_at, **former))
        post.edited_at = updated or now
    for name, value in words.items():
        setattr(post, name, value)
    session.flush()
    _replace_parts(known, post, remote)
    _narrow_readers(session, post, remote, inbox_owner)
    known.forget()
    if is_new:
        _tell_boosters(session, post, now)
    return True


def renew_poll(session: Session, post: Post, remote: RemoteObject) -> None:
    """Take over a poll's counts; the options stay the ones people voted on."""
    post.poll = poll_of(remote) or post.poll
    counts = dict(remote.poll.options) if remote.poll else {}
    for option in session.scalars(select(PollOption).where(PollOption.post_id == post.id)):
        option.votes_count = counts.get(option.name, option.votes_count)
    session.flush()


def _narrow(post: Post, remote: RemoteObject, author: Actor) -> None:
    """Take over a narrower audience; a wider one is not for an edit to give (abuse case A15)."""
    said = audience_of(remote.addressing, author.uri, author.followers_uri)
    if said.rank < Audience(post.audience).rank:
        post.audience = said.value
        post.addressed = {"to": list(remote.addressing.to), "cc": list(remote.addressing.cc)}


def _replace_parts(known: Known, post: Post, remote: RemoteObject) -> None:
    session = known.session
    options = session.scalars(select(PollOption.name).where(PollOption.post_id == post.id).order_by(PollOption.position)).all()
    same_poll = remote.poll is not None and set(options) == {name for name, _ in remote.poll.options}
    # An attachment keeps its row, and so its address here, while it is the same file.
    old = set(session.scalars(select(Attachment.url).where(Attachment.post_id == post.id)))
    same_files = old == {part.url for part in remote.attachments} and len(old) == len(remote.attachments)
    outdated: list[Any] = [Hashtag, *([] if same_files else [Attachment]), *([] if same_poll else [PollOption])]
    for table in outdated:
        session.execute(delete(table).where(table.post_id == post.id), execution_options=_QUIET)
    add_parts(known, post.id, remote, only=frozenset(outdated))
    if same_poll:
        renew_poll(session, post, remote)
    for part in remote.attachments if same_files else ():
        described = update(Attachment).where(Attachment.post_id == post.id, Attachment.url == part.url)
        session.execute(described.values(description=description_of(part)), execution_options=_QUIET)


def _narrow_readers(session: Session, post: Post, remote: RemoteObject, inbox_owner: int) -> None:
    """For a post that only some may read, those no longer named stop reading, be it everybody; nobody new starts."""
    if post.audience not in (Audience.DIRECT, Audience.FOLLOWERS):
        return
    named = {mention.href for mention in remote.mentions} | set(remote.addressing.everyone())
    still = inbox_owner if not named and post.audience == Audience.DIRECT else 0
    mentioned = select(Mention.id, Actor.id, Actor.uri).join(Actor, Actor.id == Mention.actor_id)
    rows = session.execute(mentioned.where(Mention.post_id == post.id))
    gone = [mention_id for mention_id, actor_id, uri in rows if uri not in named and actor_id != still]
    if gone:
        session.execute(delete(Mention).where(Mention.id.in_(gone)), execution_options=_QUIET)


def _tell_boosters(session: Session, post: Post, now: datetime) -> None:
    """Those of ours who passed it on should know that it says something else now."""
    boosters = select(Boost.actor_id).join(Actor, Actor.id == Boost.actor_id).where(Boost.post_id == post.id, Actor.host == "")
    for actor_id in session.scalars(boosters).all():
        feeds.notify(session, actor_id, "edit", from_actor_id=post.author_id, post_id=post.id, now=now)

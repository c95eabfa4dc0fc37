"""What others learn of polls: their counts while people vote, and their end.

A vote leaves an errand behind and later votes find it there, so that a poll is told of at most once a minute. The end is
an errand, too, due when the poll closes. `node.jobs.tasks` runs both; voting itself is `reactions.vote` and
`receive.votes`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from federation import activities
from node import activitystreams
from node.actions import feeds
from node.actions.errands import want
from node.actions.sending import former_recipients, send
from node.config import Settings
from node.models import Actor, Block, Errand, PollVote, Post
from node.policy import Audience, Rules, leaves
from node.policy.audiences import is_open
from node.queries import audience as audiences
from node.queries.audience import Recipient, recipient_of

TOLD_EVERY = timedelta(minutes=1)


def want_told(session: Session, uri: str, now: datetime) -> None:
    """Have the counts of our poll `uri` told to others within a minute."""
    due_at = now + TOLD_EVERY
    want(session, "poll", uri, due_at)
    # One that is being worked on may have read the counts before this vote.
    under_way = update(Errand).where(Errand.kind == "poll", Errand.uri == uri, Errand.lease_until.is_not(None))
    session.execute(under_way.values(due_at=due_at), execution_options={"synchronize_session": False})


def want_closed(session: Session, uri: str, poll: dict[str, Any] | None, now: datetime) -> None:
    """Have people told when the poll `uri`, ours or another's, closes; one without an end never does."""
    closes_at = datetime.fromisoformat(poll["closes_at"]) if poll and poll.get("closes_at") else None
    if closes_at is not None and closes_at > now:
        want(session, "poll_end", uri, closes_at)


def tell(session: Session, uri: str, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Send the poll's counts as they stand now, unless it has closed: its end tells them."""
    post = _poll(session, uri)
    if post is not None and not (post.poll or {}).get("closed"):
        _send(session, post, settings, rules, now)


def close(session: Session, uri: str, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """End a poll whose time has come: those of ours who voted or asked are told, others get the result. Twice is once."""
    post = _poll(session, uri)
    if post is None or post.poll is None or not post.poll.get("closes_at"):
        return
    closes_at, was_closed = datetime.fromisoformat(post.poll["closes_at"]), bool(post.poll.get("closed"))
    if closes_at > now and not was_closed:  # its author has given it more time
        later = update(Errand).where(Errand.kind == "poll_end", Errand.uri == uri).values(due_at=closes_at)
        session.execute(later, execution_options={"synchronize_session": False})
        return
    post.poll = {**post.poll, "closed": True}
    session.flush()
    for actor_id in sorted(_concerned(session, post)):
        feeds.notify(session, actor_id, "poll", from_actor_id=None, post_id=post.id, now=now)
    if not was_closed:
        _send(session, post, settings, rules, now)


def voters(session: Session, post: Post) -> list[Recipient]:
    """Return the people elsewhere who voted in an open poll of ours and whom its author does not block; of others nobody."""
    if not is_open(Audience(post.audience)):
        return []
    blocked = exists().where(Block.actor_id == post.author_id, Block.target_id == Actor.id)
    votes = select(Actor).join(PollVote, PollVote.actor_id == Actor.id).where(PollVote.post_id == post.id, Actor.host != "")
    living = votes.where(Actor.deleted_at.is_(None), Actor.suspended_at.is_(None), ~blocked).distinct()
    return [recipient_of(actor) for actor in session.scalars(living)]


def _poll(session: Session, uri: str) -> Post | None:
    alive = (Post.uri == uri, Post.deleted_at.is_(None), Post.poll.is_not(None))
    loaded = select(Post).where(*alive).options(*activitystreams.for_serialising())
    return session.scalar(loaded.with_for_update(of=Post), execution_options={"populate_existing": True})


def _concerned(session: Session, post: Post) -> set[int]:
    """Return our actors who voted, and the author when it is one of ours."""
    votes = select(PollVote.actor_id).join(Actor, Actor.id == PollVote.actor_id)
    voters = set(session.scalars(votes.where(PollVote.post_id == post.id, Actor.host == "")))
    return voters | ({post.author_id} if post.is_local else set())


def _send(session: Session, post: Post, settings: Settings, rules: Rules, now: datetime) -> None:
    audience = Audience(post.audience)
    if not post.is_local or not leaves(audience) or post.author.suspended_at is not None:
        return
    recipients = _recipients(session, post, audience)
    if not any(recipient.host for recipient in recipients):
        return
    document = activitystreams.post_object(post, settings)
    send(
        session, post.author, "Update",
        lambda uri: activities.update(
            id=uri, actor=post.author.uri, object=document, to=document.get("to", ()), cc=document.get("cc", ()), published=now
        ),
        recipients, audience=audience, object_uri=post.uri, post_id=post.id, is_personal=audience is Audience.DIRECT,
        settings=settings, rules=rules, now=now,
    )  # fmt: skip


def _recipients(session: Session, post: Post, audience: Audience) -> Collection[Recipient]:
    """Return whom the poll reaches and, when anybody may see it, every inbox that had it and who voted."""
    found = audiences.recipients(session, post.author_id, audience, [row.actor_id for row in post.mentions])
    if not is_open(audience):
        return found
    found += voters(session, post)
    inboxes = {recipient.inbox for recipient in found} | {recipient.shared_inbox for recipient in found}
    return [*found, *(one for one in former_recipients(session, post.id) if one.inbox not in inboxes)]

"""A vote in a poll of ours: a Note that has an option as its name, and no content (Mastodon's dialect)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from federation.objects import RemoteObject, require_author
from node.actions import polls
from node.actions.receive.context import Context, Outcome, done, find_post, ignored, refused
from node.database import new_id
from node.models import PollOption, PollVote, Post
from node.queries import audience


def is_vote(remote: RemoteObject) -> bool:
    return remote.type == "Note" and bool(remote.title) and remote.in_reply_to is not None and not remote.content


def apply(session: Session, remote: RemoteObject, context: Context) -> Outcome:
    """Count the vote, once for each actor and option, and only once for each actor when one choice is asked for."""
    sender, now = context.sender, context.now
    require_author(remote, sender.uri)
    post = find_post(session, remote.in_reply_to)
    if post is None or not post.is_local or post.poll is None:
        return ignored("no_poll_of_ours")
    viewer = audience.viewer_server(sender.id, sender.host)
    if not audience.may_see(session, viewer, post, context.rules, now):
        return refused("not_for_sender")
    # One voter at a time (PostgreSQL; SQLite writes one at a time): read what the last one left, not what was read before.
    poll = session.scalar(select(Post.poll).where(Post.id == post.id).with_for_update())
    if poll is None or is_closed(poll, now):
        return ignored("poll_closed")
    option = session.scalar(select(PollOption).where(PollOption.post_id == post.id, PollOption.name == remote.title))
    if option is None:
        return ignored("no_such_option")
    before = set(session.scalars(select(PollVote.option_id).where(PollVote.post_id == post.id, PollVote.actor_id == sender.id)))
    if option.id in before or (before and not poll.get("multiple")):
        return ignored("voted_before")
    if session.scalar(select(PollVote.id).where(PollVote.uri == remote.id)) is not None:
        return ignored("voted_before")
    session.add(PollVote(id=new_id(now), post_id=post.id, option_id=option.id, actor_id=sender.id, uri=remote.id))
    session.flush()
    session.execute(update(PollOption).where(PollOption.id == option.id).values(votes_count=PollOption.votes_count + 1))
    if not before:
        counted = {**poll, "voters": (poll.get("voters") or 0) + 1}
        session.execute(update(Post).where(Post.id == post.id).values(poll=counted))
    polls.want_told(session, post.uri, now)
    return done()


def is_closed(poll: dict[str, Any], now: datetime) -> bool:
    """Say whether nobody can vote any more."""
    closes_at = poll.get("closes_at")
    return bool(poll.get("closed")) or (closes_at is not None and datetime.fromisoformat(closes_at) <= now)

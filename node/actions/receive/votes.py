"""A vote in a poll of ours: a Note that has an option as its name, and no content (Mastodon's dialect)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
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
    if is_closed(post, now):
        return ignored("poll_closed")
    option = session.scalar(select(PollOption).where(PollOption.post_id == post.id, PollOption.name == remote.title))
    if option is None:
        return ignored("no_such_option")
    before = set(session.scalars(select(PollVote.option_id).where(PollVote.post_id == post.id, PollVote.actor_id == sender.id)))
    if option.id in before or (before and not post.poll.get("multiple")):
        return ignored("voted_before")
    if session.scalar(select(PollVote.id).where(PollVote.uri == remote.id)) is not None:
        return ignored("voted_before")
    session.add(PollVote(id=new_id(now), post_id=post.id, option_id=option.id, actor_id=sender.id, uri=remote.id))
    option.votes_count += 1
    if not before:
        post.poll = {**post.poll, "voters": (post.poll.get("voters") or 0) + 1}
    session.flush()
    polls.want_told(session, post.uri, now)
    return done()


def is_closed(post: Post, now: datetime) -> bool:
    """Say whether nobody can vote any more."""
    poll = post.poll or {}
    closes_at = poll.get("closes_at")
    return bool(poll.get("closed")) or (closes_at is not None and datetime.fromisoformat(closes_at) <= now)

"""Update: a new version of a post, or word that an actor has changed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.activities import Activity
from federation.vocabulary import ACTOR_TYPES
from node.actions.receive.context import Context, Outcome, done, ignored, refused
from node.actions.receive.create import object_of
from node.actions.receive.forwarding import pass_on_change
from node.actions.remote import change_post, take_post, want_actor
from node.models import Mention, Post
from node.policy import Audience


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Change what is the sender's own (cases A04, A05, A06), keeping what a post said before.

    An actor's document is never taken from the activity: it is read at its id, keys and all. An Update that overtook
    its Create makes the post.
    """
    sender = context.sender
    if activity.object_uri == sender.uri or (activity.object is not None and activity.object.is_a(*ACTOR_TYPES)):
        want_actor(session, sender.uri, context.now)
        return done("actor_is_read_again")
    remote = object_of(activity, context)
    if remote is None:
        return ignored("object_not_there")
    post = session.scalar(select(Post).where(Post.uri == remote.id))
    if post is None:
        take_post(context.memory, remote, sender, inbox_owner=context.inbox_owner)
        return done("made")
    if post.audience == Audience.DIRECT and _is_unwanted(session, post, context):
        return refused("blocked")
    if not change_post(context.memory, post, remote, sender, inbox_owner=context.inbox_owner):
        return ignored("older_version")
    pass_on_change(session, activity, post, context, remote)
    return done()


def _is_unwanted(session: Session, post: Post, context: Context) -> bool:
    """Say whether somebody it was written to has blocked its author since (case L16)."""
    blockers = context.memory.blockers(context.sender.id)
    named = session.scalars(select(Mention.actor_id).where(Mention.post_id == post.id))
    return bool(blockers) and any(actor_id in blockers for actor_id in named)

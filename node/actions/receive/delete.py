"""Delete: a post of the sender, or the sender itself with all that is theirs."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.activities import Activity
from federation.origins import same_origin
from node.actions.receive.context import Context, Outcome, done, ignored, refused
from node.actions.receive.forwarding import pass_on_change
from node.actions.remote import bury, bury_actor, bury_post
from node.models import Actor, Post


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Delete what is the sender's own (case A08). An id we do not know leaves a tombstone: its Create may come later."""
    uri, sender, now = activity.object_uri, context.sender, context.now
    if uri is None:
        return ignored("no_object")
    if uri == sender.uri:
        bury_actor(session, sender, now)
        return done("account")
    if context.memory.is_ours(uri) or not same_origin(uri, sender.uri):
        return refused("object_of_another_origin")
    post = session.scalar(select(Post).where(Post.uri == uri))
    if post is not None:
        if post.author_id != sender.id:
            return refused("another_author")
        pass_on_change(session, activity, post, context)
        bury_post(session, post, now)
        return done()
    if session.scalar(select(Actor.id).where(Actor.uri == uri)) is not None:
        return refused("another_actor")
    bury(session, uri, "", now)
    return done("unknown")

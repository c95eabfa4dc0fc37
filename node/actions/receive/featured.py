"""Add and Remove: what an actor shows first, in its own `featured` collection and in no other."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from federation.activities import Activity
from node.actions.feeds import insert_ignoring
from node.actions.receive.context import Context, Outcome, done, find_post, ignored, refused
from node.database import new_id
from node.models import Pin, Post


def add(session: Session, activity: Activity, context: Context) -> Outcome:
    """Pin a post of the sender."""
    post = _own_post(session, activity, context)
    if isinstance(post, Outcome):
        return post
    insert_ignoring(session, Pin, [{"id": new_id(context.now), "actor_id": context.sender.id, "post_id": post.id}])
    return done()


def remove(session: Session, activity: Activity, context: Context) -> Outcome:
    """Take a pin away."""
    post = _own_post(session, activity, context)
    if isinstance(post, Outcome):
        return post
    session.execute(delete(Pin).where(Pin.actor_id == context.sender.id, Pin.post_id == post.id))
    return done()


def _own_post(session: Session, activity: Activity, context: Context) -> Post | Outcome:
    sender = context.sender
    if activity.target is None or activity.target != sender.featured_uri:
        return refused("not_its_collection")
    post = find_post(session, activity.object_uri)
    if post is None:
        return ignored("no_such_post")
    return post if post.author_id == sender.id else refused("another_author")

"""Announce: a boost of a post, or a Group passing on what happened in it (FEP-1b12).

Whatever is embedded is never believed: a post that we do not have is read at its own id (case A10).
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from federation.activities import Activity
from federation.document import Document
from federation.vocabulary import ACTIVITY_TYPES
from node.actions import feeds
from node.actions.receive.context import Context, Outcome, done, find_post, ignored, is_id_taken, refused
from node.actions.receive.like import sees
from node.actions.remote import bury_post, change_post, keep_post
from node.actions.remote.addressees import audience_of
from node.database import new_id
from node.models import Actor, Boost, Post
from node.policy import Audience
from node.policy.audiences import is_open


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Keep the boost, once for each actor and post, of a post that anybody may see."""
    inner = activity.object
    if inner is not None and inner.is_a(*ACTIVITY_TYPES) and not inner.is_a("Question"):
        return _passed_on(session, activity, inner, context)
    if activity.object_uri is None:
        return ignored("no_object")
    return _boost(session, activity, activity.object_uri, context)


def _boost(session: Session, activity: Activity, uri: str, context: Context) -> Outcome:
    if activity.id is not None and context.memory.is_buried(activity.id):
        return ignored("taken_back")
    post = find_post(session, uri) or _fetched(session, uri, context)
    if post is None:
        return ignored("object_not_there")
    if not is_open(Audience(post.audience)) or not sees(session, post, context):
        return refused("not_for_boosting")
    sender, now = context.sender, context.now
    if session.scalar(select(Boost.id).where(Boost.post_id == post.id, Boost.actor_id == sender.id)) is not None:
        return ignored("boosted_before")
    if is_id_taken(session, Boost, activity.id):
        return refused("id_used_before")
    boost = Boost(id=new_id(now), post_id=post.id, actor_id=sender.id, uri=activity.id, created_at=now)
    session.add(boost)
    session.flush()
    more = update(Post).where(Post.id == post.id).values(boosts_count=Post.boosts_count + 1)
    session.execute(more, execution_options={"synchronize_session": False})
    feeds.spread_boost(session, boost)
    if post.is_local:
        feeds.notify(session, post.author_id, "boost", from_actor_id=sender.id, post_id=post.id, now=now)
    return done()


def _passed_on(session: Session, activity: Activity, inner: Document, context: Context) -> Outcome:
    """A Group passes on an activity. Only what the object's own server says of it now is believed (case A27)."""
    if context.sender.kind != "Group":
        return ignored("not_a_group")
    uri = inner.uri("object")
    if uri is None or context.memory.is_ours(uri):
        return ignored("no_object")
    if inner.is_a("Create"):
        return _boost(session, activity, uri, context)
    post = find_post(session, uri)
    if post is None or post.is_local:
        return ignored("no_such_post")
    if inner.is_a("Update"):
        return _changed(session, post, context)
    if inner.is_a("Delete"):
        remote = context.read_object(uri)
        if uri in context.gone or (remote is not None and remote.type == "Tombstone"):
            bury_post(session, post, context.now)
            return done("deleted")
        return ignored("still_there")
    return ignored("type_not_passed_on")


def _changed(session: Session, post: Post, context: Context) -> Outcome:
    remote = context.read_object(post.uri)
    if remote is None:
        return ignored("object_not_there")
    author = session.get_one(Actor, post.author_id)
    return done() if change_post(context.memory, post, remote, author) else ignored("older_version")


def _fetched(session: Session, uri: str, context: Context) -> Post | None:
    """Return the post read at `uri`, kept now; None when its server has none, or the gate does not take it. Raises Needs."""
    if context.memory.is_ours(uri) or context.memory.is_buried(uri):
        return None
    remote = context.read_object(uri)
    if remote is None or remote.author is None:
        return None
    author = context.author(session, remote.author)
    if author is None or author.is_local or author.suspended_at is not None or not context.lets_in(author.host):
        return None
    if not is_open(audience_of(remote.addressing, author.uri, author.followers_uri)):
        return None
    return keep_post(session, remote, author, context.now, own_host=context.settings.host)

"""Ids that are gone for ever, and taking a post away with all that hangs on it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from federation.errors import FederationError
from federation.origins import host_of
from node.actions import feeds
from node.actions.feeds import insert_ignoring
from node.models import (
    Activity,
    Actor,
    Attachment,
    Bookmark,
    Boost,
    Delivery,
    Hashtag,
    Like,
    Mention,
    Pin,
    PollOption,
    PollVote,
    Post,
    PostVersion,
    Tombstone,
)


class Buried(Exception):
    """The id `uri` was deleted: nothing is ever kept under it again."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.uri = uri


def bury(session: Session, uri: str, former_type: str, now: datetime) -> None:
    """Leave a tombstone: a Create that comes after its Delete stays deleted (abuse case A08)."""
    try:
        host = host_of(uri)
    except FederationError:
        host = ""
    insert_ignoring(session, Tombstone, [{"uri": uri, "host": host, "former_type": former_type[:32], "deleted_at": now}])


def bury_post(session: Session, post: Post, now: datetime) -> None:
    """Delete a post of another server: its words, parts, reactions and lines go; row and tombstone stay for the thread."""
    bury(session, post.uri, post.kind, now)
    if post.deleted_at is not None:
        return
    post.deleted_at = now
    post.title = post.summary = post.content_html = ""
    post.content_raw = post.source = post.poll = post.event = post.quote_uri = None
    post.likes_count = post.boosts_count = 0
    session.flush()
    feeds.withdraw(session, post.id)
    forget_passed_on(session, select(Post.id).where(Post.id == post.id), now)
    for table in (Attachment, Hashtag, Mention, PollVote, PollOption, PostVersion, Like, Boost, Bookmark, Pin):
        session.execute(delete(table).where(table.post_id == post.id), execution_options={"synchronize_session": False})
    fewer = update(Actor).where(Actor.id == post.author_id, Actor.posts_count > 0)
    session.execute(fewer.values(posts_count=Actor.posts_count - 1), execution_options={"synchronize_session": False})
    if post.in_reply_to_id is not None:
        parent = update(Post).where(Post.id == post.in_reply_to_id, Post.replies_count > 0)
        session.execute(parent.values(replies_count=Post.replies_count - 1), execution_options={"synchronize_session": False})


def forget_passed_on(session: Session, posts: Select[int], now: datetime) -> None:
    """Keep no words of these posts of others in what was passed on, or waits to be (`node.actions.receive.forwarding`)."""
    quiet = {"synchronize_session": False}
    said = select(Activity.id).where(Activity.post_id.in_(posts), Activity.kind.in_(("Create", "Update")))
    waiting = update(Delivery).where(Delivery.activity_id.in_(said), Delivery.state == "waiting")
    cancelled = waiting.values(state="cancelled", reason="deleted before it arrived", finished_at=now)
    session.execute(cancelled, execution_options=quiet)
    empty = update(Activity).where(Activity.id.in_(said)).values(document=b'{"type":"Tombstone"}')
    session.execute(empty, execution_options=quiet)

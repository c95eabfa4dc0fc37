"""Removing a member for good: login, posts, relations. What stays is a row that says that this name is gone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from federation import activities
from federation.vocabulary import PUBLIC
from node.actions import audit, feeds, logins, sending
from node.actions.roles import check_admin_stays
from node.config import Settings
from node.errors import N_, NotAllowed
from node.models import (
    Activity,
    Actor,
    Attachment,
    Block,
    Bookmark,
    Boost,
    Delivery,
    Follow,
    Hashtag,
    Lane,
    Like,
    Member,
    Mention,
    Mute,
    Notification,
    Pin,
    PollOption,
    Post,
    PostVersion,
    SpaceMember,
    TimelineEntry,
    Tombstone,
)
from node.policy import Rules
from node.queries import audience as audiences
from node.queries.audience import Recipient


def remove(session: Session, member: Member, *, by: Member | None, settings: Settings, rules: Rules, now: datetime) -> None:
    """Remove a member for good: the login, the posts, every trace but tombstones. Servers that knew them get a Delete.

    Members may remove themselves, admins (and the command line, `by` None) anybody but the last admin: NotAllowed.
    The name is never given out again: others would take its new owner for the old one.
    """
    is_own = by is not None and by.id == member.id
    if by is not None and not is_own and by.role != "admin":
        raise NotAllowed("not_admin", N_("Only admins remove members."))
    check_admin_stays(session, member)
    actor = member.actor
    session.flush()
    _cancel_waiting(session, actor.id, now)
    _say_goodbye(session, actor, settings, rules, now)
    _erase_relations(session, actor.id)
    _erase_posts(session, actor.id, now)
    gone = {"uri": actor.uri, "host": "", "former_type": actor.kind, "deleted_at": now}
    feeds.insert_ignoring(session, Tombstone, [gone])
    _erase_profile(actor, now)
    logins.end_everything(session, member.id, now)
    audit.record(session, None if is_own else by, "member.remove", actor.username, now=now, own_wish=is_own)
    session.flush()
    session.delete(member)
    session.flush()


def _cancel_waiting(session: Session, actor_id: int, now: datetime) -> None:
    """Cancel what was not sent yet: the Delete of the actor says it all (promise G3)."""
    own = select(Activity.id).where(Activity.actor_id == actor_id)
    unsent = update(Delivery).where(Delivery.activity_id.in_(own), Delivery.state == "waiting")
    session.execute(unsent.values(state="cancelled", reason="the author left", finished_at=now))


def _say_goodbye(session: Session, actor: Actor, settings: Settings, rules: Rules, now: datetime) -> None:
    """Queue Delete(actor) for every inbox that ever got something, and for everybody followed or following."""
    related = select(Actor).join(Follow, or_(Follow.target_id == Actor.id, Follow.follower_id == Actor.id))
    related = related.where(or_(Follow.follower_id == actor.id, Follow.target_id == actor.id), Actor.host != "").distinct()
    recipients = [audiences.recipient_of(other) for other in session.scalars(related)]
    lanes = session.execute(select(Lane.host, Lane.inbox).where(Lane.actor_id == actor.id))
    recipients += [Recipient(0, host, inbox, None) for host, inbox in lanes]
    sending.send(
        session,
        actor,
        "Delete",
        lambda uri: activities.delete(id=uri, actor=actor.uri, object=actor.uri, to=(PUBLIC,), published=now),
        recipients,
        audience=None,
        object_uri=actor.uri,
        settings=settings,
        rules=rules,
        now=now,
    )


def _erase_relations(session: Session, actor_id: int) -> None:
    """Delete what ties the actor to others, and put right what others count."""
    led = select(Follow.target_id).where(Follow.follower_id == actor_id, Follow.state == "accepted")
    fans = select(Follow.follower_id).where(Follow.target_id == actor_id, Follow.state == "accepted")
    liked = select(Like.post_id).where(Like.actor_id == actor_id)
    boosted = select(Boost.post_id).where(Boost.actor_id == actor_id)
    for statement in (
        update(Actor).where(Actor.id.in_(led)).values(followers_count=Actor.followers_count - 1),
        update(Actor).where(Actor.id.in_(fans)).values(following_count=Actor.following_count - 1),
        update(Post).where(Post.id.in_(liked)).values(likes_count=Post.likes_count - 1),
        update(Post).where(Post.id.in_(boosted)).values(boosts_count=Post.boosts_count - 1),
        delete(Follow).where(or_(Follow.follower_id == actor_id, Follow.target_id == actor_id)),
        delete(Block).where(or_(Block.actor_id == actor_id, Block.target_id == actor_id)),
        delete(Mute).where(or_(Mute.actor_id == actor_id, Mute.target_id == actor_id)),
        delete(TimelineEntry).where(TimelineEntry.actor_id == actor_id),
        delete(TimelineEntry).where(TimelineEntry.boost_id.in_(select(Boost.id).where(Boost.actor_id == actor_id))),
        delete(Notification).where(or_(Notification.actor_id == actor_id, Notification.from_actor_id == actor_id)),
        delete(Like).where(Like.actor_id == actor_id),
        delete(Boost).where(Boost.actor_id == actor_id),
        delete(Pin).where(Pin.actor_id == actor_id),
        delete(SpaceMember).where(SpaceMember.actor_id == actor_id),
    ):
        session.execute(statement, execution_options={"synchronize_session": False})


def _erase_posts(session: Session, actor_id: int, now: datetime) -> None:
    """Make tombstones of all posts at once: as `outbox.erase` does for one."""
    own = select(Post.id).where(Post.author_id == actor_id)
    alive = select(Post.uri, literal(""), Post.kind, literal(now, Tombstone.deleted_at.type)).where(
        Post.author_id == actor_id, Post.deleted_at.is_(None), Post.uri.not_in(select(Tombstone.uri))
    )
    session.execute(insert(Tombstone).from_select(["uri", "host", "former_type", "deleted_at"], alive))
    options = {"synchronize_session": False}
    session.execute(delete(TimelineEntry).where(TimelineEntry.post_id.in_(own)), execution_options=options)
    for table in (PostVersion, Mention, Hashtag, Attachment, PollOption, Notification, Bookmark, Like, Boost):
        session.execute(delete(table).where(table.post_id.in_(own)), execution_options=options)
    emptied = {"source": None, "content_raw": None, "content_html": "", "title": "", "summary": "", "poll": None, "event": None}
    erased = update(Post).where(Post.author_id == actor_id, Post.deleted_at.is_(None))
    session.execute(erased.values(deleted_at=now, **emptied), execution_options=options)


def _erase_profile(actor: Actor, now: datetime) -> None:
    actor.deleted_at = actor.updated_at = now
    actor.name = actor.summary_source = actor.summary_html = ""
    actor.fields, actor.also_known_as, actor.details = [], [], {}
    actor.icon_url = actor.image_url = actor.moved_to_uri = None
    actor.is_discoverable = actor.is_indexable = False
    actor.followers_count = actor.following_count = actor.posts_count = 0

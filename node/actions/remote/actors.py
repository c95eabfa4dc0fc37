"""Other servers' actors: kept as their own document says, keys included; and taken away."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from federation.actors import PublicKeyRecord, RemoteActor
from federation.errors import NotAuthorized
from federation.origins import host_of, origin
from node.actions.errands import want, want_nodeinfo
from node.actions.feeds import insert_ignoring
from node.actions.polls import want_told
from node.actions.remote.tombstones import forget_passed_on
from node.content.cleaning import clean, plain_text
from node.database import new_id
from node.models import (
    Actor,
    ActorKey,
    Attachment,
    Block,
    Boost,
    Errand,
    Follow,
    Hashtag,
    Like,
    Mention,
    Notification,
    Pin,
    PollOption,
    PollVote,
    Post,
    PostVersion,
    TimelineEntry,
)

MAX_NAME = 2_048
"""Characters of a name after cleaning."""


def keep_actor(session: Session, remote: RemoteActor, now: datetime) -> Actor:
    """Keep or renew an actor and its keys. `remote` was read at its own id (`read_actor` insists on it).

    Raises NotAuthorized for an id of ours. An actor that was deleted and answers again at its id is there again.
    """
    # The row is held while its keys are made anew: two workers that read the same actor do so one after the other.
    actor = session.scalar(select(Actor).where(Actor.uri == remote.id).with_for_update())
    if actor is not None and actor.is_local:
        raise NotAuthorized("that actor is one of ours", code="ours")
    if actor is None:
        actor = _begin(session, remote, now)
        want_nodeinfo(session, origin(remote.id), actor.host, now)
    _describe(actor, remote)
    actor.updated_at = actor.fetched_at = now
    actor.deleted_at = None
    session.flush()
    _keep_keys(session, actor, remote.public_keys, now)
    return actor


def _begin(session: Session, remote: RemoteActor, now: datetime) -> Actor:
    """Return the row of an actor that was not there a moment ago: ours, or that of another worker who was faster."""
    fresh = Actor(id=new_id(now), uri=remote.id, host=host_of(remote.id), created_at=min(remote.published or now, now))
    fresh.updated_at = now
    _describe(fresh, remote)
    row = {name: value for name, value in vars(fresh).items() if name in Actor.__table__.columns}
    insert_ignoring(session, Actor, [row])
    return session.scalars(select(Actor).where(Actor.uri == remote.id).with_for_update()).one()


def want_actor(session: Session, uri: str, now: datetime) -> None:
    """Have an actor's document read anew, soon. Asking twice while it is under way has it read once more."""
    want(session, "actor", uri, now)
    renewed = update(Errand).where(Errand.kind == "actor", Errand.uri == uri)
    session.execute(renewed.values(due_at=now, attempts=0, reason=""), execution_options={"synchronize_session": False})


def bury_actor(session: Session, actor: Actor, now: datetime) -> None:
    """Delete an account of another server: its posts, relations, reactions and keys; the row stays, empty.

    What our people and admins decided about it stays too: who says goodbye and comes back is blocked, muted and suspended
    as before (abuse case L16).
    """
    actor.deleted_at = actor.deleted_at or now
    actor.name = actor.summary_html = actor.summary_source = ""
    actor.fields, actor.details, actor.also_known_as = [], {}, []
    actor.url = actor.icon_url = actor.image_url = None
    actor.followers_count = actor.following_count = actor.posts_count = 0
    session.flush()
    quiet = {"synchronize_session": False}
    _uncount(session, actor.id)
    _take_votes_back(session, actor.id, now)
    posts = select(Post.id).where(Post.author_id == actor.id)
    forget_passed_on(session, posts, now)
    boosts = select(Boost.id).where(Boost.actor_id == actor.id)
    session.execute(delete(TimelineEntry).where(TimelineEntry.boost_id.in_(boosts)), execution_options=quiet)
    for table in (TimelineEntry, Notification, Attachment, Hashtag, Mention, PostVersion, Pin, Like, Boost):
        session.execute(delete(table).where(table.post_id.in_(posts)), execution_options=quiet)
    empty = {"deleted_at": now, "content_html": "", "content_raw": None, "title": "", "summary": "", "poll": None, "event": None}
    alive = update(Post).where(Post.author_id == actor.id, Post.deleted_at.is_(None))
    session.execute(alive.values(**empty), execution_options=quiet)
    session.execute(delete(Notification).where(Notification.from_actor_id == actor.id), execution_options=quiet)
    columns = (
        Like.actor_id, Boost.actor_id, Pin.actor_id, ActorKey.actor_id, Follow.follower_id, Follow.target_id, Block.actor_id,
        Mention.actor_id,
    )  # fmt: skip
    for column in columns:
        session.execute(delete(column.class_).where(column == actor.id), execution_options=quiet)


def _uncount(session: Session, actor_id: int) -> None:
    """Take the actor's follows, likes and boosts off the numbers of others."""
    quiet = {"synchronize_session": False}
    accepted = Follow.state == "accepted"
    followed = select(Follow.target_id).where(Follow.follower_id == actor_id, accepted)
    following = select(Follow.follower_id).where(Follow.target_id == actor_id, accepted)
    fewer = ((Actor.followers_count, followed), (Actor.following_count, following))
    for column, whose in fewer:
        counted = update(Actor).where(Actor.id.in_(whose), column > 0)
        session.execute(counted.values({column: column - 1}), execution_options=quiet)
    for table, column in ((Like, Post.likes_count), (Boost, Post.boosts_count)):
        posts = select(table.post_id).where(table.actor_id == actor_id)
        session.execute(update(Post).where(Post.id.in_(posts), column > 0).values({column: column - 1}), execution_options=quiet)


def _take_votes_back(session: Session, actor_id: int, now: datetime) -> None:
    """Delete the actor's votes and take them off the counts: nobody votes twice by leaving in between."""
    quiet = {"synchronize_session": False}
    voted = select(PollVote.post_id).where(PollVote.actor_id == actor_id)
    # One voter at a time, as in `receive.votes`: what the last one left is read after the row is held.
    polls = select(Post.id, Post.uri, Post.poll).where(Post.id.in_(voted)).order_by(Post.id).with_for_update()
    for post_id, uri, poll in session.execute(polls).all():
        mine = (PollVote.post_id == post_id, PollVote.actor_id == actor_id)
        chosen = PollOption.id.in_(select(PollVote.option_id).where(*mine))
        fewer = update(PollOption).where(chosen, PollOption.votes_count > 0)
        session.execute(fewer.values(votes_count=PollOption.votes_count - 1), execution_options=quiet)
        if poll is not None:
            counted = {**poll, "voters": max((poll.get("voters") or 0) - 1, 0)}
            session.execute(update(Post).where(Post.id == post_id).values(poll=counted), execution_options=quiet)
            want_told(session, uri, now)
        session.execute(delete(PollVote).where(*mine), execution_options=quiet)


def _describe(actor: Actor, remote: RemoteActor) -> None:
    actor.kind = remote.type
    actor.username = remote.preferred_username
    actor.name = plain_text(remote.name or "", MAX_NAME).replace("\n", " ")
    actor.summary_html = clean(remote.summary or "")
    actor.fields = [[plain_text(name, 255).replace("\n", " "), clean(value)] for name, value in remote.fields]
    actor.url = remote.url
    actor.inbox = remote.inbox
    actor.shared_inbox = remote.shared_inbox
    actor.outbox = remote.outbox
    actor.followers_uri = remote.followers
    actor.following_uri = remote.following
    actor.featured_uri = remote.featured
    actor.icon_url = remote.icon
    actor.image_url = remote.image
    actor.is_locked = remote.manually_approves_followers
    actor.is_discoverable = remote.discoverable
    actor.is_indexable = remote.indexable
    actor.also_known_as = list(remote.also_known_as)
    actor.moved_to_uri = remote.moved_to
    actor.details = {"moderators": remote.moderators} if remote.moderators else {}


def _keep_keys(session: Session, actor: Actor, records: tuple[PublicKeyRecord, ...], now: datetime) -> None:
    """Make the actor's keys those its document lists, and no others."""
    listed = {record.key_id: record for record in records if record.owner == actor.uri}
    for key in session.scalars(select(ActorKey).where(ActorKey.actor_id == actor.id)):
        record = listed.pop(key.key_id, None)
        if record is None:
            session.delete(key)
            continue
        key.public_pem, key.algorithm, key.fetched_at = record.pem, record.algorithm.value, now
    session.flush()
    # A key id that another actor of that origin has is not taken away from it.
    rows = [
        {
            "id": new_id(now), "actor_id": actor.id, "key_id": key_id, "algorithm": record.algorithm.value,
            "public_pem": record.pem, "fetched_at": now,
        }
        for key_id, record in listed.items()
    ]  # fmt: skip
    insert_ignoring(session, ActorKey, rows)

"""Follow: somebody elsewhere wants to hear one of ours."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from federation import activities
from federation.activities import Activity
from node.actions import feeds
from node.actions.receive.context import Context, Outcome, done, find_local_actor, ignored, is_id_taken, refused
from node.actions.sending import send
from node.database import new_id
from node.models import Actor, Block, Follow
from node.policy import PeerState
from node.queries.audience import recipient_of


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Accept at once, or keep the request when the member asks to be asked or the peer is limited.

    A repeated Follow is answered again with the same answer; a blocked actor's is rejected.
    """
    sender, now = context.sender, context.now
    if activity.id is None:
        return refused("no_id")
    target = find_local_actor(session, activity.object_uri)
    if target is None or target.kind == "Application":
        return ignored("no_such_actor")
    if session.scalar(select(Block.id).where(Block.actor_id == target.id, Block.target_id == sender.id)) is not None:
        _answer(session, "Reject", activity.id, target, context)
        return refused("blocked")
    known = session.scalar(select(Follow).where(Follow.follower_id == sender.id, Follow.target_id == target.id))
    if (known is None or known.uri != activity.id) and is_id_taken(session, Follow, activity.id):
        return refused("id_used_before")
    if known is not None:
        known.uri = activity.id
        session.flush()
        if known.state == "accepted":
            _answer(session, "Accept", activity.id, target, context)
        return done("again")
    waits = target.is_locked or _is_limited(context)
    follow = Follow(
        id=new_id(now), follower_id=sender.id, target_id=target.id, uri=activity.id, created_at=now,
        state="pending" if waits else "accepted", accepted_at=None if waits else now,
    )  # fmt: skip
    session.add(follow)
    session.flush()
    feeds.notify(session, target.id, "follow_request" if waits else "follow", from_actor_id=sender.id, now=now)
    if waits:
        return done("waits")
    count_follow(session, sender.id, target.id, 1)
    _answer(session, "Accept", activity.id, target, context)
    return done()


def count_follow(session: Session, follower_id: int, target_id: int, by: int) -> None:
    """Add `by` (1 or -1) to both sides' numbers."""
    quiet = {"synchronize_session": False}
    followed = update(Actor).where(Actor.id == target_id, Actor.followers_count + by >= 0)
    session.execute(followed.values(followers_count=Actor.followers_count + by), execution_options=quiet)
    following = update(Actor).where(Actor.id == follower_id, Actor.following_count + by >= 0)
    session.execute(following.values(following_count=Actor.following_count + by), execution_options=quiet)


def _is_limited(context: Context) -> bool:
    rule = context.rules.peer_for(context.sender.host)
    return rule is not None and rule.state is PeerState.LIMITED


def _answer(session: Session, kind: str, follow_uri: str, target: Actor, context: Context) -> None:
    """Send Accept or Reject with the Follow embedded, as Mastodon wants it."""
    sender = context.sender
    wish = activities.follow(id=follow_uri, actor=sender.uri, object=target.uri)
    writer = activities.accept if kind == "Accept" else activities.reject
    send(
        session,
        target,
        kind,
        lambda uri: writer(id=uri, actor=target.uri, object=wish, to=(sender.uri,)),
        [recipient_of(sender)],
        audience=None,
        object_uri=follow_uri,
        is_personal=True,
        settings=context.settings,
        rules=context.rules,
        now=context.now,
    )

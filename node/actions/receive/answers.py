"""Accept and Reject: the answer to a Follow that one of ours has sent."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.activities import Activity
from node.actions import feeds
from node.actions.receive.context import Context, Outcome, done, find_local_actor, ignored, refused
from node.actions.receive.follow import count_follow
from node.models import Actor, Follow


def accept(session: Session, activity: Activity, context: Context) -> Outcome:
    """The sender says yes to a follow of ours (case A13: only its target can)."""
    follow = _asked_for(session, activity, context)
    if follow is None:
        return refused("no_such_follow")
    if follow.state == "accepted":
        return ignored("accepted_before")
    follow.state, follow.accepted_at = "accepted", context.now
    session.flush()
    count_follow(session, follow.follower_id, follow.target_id, 1)
    feeds.fill_home(session, follow.follower_id, follow.target_id)
    feeds.notify(session, follow.follower_id, "follow_accepted", from_actor_id=follow.target_id, now=context.now)
    return done()


def reject(session: Session, activity: Activity, context: Context) -> Outcome:
    """The sender says no, or takes an earlier yes back (case A14: only the target can)."""
    follow = _asked_for(session, activity, context)
    if follow is None:
        return refused("no_such_follow")
    if follow.state == "accepted":
        count_follow(session, follow.follower_id, follow.target_id, -1)
    feeds.empty_home(session, follow.follower_id, follow.target_id)
    session.delete(follow)
    session.flush()
    return done()


def _asked_for(session: Session, activity: Activity, context: Context) -> Follow | None:
    """Return the follow of one of ours that this answers: of the sender, by its id, or by who follows whom."""
    mine = select(Follow).join(Actor, Actor.id == Follow.follower_id)
    mine = mine.where(Follow.target_id == context.sender.id, Actor.host == "")
    if activity.object_uri is not None:
        follow = session.scalar(mine.where(Follow.uri == activity.object_uri))
        if follow is not None:
            return follow if _says_the_same(session, activity, follow, context) else None
    embedded = activity.object
    if embedded is None or not embedded.is_a("Follow") or embedded.uri("object") != context.sender.uri:
        return None
    if activity.object_uri is not None and context.memory.is_ours(activity.object_uri):
        return None  # an id of ours that names no follow of ours is an old one, or made up
    follower = find_local_actor(session, embedded.uri("actor"))
    return session.scalar(mine.where(Follow.follower_id == follower.id)) if follower is not None else None


def _says_the_same(session: Session, activity: Activity, follow: Follow, context: Context) -> bool:
    """Say whether an embedded Follow, if there is one, is the one its id belongs to."""
    embedded = activity.object
    if embedded is None:
        return True
    target = embedded.uri("object")
    follower = find_local_actor(session, embedded.uri("actor"))
    return target in (None, context.sender.uri) and (follower is None or follower.id == follow.follower_id)

"""Block: somebody elsewhere wants nothing to do with one of ours. Kept, and never shown."""

from __future__ import annotations

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from federation.activities import Activity
from node.actions import feeds
from node.actions.feeds import insert_ignoring
from node.actions.receive.context import Context, Outcome, done, find_local_actor, ignored, is_id_taken, refused
from node.actions.receive.follow import count_follow
from node.database import new_id
from node.models import Block, Follow


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Keep the block and end the follows between the two. A Group's ban (with a target) is not one."""
    sender, now = context.sender, context.now
    if activity.target is not None and activity.target != sender.uri:
        return ignored("on_behalf_of_another")
    target = find_local_actor(session, activity.object_uri)
    if target is None:
        return ignored("no_such_actor")
    known = select(Block.id).where(Block.actor_id == sender.id, Block.target_id == target.id)
    if session.scalar(known) is None and is_id_taken(session, Block, activity.id):
        return refused("id_used_before")
    row = {"id": new_id(now), "actor_id": sender.id, "target_id": target.id, "uri": activity.id, "created_at": now}
    insert_ignoring(session, Block, [row])
    between = or_(
        and_(Follow.follower_id == sender.id, Follow.target_id == target.id),
        and_(Follow.follower_id == target.id, Follow.target_id == sender.id),
    )
    for follow in session.scalars(select(Follow).where(between)).all():
        if follow.state == "accepted":
            count_follow(session, follow.follower_id, follow.target_id, -1)
        if follow.follower_id == target.id:
            feeds.empty_home(session, target.id, sender.id)
        session.delete(follow)
    session.flush()
    return done()

"""Like and EmojiReact: somebody elsewhere likes a post. A reaction counts as a like (FEP-c0e0)."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from federation.activities import Activity
from node.actions import feeds
from node.actions.receive.context import Context, Outcome, done, find_post, ignored, is_id_taken, refused
from node.database import new_id
from node.models import Like, Post
from node.policy import Audience
from node.policy.audiences import is_open
from node.queries import audience


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Count the like, once for each actor, if the sender can see the post (case A20)."""
    sender, now = context.sender, context.now
    post = find_post(session, activity.object_uri)
    if post is None:
        return ignored("no_such_post")
    if not sees(session, post, context):
        return refused("not_for_sender")
    if activity.id is not None and context.memory.is_buried(activity.id):
        return ignored("taken_back")
    if session.scalar(select(Like.id).where(Like.post_id == post.id, Like.actor_id == sender.id)) is not None:
        return ignored("liked_before")
    if is_id_taken(session, Like, activity.id):
        return refused("id_used_before")
    session.add(Like(id=new_id(now), post_id=post.id, actor_id=sender.id, uri=activity.id, created_at=now))
    session.flush()
    more = update(Post).where(Post.id == post.id).values(likes_count=Post.likes_count + 1)
    session.execute(more, execution_options={"synchronize_session": False})
    if post.is_local:
        feeds.notify(session, post.author_id, "like", from_actor_id=sender.id, post_id=post.id, now=now)
    return done()


def sees(session: Session, post: Post, context: Context) -> bool:
    """Say whether the sender can see `post`, as far as we can know: others' narrower posts are not ours to judge."""
    sender = context.sender
    if post.author_id == sender.id:
        return True
    if not post.is_local:
        return is_open(Audience(post.audience))
    viewer = audience.viewer_server(sender.id, sender.host)
    return audience.may_see(session, viewer, post, context.rules, context.now)

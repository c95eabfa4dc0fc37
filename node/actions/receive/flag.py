"""Flag: another server asks our moderators to look at one of ours."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.activities import Activity
from node.actions import feeds
from node.actions.receive.context import Context, Outcome, done, ignored
from node.content.cleaning import plain_text
from node.database import new_id
from node.models import Actor, Member, Post, Report
from node.queries import audience

LONGEST_COMMENT = 5_000


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Keep the report, with those of the posts named that the reporter can see (case A25)."""
    sender, now = context.sender, context.now
    if activity.id is None:
        return ignored("no_id")
    if session.scalar(select(Report.id).where(Report.uri == activity.id)) is not None:
        return ignored("reported_before")
    named = activity.raw.uris("object")
    posts = _seen(session, named, context)
    target = session.scalar(select(Actor).where(Actor.uri.in_(named), Actor.host == "", Actor.deleted_at.is_(None)).limit(1))
    target_id = target.id if target is not None else posts[0].author_id if posts else None
    if target_id is None:
        return ignored("nobody_of_ours")
    post_ids = [post.id for post in posts if post.author_id == target_id]
    comment = plain_text(activity.raw.text("content", LONGEST_COMMENT) or "", LONGEST_COMMENT)
    session.add(
        Report(
            id=new_id(now), uri=activity.id, reporter_id=sender.id, target_id=target_id, post_ids=post_ids, comment=comment,
            created_at=now,
        )
    )  # fmt: skip
    session.flush()
    moderators = select(Member.actor_id).where(Member.role.in_(("moderator", "admin")), Member.suspended_at.is_(None))
    for actor_id in session.scalars(moderators).all():
        feeds.notify(session, actor_id, "report", from_actor_id=sender.id, post_id=next(iter(post_ids), None), now=now)
    return done()


def _seen(session: Session, named: tuple[str, ...], context: Context) -> list[Post]:
    viewer = audience.viewer_server(context.sender.id, context.sender.host)
    posts = session.scalars(select(Post).where(Post.uri.in_(named), Post.is_local.is_(True), Post.deleted_at.is_(None)))
    return [post for post in posts.all() if audience.may_see(session, viewer, post, context.rules, context.now)]

"""Passing on what others answer us (ActivityPub 7.1.2): a public reply to a post of ours, addressed to our followers.

The body leaves as it came, in the lanes of the actor whose followers it is addressed to, who signs the requests. Nothing
is widened: post and reply are both open to anybody, and the gate is asked for each server. Every activity is passed on
once: its id is the row's.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from federation.activities import Activity
from federation.objects import RemoteObject
from node.actions.receive.context import Context
from node.actions.remote import PostRef
from node.actions.remote.addressees import audience_of
from node.actions.sending import former_recipients, pass_on
from node.database import id_floor
from node.models import Activity as Sent
from node.models import Actor, Block, Post
from node.policy import Audience
from node.policy.audiences import is_open
from node.queries import audience as audiences
from node.queries.audience import Recipient

MOST_AN_HOUR = 100
"""Activities passed on for one of ours in an hour: nobody makes us flood our followers."""
MOST_ADDRESSEES = 50
"""Addressees of a reply among which our followers are looked for."""


def pass_on_reply(session: Session, activity: Activity, remote: RemoteObject, reply: PostRef, context: Context) -> None:
    """Pass a Create on whose object was just kept as `reply`, if it is one to pass on."""
    if remote.in_reply_to is None or not context.memory.is_ours(remote.in_reply_to):
        return  # the way of nearly everything: nothing is asked
    answered = context.memory.post(remote.in_reply_to)
    if answered is None or answered.is_deleted or not answered.is_local or not is_open(Audience(answered.audience)):
        return
    if not is_open(Audience(reply.audience)) or not _is_said_openly(activity, remote, context):
        return
    owner = _addressed(session, activity, remote, answered, context)
    if owner is not None:
        followers = audiences.recipients(session, owner.id, Audience(reply.audience), ())
        _pass_on(session, activity, owner, followers, reply.id, Audience(reply.audience), context)


def pass_on_change(
    session: Session, activity: Activity, post: Post, context: Context, remote: RemoteObject | None = None
) -> None:
    """Pass an Update (`remote` is what it says) or a Delete on to every server that got the reply `post` from us."""
    if post.deleted_at is not None or post.in_reply_to_uri is None or not context.memory.is_ours(post.in_reply_to_uri):
        return
    if remote is not None and not (is_open(Audience(post.audience)) and _is_said_openly(activity, remote, context)):
        return
    owner = session.scalar(
        select(Actor)
        .join(Sent, Sent.actor_id == Actor.id)
        .where(Sent.post_id == post.id, Sent.kind == "Create", Actor.host == "", Actor.deleted_at.is_(None))
        .where(Actor.suspended_at.is_(None))
        .limit(1)
    )
    if owner is not None:
        audience = Audience(post.audience) if remote is not None else None
        _pass_on(session, activity, owner, former_recipients(session, post.id), post.id, audience, context)


def _is_said_openly(activity: Activity, remote: RemoteObject, context: Context) -> bool:
    """Say whether the body itself is for anybody, and hides no addressees in it."""
    if any(name in raw for raw in (activity.raw.raw, remote.raw.raw) for name in ("bto", "bcc")):
        return False
    sender = context.sender
    return is_open(audience_of(remote.addressing, sender.uri, sender.followers_uri))


def _addressed(session: Session, activity: Activity, remote: RemoteObject, answered: PostRef, context: Context) -> Actor | None:
    """Return the actor of ours whose followers the reply is addressed to: who was answered first. Blocks hold."""
    named = dict.fromkeys((*activity.addressing.everyone(), *remote.addressing.everyone()))
    ours = [uri for uri in named if context.memory.is_ours(uri)][:MOST_ADDRESSEES]
    if not ours:
        return None
    unwanted = exists().where(
        Block.target_id == context.sender.id, or_(Block.actor_id == Actor.id, Block.actor_id == answered.author_id)
    )
    alive = (Actor.host == "", Actor.deleted_at.is_(None), Actor.suspended_at.is_(None), ~unwanted)
    owners = session.scalars(select(Actor).where(Actor.followers_uri.in_(ours), *alive).order_by(Actor.id)).all()
    return min(owners, key=lambda actor: actor.id != answered.author_id, default=None)


def _pass_on(
    session: Session, activity: Activity, owner: Actor, recipients: list[Recipient], post_id: int, audience: Audience | None,
    context: Context,
) -> None:  # fmt: skip
    if activity.id is None or not context.body or _is_too_much(session, owner, context):
        return
    others = [recipient for recipient in recipients if recipient.host != context.sender.host]
    pass_on(
        session, owner, uri=activity.id, kind=activity.type, body=context.body, object_uri=activity.object_uri,
        post_id=post_id, audience=audience, recipients=others, rules=context.rules, now=context.now,
    )  # fmt: skip


def _is_too_much(session: Session, owner: Actor, context: Context) -> bool:
    hour_ago = id_floor(context.now - timedelta(hours=1))
    passed_on = select(func.count(Sent.id)).where(Sent.actor_id == owner.id, Sent.id > hour_ago)
    others = passed_on.where(~Sent.uri.startswith(context.settings.origin + "/", autoescape=True))
    return (session.scalar(others) or 0) >= MOST_AN_HOUR

"""The brakes that are on, and what waits because of them. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from node.models import Activity, Actor, Brake, BrakePass, Delivery, Lane, Member, Post, Space
from node.policy import Scope
from node.queries.audience import viewer_member, visible
from node.queries.peers import under


@dataclass(frozen=True, slots=True)
class BrakeLine:
    """A brake that is on: who pulled it (None: the command line, or somebody who has left), and how many deliveries wait."""

    scope: str
    subject: str
    why: str
    by: Actor | None
    pulled_at: datetime
    waiting: int
    servers: int


@dataclass(frozen=True, slots=True)
class HeldPost:
    """A post of which something waits behind a brake, with the number of servers."""

    post: Post
    author: Actor
    servers: int
    passes: bool


def on(session: Session) -> Sequence[BrakeLine]:
    """Return the brakes that are on, the widest first."""
    rows = session.execute(
        select(Brake, Actor)
        .outerjoin(Member, Member.id == Brake.member_id)
        .outerjoin(Actor, Actor.id == Member.actor_id)
        .order_by(Brake.scope != Scope.NODE, Brake.pulled_at, Brake.scope, Brake.subject)
    )
    lines = []
    for brake, by in rows.all():
        counted = select(func.count(Delivery.id), func.count(Lane.host.distinct())).select_from(Delivery)
        counted = counted.join(Lane, Lane.id == Delivery.lane_id).where(Delivery.state == "waiting", _covered(brake))
        waiting, servers = session.execute(counted).one()
        lines.append(BrakeLine(brake.scope, brake.subject, brake.why, by, brake.pulled_at, waiting, servers))
    return lines


def held_posts(session: Session, reader_id: int, limit: int = 20) -> Sequence[HeldPost]:
    """Return the newest posts that `reader_id` may see and of which a Create or Update waits behind a brake that is on."""
    brakes = session.scalars(select(Brake)).all()
    if not brakes:
        return ()
    passes = case((exists().where(BrakePass.activity_id == Activity.id), 1), else_=0)
    found = (
        select(Activity.post_id, func.count(Lane.host.distinct()).label("servers"), func.max(passes).label("passes"))
        .select_from(Delivery)
        .join(Lane, Lane.id == Delivery.lane_id)
        .join(Activity, Activity.id == Delivery.activity_id)
        .where(Delivery.state == "waiting", Activity.kind.in_(("Create", "Update")), Activity.post_id.is_not(None))
        .where(or_(*(_covered(brake) for brake in brakes)))
        .group_by(Activity.post_id)
        .order_by(Activity.post_id.desc())
        .limit(limit)
    )
    waiting = found.subquery()
    rows = session.execute(
        select(Post, Actor, waiting.c.servers, waiting.c.passes)
        .join(waiting, waiting.c.post_id == Post.id)
        .join(Actor, Actor.id == Post.author_id)
        .where(visible(viewer_member(reader_id)))
        .order_by(Post.id.desc())
    )
    return [HeldPost(post, author, servers, bool(passes)) for post, author, servers, passes in rows]


def _covered(brake: Brake) -> ColumnElement[bool]:
    """Return the condition on `Delivery` joined with `Lane` under which this brake holds it."""
    match brake.scope:
        case Scope.PEER:
            return under(Lane.host, brake.subject)
        case Scope.ACTOR:
            return exists().where(Actor.id == Lane.actor_id, Actor.username == brake.subject)
        case Scope.SPACE:
            inside = and_(Activity.id == Delivery.activity_id, Post.id == Activity.post_id, Space.id == Post.space_id)
            about = select(Space.id).where(inside, Space.name == brake.subject)
            return exists(about.correlate(Delivery))
    return Delivery.id.is_not(None)

"""Actors: found by name, handle, id or text, and how they stand to each other. Reads only.

Suspended and deleted actors are found by `get` and `by_uri` alone: a door that shows one says so itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, joinedload

from node.models import Actor, Block, Follow, Mute

LONGEST = "\U0010ffff"
"""Sorts behind every character: `prefix <= name < prefix + LONGEST` is an index range."""


@dataclass(frozen=True, slots=True)
class Relation:
    """How an actor stands to another. `following`: 'none', 'pending' or 'accepted'. `requested_by`: they asked to follow."""

    following: str = "none"
    followed_by: bool = False
    blocking: bool = False
    blocked_by: bool = False
    muting: bool = False
    requested_by: bool = False


def get(session: Session, actor_id: int) -> Actor | None:
    """Return the actor with this id of ours."""
    return session.get(Actor, actor_id)


def by_uri(session: Session, uri: str) -> Actor | None:
    """Return the actor with this ActivityPub id."""
    return session.scalar(select(Actor).where(Actor.uri == uri))


def by_name(session: Session, username: str) -> Actor | None:
    """Return our own actor of this name, in any case."""
    return by_handle(session, username, "")


def by_handle(session: Session, username: str, host: str) -> Actor | None:
    """Return the actor `@username@host`; `host` normalised, '' for ours. The name counts in any case.

    Where a server gave one name to several actors, the one known first keeps it: a later one takes over no handle.
    """
    alive = select(Actor).where(Actor.host == host, Actor.suspended_at.is_(None), Actor.deleted_at.is_(None))
    if host == "":
        return session.scalar(alive.where(Actor.username == username.lower()))
    exact = session.scalar(alive.where(Actor.username == username).order_by(Actor.id).limit(1))
    if exact is not None:
        return exact
    return session.scalar(alive.where(func.lower(Actor.username) == username.lower()).order_by(Actor.id).limit(1))


def search(session: Session, text: str, limit: int = 20) -> list[Actor]:
    """Return actors for what somebody typed: `@name`, `@name@host`, the start of a name, part of a name shown here.

    Ours come first. The text is taken literally (abuse case P16).
    """
    text = text.strip().removeprefix("@")
    name, _, host = text.lower().partition("@")
    if not name:
        return []
    named = and_(Actor.username >= name, Actor.username < name + LONGEST)
    if host:
        chosen = and_(named, Actor.host >= host, Actor.host < host + LONGEST)
    else:
        shown_here = and_(Actor.host == "", Actor.name.icontains(text, autoescape=True))
        chosen = or_(named, shown_here)
    found = select(Actor).where(chosen, Actor.suspended_at.is_(None), Actor.deleted_at.is_(None), Actor.kind != "Application")
    ours_first = case((Actor.host == "", 0), else_=1)
    return list(session.scalars(found.order_by(ours_first, Actor.username, Actor.host, Actor.id).limit(limit)))


def directory(session: Session, after: str = "", limit: int = 50) -> list[Actor]:
    """Return the members' actors by name, after the username `after`."""
    ours = select(Actor).where(Actor.host == "", Actor.kind == "Person", Actor.username > after)
    alive = ours.where(Actor.suspended_at.is_(None), Actor.deleted_at.is_(None))
    return list(session.scalars(alive.order_by(Actor.username).limit(limit)))


def followers(session: Session, actor_id: int, older_than: int | None = None, limit: int = 40) -> list[Follow]:
    """Return the accepted follows of the actor with `.follower` loaded, newest first; `older_than` is a follow's id."""
    return _follows(session, Follow.target_id == actor_id, "accepted", older_than, limit)


def following(session: Session, actor_id: int, older_than: int | None = None, limit: int = 40) -> list[Follow]:
    """Return the actor's accepted follows with `.target` loaded, newest first; `older_than` is a follow's id."""
    return _follows(session, Follow.follower_id == actor_id, "accepted", older_than, limit)


def follow_requests(session: Session, actor_id: int, older_than: int | None = None, limit: int = 40) -> list[Follow]:
    """Return the follows that wait for the actor's yes, with `.follower` loaded, newest first."""
    return _follows(session, Follow.target_id == actor_id, "pending", older_than, limit)


def sent_requests(session: Session, actor_id: int, older_than: int | None = None, limit: int = 40) -> list[Follow]:
    """Return the actor's own follows that wait for somebody's yes, with `.target` loaded, newest first."""
    return _follows(session, Follow.follower_id == actor_id, "pending", older_than, limit)


def follow(session: Session, follow_id: int) -> Follow | None:
    """Return the follow with both actors loaded."""
    return session.scalar(_loaded().where(Follow.id == follow_id))


def follow_between(session: Session, follower_id: int, target_id: int) -> Follow | None:
    """Return the follow of `target_id` by `follower_id`, in any state, with both actors loaded."""
    return session.scalar(_loaded().where(Follow.follower_id == follower_id, Follow.target_id == target_id))


def blocked(session: Session, actor_id: int, older_than: int | None = None, limit: int = 40) -> list[tuple[int, Actor]]:
    """Return (block's id, actor) of those the actor blocks, newest first."""
    return _turned_away(session, Block, actor_id, older_than, limit)


def muted(session: Session, actor_id: int, older_than: int | None = None, limit: int = 40) -> list[tuple[int, Actor]]:
    """Return (mute's id, actor) of those the actor mutes, newest first."""
    return _turned_away(session, Mute, actor_id, older_than, limit)


def relations(session: Session, actor_id: int, other_ids: Collection[int]) -> dict[int, Relation]:
    """Return how the actor stands to each of the others. Every id asked for is in the answer. Four statements."""
    ids = list(other_ids)
    if not ids:
        return {}
    led = select(Follow.target_id, Follow.state).where(Follow.follower_id == actor_id, Follow.target_id.in_(ids))
    following_states = dict(session.execute(led).all())
    fans = select(Follow.follower_id, Follow.state).where(Follow.target_id == actor_id, Follow.follower_id.in_(ids))
    follower_states = dict(session.execute(fans).all())
    either = or_(
        and_(Block.actor_id == actor_id, Block.target_id.in_(ids)), and_(Block.target_id == actor_id, Block.actor_id.in_(ids))
    )
    blocks = set(session.execute(select(Block.actor_id, Block.target_id).where(either)))
    muted_ids = set(session.scalars(select(Mute.target_id).where(Mute.actor_id == actor_id, Mute.target_id.in_(ids))))
    return {
        other: Relation(
            following=following_states.get(other, "none"),
            followed_by=follower_states.get(other) == "accepted",
            blocking=(actor_id, other) in blocks,
            blocked_by=(other, actor_id) in blocks,
            muting=other in muted_ids,
            requested_by=follower_states.get(other) == "pending",
        )
        for other in ids
    }


def _loaded() -> Select[tuple[Follow]]:
    return select(Follow).options(joinedload(Follow.follower, innerjoin=True), joinedload(Follow.target, innerjoin=True))


def _follows(session: Session, whose, state: str, older_than: int | None, limit: int) -> list[Follow]:  # type: ignore[no-untyped-def]
    found = _loaded().where(whose, Follow.state == state)
    if older_than is not None:
        found = found.where(Follow.id < older_than)
    return list(session.scalars(found.order_by(Follow.id.desc()).limit(limit)))


def _turned_away(
    session: Session, table: type[Block] | type[Mute], actor_id: int, older_than: int | None, limit: int
) -> list[tuple[int, Actor]]:
    found = select(table.id, Actor).join(Actor, Actor.id == table.target_id).where(table.actor_id == actor_id)
    if older_than is not None:
        found = found.where(table.id < older_than)
    return [(key, actor) for key, actor in session.execute(found.order_by(table.id.desc()).limit(limit))]

"""Move: an actor elsewhere has a new home, and its followers here go with it (FEP-7628)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.activities import Activity
from federation.actors import RemoteActor
from node.actions import relations
from node.actions.receive.context import Context, Outcome, done, find_local_actor, ignored, refused
from node.actions.remote import keep_actor
from node.errors import ActionError
from node.models import Actor, Follow


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Have our followers follow the new actor, if both actors say that they are the same, each at its own id."""
    sender, target_uri = context.sender, activity.target
    if activity.object_uri != sender.uri or target_uri is None or target_uri == sender.uri:
        return refused("not_its_own_move")
    if sender.moved_to_uri == target_uri and not _followers(session, sender):
        return ignored("moved_before")
    target = find_local_actor(session, target_uri)
    if target is None and context.memory.is_ours(target_uri):
        return ignored("no_such_actor")
    wanted = (sender.uri,) if target is not None else (sender.uri, target_uri)
    here, *there = context.read(*wanted)
    if not isinstance(here, RemoteActor) or here.moved_to != target_uri:
        return refused("old_actor_does_not_agree")
    also_known_as = target.also_known_as if target is not None else _names(there[0])
    if sender.uri not in also_known_as:
        return refused("new_actor_does_not_agree")
    keep_actor(session, here, context.now)
    if target is None:
        assert isinstance(there[0], RemoteActor)
        target = keep_actor(session, there[0], context.now)
    for follower in _followers(session, sender):
        _go_with(session, follower, sender, target, context)
    return done()


def _names(remote: object) -> tuple[str, ...]:
    return remote.also_known_as if isinstance(remote, RemoteActor) else ()


def _followers(session: Session, sender: Actor) -> list[Actor]:
    follows = select(Actor).join(Follow, Follow.follower_id == Actor.id)
    return list(session.scalars(follows.where(Follow.target_id == sender.id, Actor.host == "", Actor.deleted_at.is_(None))))


def _go_with(session: Session, follower: Actor, old: Actor, new: Actor, context: Context) -> None:
    """Follow the new actor before leaving the old one: who may not follow it (a block, the gate) stays where they are."""
    ways = {"settings": context.settings, "rules": context.rules, "now": context.now}
    if follower.id == new.id:
        return
    try:
        relations.follow(session, follower, new, **ways)
    except ActionError:
        return
    relations.unfollow(session, follower, old, **ways)

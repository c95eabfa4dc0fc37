"""Rows by the ids clients send: there for the caller, or a 404 that tells nothing."""

from __future__ import annotations

from sqlalchemy.orm import Session

from node.api.guards import Caller
from node.errors import N_, NotThere
from node.models import Actor, Post
from node.policy import Audience
from node.queries import actors, posts, surroundings
from node.queries.audience import Kind, read_decision
from node.runtime import current_node


def nothing() -> NotThere:
    """Return the answer for what is not there, or not there for the caller (abuse case L02: both look the same)."""
    return NotThere("not_there", N_("Record not found"))


def the_post(session: Session, caller: Caller, post_id: int, *, through_boosts: bool = True) -> Post:
    """Return the post with all its parts, if the caller may see it. A boost's id leads to its post."""
    post = posts.get(session, post_id, caller.viewer)
    if post is None and through_boosts:
        boosted_id = surroundings.boosted_post_id(session, post_id)
        post = posts.get(session, boosted_id, caller.viewer) if boosted_id is not None else None
    if post is None or not _passes_gate(session, caller, post):
        raise nothing()
    return post


def own_post(session: Session, caller: Caller, post_id: int) -> Post:
    """Return a post of the caller's own, with all its parts."""
    post = the_post(session, caller, post_id, through_boosts=False)
    if post.author_id != caller.actor_id:
        raise nothing()
    return post


def the_actor(session: Session, caller: Caller, actor_id: int) -> Actor:
    """Return a living actor. Strangers are told of ours alone: others' own servers answer for them."""
    actor = actors.get(session, actor_id)
    if actor is None or actor.suspended_at is not None or actor.deleted_at is not None:
        raise nothing()
    if caller.viewer.kind is not Kind.MEMBER and actor.host:
        raise nothing()
    return actor


def _passes_gate(session: Session, caller: Caller, post: Post) -> bool:
    if caller.viewer.kind is Kind.MEMBER:
        return True
    node = current_node()
    return read_decision(caller.viewer, Audience(post.audience), node.rules(session), node.now()).is_yes

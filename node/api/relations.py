"""Follow, block, mute, and the answers to those who ask to follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from node.actions import relations
from node.api import limits
from node.api.entities.accounts import relationship
from node.api.found import nothing, the_actor
from node.api.given import given
from node.api.guards import Caller, View
from node.api.paging import page, paged
from node.api.shown import accounts_of
from node.database import db, transaction
from node.errors import N_, NotAllowed
from node.queries import actors
from node.runtime import current_node

ABOUT_OTHERS = frozenset({"follow", "block", "mute"})


def act(verb: str, does: Callable[..., Any]) -> View:
    """Return the view POST /api/v1/accounts/:id/`verb`."""

    def view(caller: Caller, account_id: int) -> dict[str, Any]:
        node = current_node()
        rules = node.rules(db.session())
        if verb == "follow":
            limits.count("follow", str(caller.member.id))
        if verb in ABOUT_OTHERS and account_id == caller.actor_id:
            raise NotAllowed("oneself", N_("This action is not allowed"))
        with transaction() as session:
            target = the_actor(session, caller, account_id)
            does(session, caller.actor, target, settings=node.settings, rules=rules, now=node.now())
        return _relation(caller, account_id)

    view.__name__ = verb
    return view


follow = act("follow", relations.follow)
unfollow = act("unfollow", relations.unfollow)
block = act("block", relations.block)
unblock = act("unblock", relations.unblock)
mute = act("mute", relations.mute)
unmute = act("unmute", relations.unmute)
remove_from_followers = act("remove_from_followers", relations.remove_follower)


def requests(caller: Caller) -> Response:
    """GET /api/v1/follow_requests"""
    wanted = page(given(), 40, 80)
    waiting = actors.follow_requests(db.session(), caller.actor_id, wanted.older_than, wanted.limit)
    waiting = [follow for follow in waiting if wanted.holds(follow.id)]
    return paged(accounts_of(caller, [follow.follower for follow in waiting]), [follow.id for follow in waiting])


def authorize_request(caller: Caller, account_id: int) -> dict[str, Any]:
    """POST /api/v1/follow_requests/:account_id/authorize"""
    return _answer(caller, account_id, relations.accept_follow)


def reject_request(caller: Caller, account_id: int) -> dict[str, Any]:
    """POST /api/v1/follow_requests/:account_id/reject"""
    return _answer(caller, account_id, relations.reject_follow)


def blocks(caller: Caller) -> Response:
    """GET /api/v1/blocks"""
    wanted = page(given(), 40, 80)
    rows = [row for row in actors.blocked(db.session(), caller.actor_id, wanted.older_than, wanted.limit) if wanted.holds(row[0])]
    return paged(accounts_of(caller, [actor for _, actor in rows]), [key for key, _ in rows])


def mutes(caller: Caller) -> Response:
    """GET /api/v1/mutes"""
    wanted = page(given(), 40, 80)
    rows = [row for row in actors.muted(db.session(), caller.actor_id, wanted.older_than, wanted.limit) if wanted.holds(row[0])]
    entities = [entity | {"mute_expires_at": None} for entity in accounts_of(caller, [actor for _, actor in rows])]
    return paged(entities, [key for key, _ in rows])


def _answer(caller: Caller, account_id: int, does: Callable[..., Any]) -> dict[str, Any]:
    node = current_node()
    rules = node.rules(db.session())
    with transaction() as session:
        waiting = actors.follow_between(session, account_id, caller.actor_id)
        if waiting is None or waiting.state != "pending":
            raise nothing()
        does(session, waiting, settings=node.settings, rules=rules, now=node.now())
    return _relation(caller, account_id)


def _relation(caller: Caller, account_id: int) -> dict[str, Any]:
    return relationship(account_id, actors.relations(db.session(), caller.actor_id, [account_id])[account_id])

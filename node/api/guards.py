"""Who stands at this door: the token, the member behind it, and what both may do here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any

from flask import Response, request

from node.actions import clients
from node.api import limits
from node.api.answers import Refused, answer
from node.api.given import LARGEST
from node.api.scopes import covers
from node.database import db, transaction
from node.models import AccessToken, Actor, Member
from node.policy import Mode
from node.queries.audience import ANONYMOUS, Viewer, viewer_member
from node.runtime import current_node

View = Callable[..., Any]
MEMBERS_ONLY = "This method requires an authenticated user"


class Who(StrEnum):
    """Whom a route lets in."""

    DOORSTEP = "doorstep"
    """Anybody, even on a closed node: the way in itself."""
    STREET = "street"
    """Anybody, unless the node is closed."""
    APP = "app"
    """Any token, an app's own included."""
    MEMBER = "member"
    """A member's token."""


DOORSTEP, STREET, APP, MEMBER = Who.DOORSTEP, Who.STREET, Who.APP, Who.MEMBER


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `found_token` and `found_member` are None for strangers; an app's own token has no member."""

    viewer: Viewer
    found_token: AccessToken | None = None
    found_member: Member | None = None
    found_actor: Actor | None = None

    @property
    def token(self) -> AccessToken:
        """The token, on a route for APP or MEMBER."""
        assert self.found_token is not None
        return self.found_token

    @property
    def member(self) -> Member:
        """The member, on a route for MEMBER."""
        assert self.found_member is not None
        return self.found_member

    @property
    def actor(self) -> Actor:
        """The member's actor, on a route for MEMBER."""
        assert self.found_actor is not None
        return self.found_actor

    @property
    def actor_id(self) -> int:
        """The id of the member's actor, 0 for everybody else."""
        return self.viewer.actor_id


STRANGER = Caller(ANONYMOUS)


def guard(who: Who, scope: str, view: View) -> View:
    """Return `view` behind its guard: it is called with the Caller first and answers JSON."""

    @wraps(view)
    def guarded(**values: Any) -> Response:
        caller = find_caller() if who is not Who.DOORSTEP else _newcomer()
        _check(caller, who, scope)
        named = {name: read_id(value) if name.endswith("_id") else value for name, value in values.items()}
        return answer(view(caller, **named))

    return guarded


def find_caller() -> Caller:
    """Return who asks. A token that is sent must be good: Refused (401) otherwise."""
    secret = bearer()
    if not secret:
        limits.count("stranger", limits.address())
        return STRANGER
    now = current_node().now()
    token = clients.find_token(db.session(), secret, now)
    if token is None or (token.member is not None and token.member.actor.deleted_at is not None):
        limits.count("stranger", limits.address())
        raise _no_token("The access token is invalid")
    limits.count("any", str(token.id))
    if clients.is_due(token, now):
        with transaction(is_durable=False) as session:
            clients.note_use(session, token.id, now)
    if token.member is None:
        return Caller(ANONYMOUS, token)
    return Caller(viewer_member(token.member.actor_id), token, token.member, token.member.actor)


def bearer() -> str:
    """Return the secret in the Authorization header (RFC 6750), '' when there is none. Never from a URL: URLs are logged."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


def read_id(text: str) -> int:
    """Return the id in a path. Refused (404) for what none of ours can be."""
    if not (text.isascii() and text.isdigit()) or int(text) > LARGEST:
        raise Refused(404, "Record not found")
    return int(text)


def _newcomer() -> Caller:
    """On the doorstep an old token does no harm: who comes in anew may still be carrying it."""
    limits.count("stranger", limits.address())
    return STRANGER


def _check(caller: Caller, who: Who, scope: str) -> None:
    if who is Who.DOORSTEP:
        return
    if caller.found_member is None and who is Who.STREET and current_node().rules(db.session()).mode is Mode.CLOSED:
        raise _no_token(MEMBERS_ONLY)  # abuse case L21
    if caller.found_token is None:
        if who is not Who.STREET:
            raise _no_token(MEMBERS_ONLY)
        return
    if caller.found_member is None and who is Who.MEMBER:
        raise Refused(422, MEMBERS_ONLY)
    if not covers(caller.token.scopes, scope):
        raise Refused(403, "This action is outside the authorized scopes")


def _no_token(words: str) -> Refused:
    return Refused(401, words, WWW_Authenticate='Bearer realm="Courtyard", error="invalid_token"')

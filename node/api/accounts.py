"""Accounts: one's own, others', who follows whom, and what they said."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from federation.errors import FederationError
from federation.origins import normalise_host
from node.actions import profile
from node.api import searching
from node.api.entities.accounts import credential_account, relationship
from node.api.entities.values import CHOSEN_BY, SHOWN_AS
from node.api.found import nothing, the_actor
from node.api.given import Given, given
from node.api.guards import Caller
from node.api.paging import page, paged
from node.api.shown import account_of, accounts_of, lines_of, statuses_of
from node.api.timelines import keys, show
from node.database import db, transaction
from node.errors import N_, Invalid
from node.models import Actor
from node.policy import Audience
from node.queries import actors, members, posts, timelines
from node.queries.audience import Kind
from node.runtime import current_node

MOST_REQUESTS_COUNTED = 40


def verify_credentials(caller: Caller) -> dict[str, Any]:
    """GET /api/v1/accounts/verify_credentials"""
    waiting = len(actors.follow_requests(db.session(), caller.actor_id, limit=MOST_REQUESTS_COUNTED))
    return credential_account(caller.member, caller.actor, current_node().settings.origin, waiting)


def update_credentials(caller: Caller) -> dict[str, Any]:
    """PATCH /api/v1/accounts/update_credentials"""
    values = _profile_values(given(), caller)
    node = current_node()
    rules = node.rules(db.session())
    with transaction() as session:
        member = members.get(session, caller.member.id)
        if member is None:
            raise nothing()
        profile.update(session, member, settings=node.settings, rules=rules, now=node.now(), **values)
    return verify_credentials(caller)


def preferences(caller: Caller) -> dict[str, Any]:
    """GET /api/v1/preferences"""
    return {
        "posting:default:visibility": SHOWN_AS[Audience(caller.member.default_audience)],
        "posting:default:sensitive": False,
        "posting:default:language": caller.member.language or None,
        "reading:expand:media": "default",
        "reading:expand:spoilers": False,
        "reading:autoplay:gifs": False,
        "courtyard:posting:default:audience": caller.member.default_audience,
    }


def show_one(caller: Caller, account_id: int) -> dict[str, Any]:
    """GET /api/v1/accounts/:id"""
    return account_of(caller, the_actor(db.session(), caller, account_id))


def show_many(caller: Caller) -> list[dict[str, Any]]:
    """GET /api/v1/accounts?id[]="""
    session = db.session()
    wanted = [actors.get(session, actor_id) for actor_id in given().ids("id")[:40]]
    return accounts_of(caller, [actor for actor in wanted if actor is not None and _is_shown(caller, actor)])


def lookup(caller: Caller) -> dict[str, Any]:
    """GET /api/v1/accounts/lookup?acct=: among those known here, without asking anybody."""
    actor = find_known(db.session(), given().text("acct", most=500))
    if actor is None or not _is_shown(caller, actor):
        raise nothing()
    return account_of(caller, actor)


def search(caller: Caller) -> list[dict[str, Any]]:
    """GET /api/v1/accounts/search"""
    wanted = given()
    limit = page(wanted, 40, 80).limit
    if (wanted.number("offset", 0) or 0) > 0:
        return []
    found = searching.find_actors(caller, wanted.text("q", most=500), resolve=wanted.flag("resolve"), limit=limit)
    if wanted.flag("following"):
        relations = actors.relations(db.session(), caller.actor_id, [actor.id for actor in found])
        found = [actor for actor in found if relations[actor.id].following == "accepted"]
    return accounts_of(caller, found)


def relationships(caller: Caller) -> list[dict[str, Any]]:
    """GET /api/v1/accounts/relationships?id[]="""
    wanted = list(dict.fromkeys(given().ids("id")))[:100]
    relations = actors.relations(db.session(), caller.actor_id, wanted)
    return [relationship(actor_id, relations[actor_id]) for actor_id in wanted]


def statuses(caller: Caller, account_id: int) -> Response:
    """GET /api/v1/accounts/:id/statuses"""
    session = db.session()
    wanted = given()
    actor = the_actor(session, caller, account_id)
    if wanted.flag("pinned"):
        pinned = posts.pinned(session, caller.viewer, actor.id)
        return paged(statuses_of(caller, pinned), [])
    if "tagged" in wanted:
        return _tagged(caller, actor, wanted)
    with_replies, with_boosts = not wanted.flag("exclude_replies"), not wanted.flag("exclude_reblogs")

    def fetch(part):  # type: ignore[no-untyped-def]
        return timelines.profile(
            session, caller.viewer, actor.id, with_replies=with_replies, with_boosts=with_boosts, **keys(part)
        )

    return show(caller, fetch, wanted)


def followers(caller: Caller, account_id: int) -> Response:
    """GET /api/v1/accounts/:id/followers"""
    session = db.session()
    wanted = page(given(), 40, 80)
    follows = actors.followers(session, the_actor(session, caller, account_id).id, wanted.older_than, wanted.limit)
    follows = [follow for follow in follows if wanted.holds(follow.id)]
    return paged(accounts_of(caller, [follow.follower for follow in follows]), [follow.id for follow in follows])


def following(caller: Caller, account_id: int) -> Response:
    """GET /api/v1/accounts/:id/following"""
    session = db.session()
    wanted = page(given(), 40, 80)
    follows = actors.following(session, the_actor(session, caller, account_id).id, wanted.older_than, wanted.limit)
    follows = [follow for follow in follows if wanted.holds(follow.id)]
    return paged(accounts_of(caller, [follow.target for follow in follows]), [follow.id for follow in follows])


def no_list_of(caller: Caller, account_id: int) -> list[Any]:
    """Answer for what nobody has here: lists with this account, its featured tags."""
    the_actor(db.session(), caller, account_id)
    return []


def find_known(session: Session, text: str) -> Actor | None:
    """Return the actor of `name`, `name@our.host` or `name@host`, as far as known here."""
    settings = current_node().settings
    name, _, host = text.strip().removeprefix("acct:").removeprefix("@").partition("@")
    if not name:
        return None
    try:
        normal = normalise_host(host, scheme=settings.scheme) if host else ""
    except FederationError:
        return None
    return actors.by_handle(session, name, "" if normal == settings.host else normal)


def _is_shown(caller: Caller, actor: Actor) -> bool:
    alive = actor.suspended_at is None and actor.deleted_at is None
    return alive and (caller.viewer.kind is Kind.MEMBER or not actor.host)


def _tagged(caller: Caller, actor: Actor, wanted: Given) -> Response:
    name = wanted.text("tagged", most=100)
    lines = [
        line
        for line in timelines.tag(db.session(), caller.viewer, name, **keys(page(wanted)))
        if line.post.author_id == actor.id
    ]
    return paged(lines_of(caller, lines), [line.entry_id for line in lines])


def _profile_values(wanted: Given, caller: Caller) -> dict[str, Any]:
    """Return what is to change, by the names `profile.update` takes."""
    if request.files or "avatar" in wanted or "header" in wanted:
        raise Invalid("media_later", N_("Pictures cannot be uploaded to this server yet."), "avatar")
    values: dict[str, Any] = {}
    for theirs, ours in (("display_name", "name"), ("note", "summary")):
        if theirs in wanted:
            values[ours] = wanted.text(theirs)
    for theirs, ours in (("locked", "is_locked"), ("discoverable", "is_discoverable"), ("indexable", "is_indexable")):
        if theirs in wanted:
            values[ours] = wanted.flag(theirs)
    if "fields_attributes" in wanted:
        parts = wanted.parts("fields_attributes")
        values["fields"] = [(part.text("name", most=255), part.text("value", most=2048)) for part in parts if part.text("name")]
    source = wanted.part("source")
    if "privacy" in source:
        values["default_audience"] = _default_audience(source.text("privacy"), caller)
    if "language" in source and source.text("language") in ("", "de", "en"):
        values["language"] = source.text("language")
    return values


def _default_audience(name: str, caller: Caller) -> Audience:
    """A client that sends back what it was shown changes nothing: `private` stands for several of ours."""
    current = Audience(caller.member.default_audience)
    if name not in CHOSEN_BY:
        raise Invalid("visibility", N_("There is no such visibility."), "privacy")
    return current if SHOWN_AS[current] == name else CHOSEN_BY[name]

"""Actors as accounts, and how they stand to each other."""

from __future__ import annotations

from typing import Any

from node.api.entities.values import SHOWN_AS, day, moment
from node.content import markdown
from node.models import Actor, Member
from node.policy import Audience
from node.queries.actors import Relation

NO_PICTURE = "/static/img/nobody.svg"
NO_HEADER = "/static/img/no-header.svg"
ROLE_IDS = {"moderator": "2", "admin": "3"}
NO_ROLE: dict[str, Any] = {"id": "-99", "name": "", "permissions": "0", "color": "", "highlighted": False}


def acct(actor: Actor) -> str:
    """Return 'anna' for ours and 'anna@host' for others."""
    return f"{actor.username}@{actor.host}" if actor.host else actor.username


def account(actor: Actor, origin: str, posts_count: int | None = None) -> dict[str, Any]:
    """Return the Account entity. `posts_count` stands in for the actor's own count where a reader may see less."""
    picture = f"{origin}/media/icon/{actor.id}" if actor.icon_url else f"{origin}{NO_PICTURE}"
    header = f"{origin}{NO_HEADER}"
    return {
        "id": str(actor.id),
        "username": actor.username,
        "acct": acct(actor),
        "display_name": actor.name,
        "locked": actor.is_locked,
        "bot": actor.kind in ("Service", "Application"),
        "group": actor.kind == "Group",
        "discoverable": actor.is_discoverable,
        "indexable": actor.is_indexable,
        "noindex": not actor.is_indexable,
        "created_at": moment(actor.created_at.replace(hour=0, minute=0, second=0, microsecond=0)),
        "note": actor.summary_html,
        "url": actor.url or actor.uri,
        "uri": actor.uri,
        "avatar": picture,
        "avatar_static": picture,
        "header": header,
        "header_static": header,
        "followers_count": actor.followers_count,
        "following_count": actor.following_count,
        "statuses_count": actor.posts_count if posts_count is None else posts_count,
        "last_status_at": day(actor.last_post_at) if posts_count is None else None,
        "hide_collections": None,
        "moved": None,
        "emojis": [],
        "roles": [],
        "fields": [_field(actor, name, value) for name, value in _pairs(actor)],
    }


def credential_account(member: Member, actor: Actor, origin: str, requests: int) -> dict[str, Any]:
    """Return the CredentialAccount entity: what a member sees of themselves. `requests`: who waits to follow them."""
    return account(actor, origin) | {
        "source": {
            "privacy": SHOWN_AS[Audience(member.default_audience)],
            "sensitive": False,
            "language": member.language or None,
            "note": actor.summary_source,
            "fields": [{"name": name, "value": value, "verified_at": None} for name, value in _pairs(actor)],
            "follow_requests_count": requests,
            "hide_collections": None,
            "discoverable": actor.is_discoverable,
            "indexable": actor.is_indexable,
        },
        "role": _role(member),
        "courtyard": {"default_audience": member.default_audience},
    }


def relationship(other_id: int, relation: Relation) -> dict[str, Any]:
    """Return the Relationship entity."""
    return {
        "id": str(other_id),
        "following": relation.following == "accepted",
        "requested": relation.following == "pending",
        "requested_by": relation.requested_by,
        "followed_by": relation.followed_by,
        "blocking": relation.blocking,
        "blocked_by": relation.blocked_by,
        "muting": relation.muting,
        "muting_notifications": relation.muting,
        "muting_expires_at": None,
        "showing_reblogs": relation.following == "accepted",
        "notifying": False,
        "languages": None,
        "domain_blocking": False,
        "endorsed": False,
        "note": "",
    }


def mention(actor: Actor) -> dict[str, Any]:
    """Return the mention of an actor in a status."""
    return {"id": str(actor.id), "username": actor.username, "acct": acct(actor), "url": actor.url or actor.uri}


def _role(member: Member) -> dict[str, Any]:
    return NO_ROLE if member.role == "member" else NO_ROLE | {"id": ROLE_IDS[member.role], "name": member.role.capitalize()}


def _pairs(actor: Actor) -> list[tuple[str, str]]:
    return [(str(pair[0]), str(pair[1])) for pair in actor.fields or () if len(pair) == 2]


def _field(actor: Actor, name: str, value: str) -> dict[str, Any]:
    """Ours are kept as typed, others' as clean HTML."""
    html = value if actor.host else markdown.link_text(value)
    return {"name": name, "value": html, "verified_at": None}

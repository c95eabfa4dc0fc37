"""What this node is, in the words of Mastodon's clients; and what we do not have, said so that no client breaks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from node.actions.drafts import LONGEST_OPTION, LONGEST_POLL, MOST_OPTIONS
from node.actions.reactions import MOST_PINS
from node.actions.texts import MOST_CHARACTERS
from node.api.found import nothing
from node.api.guards import Caller
from node.database import db
from node.policy import Mode
from node.queries import hosts, published, settings
from node.queries.settings import NodeProfile
from node.runtime import current_node
from node.version import VERSION

SPOKEN = "4.2.0"
"""The version of Mastodon's API this door comes closest to: clients choose their features by it."""
MOST_PEERS = 5000


def v2(caller: Caller) -> dict[str, Any]:
    """GET /api/v2/instance"""
    node, profile = current_node(), _profile()
    origin = node.settings.origin
    picture = f"{origin}/static/img/touch-icon.png"
    return {
        "domain": node.settings.host,
        "title": profile.name,
        "version": f"{SPOKEN} (compatible; Courtyard {VERSION})",
        "source_url": f"{origin}/about",
        "description": profile.description,
        "usage": {"users": {"active_month": _numbers(caller)["active"]}},
        "thumbnail": {"url": picture, "blurhash": None, "versions": {}},
        "icon": [{"src": picture, "size": "180x180"}],
        "languages": list(profile.languages),
        "configuration": _configuration() | {
            "urls": {"streaming": _streaming(), "about": f"{origin}/about", "privacy_policy": None, "terms_of_service": None},
            "vapid": {"public_key": ""},
            "translation": {"enabled": False},
            "limited_federation": node.rules(db.session()).mode is not Mode.OPEN,
        },
        "registrations": {"enabled": False, "approval_required": True, "message": None, "url": None},
        "api_versions": {"mastodon": 1},
        "contact": {"email": _mail(profile), "account": None},
        "rules": rules(caller),
    }  # fmt: skip


def v1(caller: Caller) -> dict[str, Any]:
    """GET /api/v1/instance"""
    node, profile, numbers = current_node(), _profile(), _numbers(caller)
    return {
        "uri": node.settings.host,
        "title": profile.name,
        "short_description": profile.description,
        "description": profile.description,
        "email": _mail(profile),
        "version": f"{SPOKEN} (compatible; Courtyard {VERSION})",
        "urls": {"streaming_api": _streaming()},
        "stats": {"user_count": numbers["members"], "status_count": numbers["posts"], "domain_count": numbers["hosts"]},
        "thumbnail": f"{node.settings.origin}/static/img/touch-icon.png",
        "languages": list(profile.languages),
        "registrations": False,
        "approval_required": True,
        "invites_enabled": False,
        "configuration": _configuration(),
        "contact_account": None,
        "rules": rules(caller),
    }


def rules(caller: Caller) -> list[dict[str, Any]]:
    """GET /api/v1/instance/rules: one a line, as the admins wrote them."""
    lines = [line.strip().lstrip("-*0123456789. ") for line in _profile().rules.splitlines()]
    return [{"id": str(number), "text": line, "hint": ""} for number, line in enumerate(filter(None, lines), start=1)]


def peers(caller: Caller) -> list[str]:
    """GET /api/v1/instance/peers: an open node's alone. Whom a company deals with is its own affair."""
    if current_node().rules(db.session()).mode is not Mode.OPEN:
        raise nothing()
    return list(hosts.known(db.session(), MOST_PEERS))


def extended_description(caller: Caller) -> dict[str, Any]:
    """GET /api/v1/instance/extended_description"""
    return {"updated_at": None, "content": _profile().description}


def empty_list(caller: Caller) -> list[Any]:
    """Answer for what does not exist here (lists, filters, trends...): none, so that clients show nothing and go on."""
    return []


def streaming_health(caller: Caller) -> str:
    """GET /api/v1/streaming/health"""
    return "OK"


def _profile() -> NodeProfile:
    return settings.public(db.session(), current_node().settings.federation)


def _mail(profile: NodeProfile) -> str:
    return profile.contact if "@" in profile.contact and " " not in profile.contact.strip() else ""


def _streaming() -> str:
    """Return where streaming would be. There is none yet: clients that are refused there ask again now and then."""
    return current_node().settings.origin.replace("http", "ws", 1)


def _numbers(caller: Caller) -> dict[str, int]:
    """Return the numbers an open node tells everybody, and any node its members; zeros for all others (FEP-0151)."""
    node = current_node()
    session = db.session()
    if caller.found_member is None and node.rules(session).mode is not Mode.OPEN:
        return {"members": 0, "active": 0, "posts": 0, "hosts": 0}
    counts = published.counts(session, node.now() - timedelta(days=30))
    return {
        "members": counts.members, "active": counts.active, "posts": counts.public_posts, "hosts": hosts.count(session),
    }  # fmt: skip


def _configuration() -> dict[str, Any]:
    return {
        "accounts": {"max_featured_tags": 0, "max_pinned_statuses": MOST_PINS},
        "statuses": {"max_characters": MOST_CHARACTERS, "max_media_attachments": 0, "characters_reserved_per_url": 23},
        "media_attachments": {
            "supported_mime_types": [], "image_size_limit": 0, "image_matrix_limit": 0, "video_size_limit": 0,
            "video_frame_rate_limit": 0, "video_matrix_limit": 0, "description_limit": 1500,
        },
        "polls": {
            "max_options": MOST_OPTIONS, "max_characters_per_option": LONGEST_OPTION, "min_expiration": 300,
            "max_expiration": int(LONGEST_POLL.total_seconds()),
        },
    }  # fmt: skip

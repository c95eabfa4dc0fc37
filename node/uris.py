"""Where our things live on the web: the one place that spells our URLs. `origin` is 'https://host[:port]'."""

from __future__ import annotations

from urllib.parse import urlsplit


def actor_uri(origin: str, username: str) -> str:
    return f"{origin}/users/{username}"


def node_actor_uri(origin: str) -> str:
    return f"{origin}/actor"


def space_uri(origin: str, name: str) -> str:
    return f"{origin}/spaces/{name}"


def shared_inbox_uri(origin: str) -> str:
    return f"{origin}/inbox"


def inbox_uri(actor: str) -> str:
    return f"{actor}/inbox"


def outbox_uri(actor: str) -> str:
    return f"{actor}/outbox"


def followers_uri(actor: str) -> str:
    return f"{actor}/followers"


def following_uri(actor: str) -> str:
    return f"{actor}/following"


def featured_uri(actor: str) -> str:
    return f"{actor}/collections/featured"


def post_uri(origin: str, username: str, post_id: int) -> str:
    return f"{origin}/users/{username}/posts/{post_id}"


def activity_uri(origin: str, activity_id: int) -> str:
    return f"{origin}/activities/{activity_id}"


def follow_uri(origin: str, follow_id: int) -> str:
    return f"{origin}/follows/{follow_id}"


def tag_uri(origin: str, name: str) -> str:
    return f"{origin}/tags/{name}"


def is_ours(uri: str, origin: str) -> bool:
    """Say whether `uri` lies in our namespace, in any spelling of scheme, case or default port."""
    from federation.errors import FederationError
    from federation.origins import host_of

    try:
        return host_of(uri) == host_of(origin)
    except FederationError:
        return False


def path_of(uri: str) -> str:
    """Return the URL's path with its query: what our routes match."""
    parts = urlsplit(uri)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path

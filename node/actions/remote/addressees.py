"""From what is written on the wire to our audiences. Pure; when in doubt, narrow."""

from __future__ import annotations

from federation.addressing import Addressing
from federation.origins import same_origin
from node.policy import Audience


def audience_of(addressing: Addressing, author_uri: str, followers_uri: str | None) -> Audience:
    """Return the audience an author's addressing means: public, unlisted, followers, or else direct."""
    if addressing.is_public:
        return Audience.PUBLIC
    if addressing.is_unlisted:
        return Audience.UNLISTED
    if any(_is_followers(uri, author_uri, followers_uri) for uri in (*addressing.to, *addressing.cc)):
        return Audience.FOLLOWERS
    return Audience.DIRECT


def _is_followers(uri: str, author_uri: str, followers_uri: str | None) -> bool:
    if followers_uri:
        return uri == followers_uri
    # An actor document may keep its followers to itself; the usual spelling under the author's own id is then taken.
    return uri.startswith(author_uri.rstrip("/") + "/") and uri.endswith("/followers") and same_origin(uri, author_uri)

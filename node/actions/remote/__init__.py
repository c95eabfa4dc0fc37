"""Keeps what other servers say about themselves: their actors, their posts, and what they took back.

Whoever calls has fetched or verified it; that a thing belongs to who says it is checked here once more. What an
activity does with it lives in `node.actions.receive`.
"""

from node.actions.remote.actors import bury_actor, keep_actor, want_actor
from node.actions.remote.changes import change_post
from node.actions.remote.known import Known, PostRef
from node.actions.remote.pins import keep_pins
from node.actions.remote.posts import NotAPost, keep_post, take_post
from node.actions.remote.tombstones import Buried, bury, bury_post

__all__ = [
    "Buried", "Known", "NotAPost", "PostRef", "bury", "bury_actor", "bury_post", "change_post", "keep_actor", "keep_pins",
    "keep_post", "take_post", "want_actor",
]  # fmt: skip

"""Asking other servers on somebody's behalf. The look-up itself, and what it may ask, is `node.lookups`."""

from __future__ import annotations

from flask import url_for

from federation.discovery import Handle
from node import lookups
from node.database import db
from node.errors import GateRefused
from node.models import Post
from node.queries import posts
from node.reading import reader_for
from node.runtime import current_node
from node.slots import Busy
from node.web.presenting import actor_url
from node.web.reading import viewer


def look_up_and_keep(text: str) -> str | None:
    """Find the actor or post behind a handle or an address and return its page here; None when there is none.

    Raises Invalid, GateRefused and NotThere, as `lookups.look_up`.
    """
    found = lookups.look_up(current_node(), text)
    if found is None:
        return None
    if isinstance(found, Post):
        # What is not for the visitor is answered like what is not there: no redirect tells that it is.
        seen = posts.get(db.session(), found.id, viewer())
        return url_for("web.any_post", post_id=found.id) if seen is not None else None
    return actor_url(found) if found.suspended_at is None and found.deleted_at is None else None


def why_not(text: str) -> GateRefused | None:
    """Return why the gate does not let us ask the server behind a handle or an address; None when it does."""
    return lookups.barred(current_node(), text)


def subscribe_address(handle: Handle) -> str | None:
    """Return the template under which the person's own server takes follows; None when it names none, or the gate
    does not let us ask it."""
    node = current_node()
    try:
        with node.slots.hold(handle.host):
            return lookups.subscribe_template(reader_for(node), handle)
    except Busy:
        return None

"""Asking other servers on a member's behalf: the network first, then one transaction (design, rule 4)."""

from __future__ import annotations

from federation.discovery import Handle


def look_up_and_keep(text: str) -> str | None:
    """Find the actor or post behind a handle or an address, keep it, and return its page here; None when there is none."""
    return None


def subscribe_address(handle: Handle) -> str | None:
    """Return the template under which the person's own server takes follows, or None when it names none."""
    return None

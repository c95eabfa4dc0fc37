"""How often somebody may try: sign-ins and invitations by address and by what they try, look-ups by member (W10)."""

from __future__ import annotations

from typing import cast

from flask import abort, current_app, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from node.networks import counted_as

ALLOWED = {
    "sign-in": ("10 per minute", "30 per 15 minutes"),
    "sign-in-address": ("40 per 15 minutes", "40 per 15 minutes"),
    "invitation": ("10 per minute", "60 per hour"),
    "invitation-address": ("60 per hour", "60 per hour"),
    "look-up": ("30 per minute", "300 per hour"),
    "remote-follow": ("10 per minute", "60 per hour"),
    "post": ("30 per minute", "300 per hour"),
}


def count_attempt(what: str, who: str) -> None:
    """Count one try of `who` at `what`, and of this address where that is limited too. Abort with 429 when it is too much."""
    limiter = cast("Limiter | None", current_app.extensions.get("courtyard.limiter"))
    if limiter is None or not limiter.enabled:
        return
    keys = [(what, who)] if who else []
    if f"{what}-address" in ALLOWED:
        keys.append((f"{what}-address", address()))
    for name, key in keys:
        for rate in set(ALLOWED[name]):
            if not _hit(limiter, parse(rate), name, key):
                abort(429)


def address() -> str:
    """Return what stands for the visitor's address: an IPv6 one by its /64."""
    return counted_as(request.remote_addr)


_spare = FixedWindowRateLimiter(MemoryStorage())


def _hit(limiter: Limiter, rate: RateLimitItem, name: str, key: str) -> bool:
    try:
        return limiter.limiter.hit(rate, "web", name, key)
    except (RedisError, OSError):
        return _spare.hit(rate, "web", name, key)  # Redis is away: each process counts for itself (R06)

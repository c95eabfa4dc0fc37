"""How often a client may ask: per token, or per address where there is none (abuse cases W10, D07)."""

from __future__ import annotations

from typing import cast

from flask import current_app, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from node.errors import N_, TooMany
from node.networks import counted_as

ALLOWED = {
    "any": ("600 per 5 minutes",),
    "stranger": ("300 per 5 minutes",),
    "app": ("30 per 10 minutes",),
    "token": ("30 per 5 minutes",),
    "post": ("30 per minute", "300 per 3 hours"),
    "delete": ("60 per 30 minutes",),
    "follow": ("60 per 10 minutes", "400 per day"),
    "look-up": ("30 per minute", "300 per hour"),
}


def count(what: str, who: str) -> None:
    """Count one request of `who`. Raises TooMany with the seconds to wait."""
    limiter = cast("Limiter | None", current_app.extensions.get("courtyard.limiter"))
    if limiter is None or not limiter.enabled:
        return
    for rate in map(parse, ALLOWED[what]):
        if not _hit(limiter, rate, what, who):
            raise TooMany("too_many", N_("Too many requests. Please wait a moment."), retry_after=min(rate.get_expiry(), 3600))


def address() -> str:
    """Return what stands for the caller's address: an IPv6 one by its /64."""
    return counted_as(request.remote_addr)


_spare = FixedWindowRateLimiter(MemoryStorage())


def _hit(limiter: Limiter, rate: RateLimitItem, what: str, who: str) -> bool:
    try:
        return limiter.limiter.hit(rate, "api", what, who)
    except (RedisError, OSError):
        return _spare.hit(rate, "api", what, who)  # Redis is away: each process counts for itself (R06)

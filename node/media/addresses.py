"""Signed addresses of pictures, for apps that show images without a cookie. Pure.

Whoever was shown the post gets the address; it is good for one to two days, so that it can be cached meanwhile.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

_LENGTH = 32


def path(secret: str, attachment_id: int, now: datetime) -> str:
    """Return '/media/ID?key=...' for somebody who may see the post now."""
    return f"/media/{attachment_id}?key={_sign(secret, attachment_id, _day(now))}"


def is_signed(secret: str, attachment_id: int, key: str, now: datetime) -> bool:
    """Say whether `key` was made for this attachment today or yesterday (UTC)."""
    if len(key) != _LENGTH or not key.isascii():
        return False
    today = _day(now)
    return any(hmac.compare_digest(key, _sign(secret, attachment_id, day)) for day in (today, today - 1))


def _day(now: datetime) -> int:
    return now.astimezone(UTC).toordinal()


def _sign(secret: str, attachment_id: int, day: int) -> str:
    return hmac.new(secret.encode(), f"media:{attachment_id}:{day}".encode(), "sha256").hexdigest()[:_LENGTH]

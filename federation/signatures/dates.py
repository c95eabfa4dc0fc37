"""HTTP dates and the window in which a signature is believed."""

import re
import time
from calendar import timegm
from functools import lru_cache

from federation.signatures.message import Refusal, refusal

# As Mastodon: a peer's clock may be an hour ahead, and a delivery may have waited for half a day.
MAX_AGE = 12 * 3600
MAX_AHEAD = 3600

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)}
_HTTP_DATE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|UTC|[+-]0000)",
    re.ASCII,
)


@lru_cache(maxsize=64)
def http_date(seconds: int) -> str:
    """Write seconds since 1970 UTC as IMF-fixdate (RFC 9110 5.6.7), whatever the locale."""
    at = time.gmtime(seconds)
    return (
        f"{_DAYS[at.tm_wday]}, {at.tm_mday:02d} {_MONTHS[at.tm_mon - 1]} {at.tm_year:04d}"
        f" {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} GMT"
    )


def parse_http_date(text: str) -> int:
    """Read IMF-fixdate as seconds since 1970 UTC; the weekday is not compared. Raises SignatureRefused."""
    found = _HTTP_DATE.fullmatch(text)
    if found is None:
        raise refusal(Refusal.DATE, "the Date header cannot be read")
    month = _MONTH_NUMBERS.get(found.group(2), 0)
    day, year, hour, minute, second = (int(found.group(group)) for group in (1, 3, 4, 5, 6))
    if month == 0 or not 1 <= day <= 31 or year < 1970 or hour > 23 or minute > 59 or second > 60:
        raise refusal(Refusal.DATE, "the Date header names no time")
    return timegm((year, month, day, hour, minute, second))


def check_window(at: float, now: float) -> None:
    """Refuse a signature made more than 12 hours before or one hour after `now` (seconds). Raises SignatureRefused."""
    if not now - MAX_AGE <= at <= now + MAX_AHEAD:
        raise refusal(Refusal.WINDOW, "the signature was made too long ago or in the future")


def check_expiry(created: float | None, expires: float | None, now: float) -> None:
    """Refuse a signature that has expired, or that expires before it was made. Raises SignatureRefused."""
    if expires is None:
        return
    if expires < now or (created is not None and expires < created):
        raise refusal(Refusal.EXPIRED, "the signature has expired")

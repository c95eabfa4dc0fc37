"""Small values: times, dates, ids, and words for audiences."""

from __future__ import annotations

from datetime import UTC, datetime

from node.policy import Audience

SHOWN_AS = {
    Audience.DIRECT: "direct",
    Audience.SPACE: "private",
    Audience.MEMBERS: "private",
    Audience.PARTNERS: "private",
    Audience.FOLLOWERS: "private",
    Audience.UNLISTED: "unlisted",
    Audience.PUBLIC: "public",
}
"""Mastodon's clients know four visibilities; ours that they do not know look like the nearest narrower one."""

CHOSEN_BY = {
    "public": Audience.PUBLIC,
    "unlisted": Audience.UNLISTED,
    "private": Audience.FOLLOWERS,
    "followers": Audience.FOLLOWERS,
    "direct": Audience.DIRECT,
    "partners": Audience.PARTNERS,
    "local": Audience.MEMBERS,
    "members": Audience.MEMBERS,
}
"""What a client may ask for. 'private' is followers only for a member whose default is not shown as private itself: see
`publishing`."""


def moment(value: datetime) -> str:
    """Return a time as clients parse it: UTC, milliseconds, Z."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_or_none(value: datetime | None) -> str | None:
    return None if value is None else moment(value)


def day(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).date().isoformat()


def key(value: int | None) -> str | None:
    """Return an id as text: clients' numbers are too small for ours."""
    return None if value is None else str(value)

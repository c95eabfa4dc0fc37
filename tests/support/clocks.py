"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """Called, it returns the time (aware, UTC). `move` goes forward by a timedelta, or by seconds."""

    def __init__(self, start: datetime = NOON) -> None:
        self.time = start

    def __call__(self) -> datetime:
        return self.time

    def move(self, by: timedelta | float) -> datetime:
        self.time += by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self.time

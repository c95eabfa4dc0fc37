"""What stands in a running node's database file, read only: content for comparing, and whether work is left."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

CONTENT = (
    "posts", "post_versions", "actors", "actor_keys", "follows", "deliveries", "notifications", "mentions", "hashtags",
    "attachments", "poll_options", "poll_votes", "likes", "boosts", "pins", "blocks", "tombstones", "timeline_entries",
    "activities", "members", "peers", "reports",
)  # fmt: skip
"""What an abuse case may not change. Receipts and refusals are the trace of the case itself."""
VOLATILE = frozenset({"fetched_at", "updated_at", "seen_at"})
"""When something was looked at says nothing about it."""
LONGEST_WAIT = 20.0

Content = Mapping[str, frozenset[str]]


class State:
    """A read-only view of one SQLite file."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10, isolation_level=None, check_same_thread=False)

    def close(self) -> None:
        self._connection.close()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    def count(self, table: str, where: str = "1", *values: Any) -> int:
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE {where}", *values)[0][0])

    def content(self, tables: Iterable[str] = CONTENT) -> Content:
        """Return every row of these tables as text, without what only says when it was looked at."""
        return {table: frozenset(self._texts(table)) for table in tables}

    def _texts(self, table: str) -> list[str]:
        cursor = self._connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        return [repr({name: value for name, value in zip(names, row, strict=True) if name not in VOLATILE}) for row in cursor]

    def work_left(self) -> list[tuple[Any, ...]]:
        """Return what workers have to do now: receipts, deliveries and errands that are due."""
        return [
            *self.rows("SELECT 'receipt', kind, state, attempts, reason FROM receipts WHERE state = 'new'"),
            *self.rows("SELECT 'receipt', kind, state, attempts, reason FROM receipts WHERE state = 'fetching'"),
            *self.rows("SELECT 'delivery', id, state, attempts, reason FROM deliveries WHERE state = 'waiting' AND attempts = 0"),
            *self.rows("SELECT 'errand', kind, uri, attempts, '' FROM errands WHERE attempts = 0 AND due_at < datetime('now', '+60 seconds')"),
        ]

    def trouble(self) -> list[tuple[Any, ...]]:
        """Return receipts that failed, wait for another try or were given up."""
        return self.rows("SELECT id, kind, state, attempts, reason FROM receipts WHERE attempts > 0 OR state = 'parked'")

    def wait_until_idle(self, seconds: float = LONGEST_WAIT) -> None:
        """Wait until nothing is due. Raises AssertionError saying what still is."""
        end = time.monotonic() + seconds
        while left := self.work_left():
            if time.monotonic() > end:
                raise AssertionError(f"the queues are not idle after {seconds} s: {left[:10]}")
            time.sleep(0.01)


def difference(before: Content, after: Content) -> dict[str, tuple[list[str], list[str]]]:
    """Return, for each table that changed, the rows that went and the rows that came."""
    changed = {}
    for table, rows in before.items():
        if rows != after[table]:
            changed[table] = (sorted(rows - after[table]), sorted(after[table] - rows))
    return changed

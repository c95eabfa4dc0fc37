"""How many SQL statements something takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager


def fewest(counting: Callable[[], AbstractContextManager[list[str]]], ask: Callable[[], object]) -> int:
    """Ask three times and return the fewest statements: what a process remembers for a moment may have to be read first."""
    counts = []
    for _ in range(3):
        with counting() as statements:
            ask()
        counts.append(len(statements))
    return min(counts)

"""The community node: a Flask application. `create_app` puts the parts together; they are in `node.application`.

Importing this package loads nothing heavy: the supervisor and the command line start from here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from node.config import Settings


def create_app(
    settings: Settings,
    clock: Callable[[], datetime] | None = None,
    doors: Collection[str] = ("activitypub", "web", "admin", "api", "media", "health"),
) -> Flask:
    """Return the application for these settings, with these doors open; workers and the command line need none.

    `clock` (aware UTC) is for tests that travel in time.
    """
    from node.application import build

    return build(settings, clock, doors)

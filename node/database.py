"""The database: the handle, column types, sortable ids and the one place that commits.

What does not live here: tables (`node.models`), reads (`node.queries`), writes (`node.actions`).
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, BigInteger, DateTime, Engine, Integer, Result, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator, TypeEngine

PATIENCE = 15.0
"""Seconds a writer waits for another writer's SQLite transaction."""
LOCK_POLL = 0.002
"""Seconds between two looks at whether the other writer is done."""
PASSING_STATES = frozenset({"08", "40", "53", "55", "57", "58"})
"""Classes of PostgreSQL errors: connection, rollback, resources, locks, operator intervention, system."""
PASSING_WORDS = ("locked", "busy", "full", "disk", "readonly", "unable to open", "closed", "connection")


class Base(DeclarativeBase):
    """The parent of all tables."""


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False, "autoflush": False})


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime. A naive value is a mistake of ours and raises ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: times are aware and UTC")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json: TypeEngine[Any] = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Id: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite keys a table directly only by a column that says INTEGER."""

RANDOM_BITS = 20
_last_id = 0
_id_lock = threading.Lock()


def new_id(moment: datetime) -> int:
    """Return a sortable 63-bit id: milliseconds of `moment` (aware) since 1970, then 20 random bits.

    Ids that one process makes close to each other in time never repeat and keep their order.
    """
    global _last_id
    candidate = id_floor(moment) | secrets.randbits(RANDOM_BITS)
    with _id_lock:
        if 0 <= _last_id - candidate < 100 << RANDOM_BITS:
            candidate = _last_id + 1
        _last_id = max(candidate, _last_id) if candidate >> RANDOM_BITS == _last_id >> RANDOM_BITS else candidate
    return candidate


def row_id(text: str) -> int:
    """Return the id that `text` spells. Raises ValueError for what no row can have: no digits, or more than 63 bits."""
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number < 1 << 63:
        raise ValueError("not the id of anything")
    return number


def id_floor(moment: datetime) -> int:
    """Return the smallest id that `new_id` could make at `moment`: for paging and retention by time."""
    return int(moment.timestamp() * 1000) << RANDOM_BITS


def utc_now() -> datetime:
    """Return the time now. For doors and jobs, which hand it down as an argument."""
    return datetime.now(UTC)


Bell = Callable[[frozenset[str]], None]
_bell: Bell | None = None


def on_commit(bell: Bell) -> None:
    """Set what is called, after a commit, with the names of the queues that have new work."""
    global _bell
    _bell = bell


def ring(session: Session, queue: str) -> None:
    """Note that `queue` has work as soon as this session's transaction is committed."""
    session.info.setdefault("bells", set()).add(queue)


@contextmanager
def transaction(*, is_durable: bool = True) -> Iterator[Session]:
    """Open the caller's session for writing, commit at the end, roll back on any exception.

    Only doors call this. A read transaction that is still open is ended first, so that SQLite takes the write lock
    at once instead of failing in the middle. `is_durable=False` survives a kill of every process but perhaps not a
    power cut: right for records whose loss means work done again (delivery acknowledgements, leases), not for words.
    """
    session = db.session()
    if session.in_transaction():
        session.commit()
    session.info.pop("bells", None)
    session.connection(execution_options={"courtyard_begin": "write", "courtyard_durable": is_durable})
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        session.info.pop("bells", None)
        raise
    bells = session.info.pop("bells", None)
    if bells and _bell is not None:
        _bell(frozenset(bells))


def rows_of(result: Result[Any]) -> int:
    """Return how many rows an update or delete changed."""
    return int(getattr(result, "rowcount", 0) or 0)


def is_passing(error: Exception) -> bool:
    """Say whether the database was away, full or busy: no activity's fault, and all of them are tried again."""
    if not isinstance(error, OperationalError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in PASSING_STATES
    return error.connection_invalidated or any(word in str(error.orig).lower() for word in PASSING_WORDS)


def prepare_engine(engine: Engine) -> None:
    """Install the begin and connect rules for this engine's dialect (SQLite or PostgreSQL)."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgresql)


def engine_options(url: str, threads: int) -> dict[str, Any]:
    """Return create_engine's options for this database URL and number of threads in the process."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": PATIENCE, "isolation_level": None}, "pool_size": threads + 4}
    limits = "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=20000"
    return {"pool_size": min(threads + 2, 20), "max_overflow": 20, "pool_pre_ping": True, "connect_args": {"options": limits}}


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # a power cut loses nothing that was acknowledged
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA cache_size=-32768")
    cursor.execute("PRAGMA wal_autocheckpoint=4000")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    options = connection.get_execution_options()
    if options.get("courtyard_begin") != "write":
        connection.exec_driver_sql("BEGIN")
        return
    wanted = "FULL" if options.get("courtyard_durable", True) else "NORMAL"
    state = connection.connection.info  # per DBAPI connection: PRAGMA only when it changes
    if state.get("synchronous", "FULL") != wanted:
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        state["synchronous"] = wanted
    _take_write_lock(connection)


def _take_write_lock(connection: Any) -> None:
    """Begin a write transaction within PATIENCE. SQLite's own waiting sleeps up to 100 ms at a time, past its turn."""
    raw = connection.connection.dbapi_connection
    deadline = time.monotonic() + PATIENCE
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < deadline:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
            time.sleep(LOCK_POLL)
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails in SQLAlchemy's own words
    finally:
        raw.execute(f"PRAGMA busy_timeout={int(PATIENCE * 1000)}")


def _begin_postgresql(connection: Any) -> None:
    if not connection.get_execution_options().get("courtyard_durable", True):
        connection.exec_driver_sql("SET LOCAL synchronous_commit=off")

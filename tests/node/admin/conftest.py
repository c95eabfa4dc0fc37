"""The admins' door on an empty database, people of each role, and a browser for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from node.actions import logins
from node.application import build
from node.config import Settings
from node.database import db
from node.models import AuditEntry, Member
from tests.node.web.conftest import COOKIE, Browser
from tests.support.clocks import Clock
from tests.support.factories import Factory


@pytest.fixture
def door(settings: Settings, clock: Clock) -> Iterator[Flask]:
    """The application with the doors of members and admins."""
    app = build(settings, clock, doors=("web", "media", "admin"))
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def enter(door: Flask, session: Session, clock: Clock, make: Factory) -> Callable[[Member], Browser]:
    """Sign a member in and return their browser. What was made so far is committed."""

    def signed_in(member: Member) -> Browser:
        secret = logins.open(session, member, "192.0.2.1", "Firefox", clock())
        make.commit()
        client = door.test_client()
        client.set_cookie(COOKIE, secret, domain="home.test", secure=True, path="/")
        return Browser(client)

    return signed_in


@pytest.fixture
def stranger(door: Flask) -> Browser:
    return Browser(door.test_client())


@pytest.fixture
def ada(make: Factory) -> Member:
    """An admin."""
    return make.member("ada", role="admin")


@pytest.fixture
def admin(enter: Callable[[Member], Browser], ada: Member) -> Browser:
    """Ada's browser."""
    return enter(ada)


@pytest.fixture
def moderator(enter: Callable[[Member], Browser], make: Factory) -> Browser:
    return enter(make.member("mo", role="moderator"))


@pytest.fixture
def member(enter: Callable[[Member], Browser], make: Factory) -> Browser:
    return enter(make.member("bo"))


@pytest.fixture
def look(session: Session) -> Callable[[], Session]:
    """Return the session as it sees the database now, after a request changed it."""

    def fresh() -> Session:
        session.rollback()
        session.expire_all()
        return session

    return fresh


@pytest.fixture
def deeds(look: Callable[[], Session]) -> Callable[[], list[tuple[str, str]]]:
    """Return what stands in the audit log, oldest first: (verb, subject)."""

    def read() -> list[tuple[str, str]]:
        return [(row.verb, row.subject) for row in look().scalars(select(AuditEntry).order_by(AuditEntry.id))]

    return read


@pytest.fixture
def count_statements(door: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """A context manager that lists the SQL statements of the door's engine."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if statement.lstrip().upper().startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")):
                statements.append(statement)

        with door.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return counting

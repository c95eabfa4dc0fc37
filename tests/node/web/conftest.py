"""The members' door on an empty database, a browser at it, and somebody who is signed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from node.actions import logins
from node.application import build
from node.config import Settings
from node.database import db
from node.models import Member
from tests.support.clocks import Clock
from tests.support.factories import Factory

ORIGIN = "https://home.test"
COOKIE = "__Host-courtyard"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """A Flask test client that behaves like a browser without script: it fetches a page, then presses its buttons."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **options: object) -> TestResponse:
        return self.client.get(path, base_url=ORIGIN, **options)  # type: ignore[arg-type]

    def post(self, path: str, data: dict[str, object] | None = None, *, token: str | None = None, **options: object) -> TestResponse:
        """Send a form with a valid token, as a page of ours would."""
        form = {"csrf_token": self.token() if token is None else token} | (data or {})
        headers = {"Origin": ORIGIN, "Referer": ORIGIN + "/"} | dict(options.pop("headers", {}))  # type: ignore[call-overload]
        return self.client.post(path, base_url=ORIGIN, data=form, headers=headers, **options)  # type: ignore[arg-type]

    def token(self) -> str:
        found = TOKEN.search(self.get("/sign-in", follow_redirects=True).text)
        assert found is not None
        return found.group(1)


@pytest.fixture
def door(settings: Settings, clock: Clock) -> Iterator[Flask]:
    """The application with the members' door alone."""
    app = build(settings, clock, doors=("web", "media"))
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def closed_door(settings: Settings, clock: Clock) -> Iterator[Flask]:
    app = build(replace(settings, federation="closed"), clock, doors=("web", "media"))
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def stranger(door: Flask) -> Browser:
    return Browser(door.test_client())


@pytest.fixture
def enter(door: Flask, session: Session, clock: Clock, make: Factory) -> Callable[[Member], Browser]:
    """Sign a member in and return their browser. What was made so far is committed."""

    def signed_in(member: Member) -> Browser:
        secret = logins.open(session, member, "192.0.2.1", "Mozilla/5.0 (X11; Linux) Firefox/140.0", clock())
        make.commit()
        client = door.test_client()
        client.set_cookie(COOKIE, secret, domain="home.test", secure=True, path="/")
        return Browser(client)

    return signed_in


@pytest.fixture
def anna(make: Factory) -> Member:
    return make.member("anna", with_keys=True)


@pytest.fixture
def browser(enter: Callable[[Member], Browser], anna: Member) -> Browser:
    """Anna's browser."""
    return enter(anna)


@pytest.fixture
def count_statements(door: Flask) -> Callable[[], object]:
    """A context manager that counts the SQL statements of the door's engine."""

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

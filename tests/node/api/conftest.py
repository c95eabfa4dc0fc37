"""A whole application, its clock and database the test's own, and clients with tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import Context
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from node import create_app
from node.actions import clients
from node.config import Settings
from node.database import db
from node.models import Member
from tests.node.api.shapes import check
from tests.support.clocks import Clock
from tests.support.factories import Factory

EVERYTHING = "read write follow push profile"


@pytest.fixture
def app(settings: Settings, clock: Clock) -> Iterator[Flask]:
    """The application with every door open."""
    flask = create_app(settings, clock)
    flask.testing = False  # errors are answered, as in production
    yield flask
    with flask.app_context():
        db.engine.dispose()


@dataclass
class Api:
    """One client: calls paths, checks the status and the shape of what comes back."""

    app: Flask
    factory: Factory
    token: str = ""

    def send(self, method: str, path: str, **how: Any) -> TestResponse:
        """Make a request as another connection would: what the test made so far is committed first."""
        self.factory.commit()
        headers = dict(how.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        browser: FlaskClient = self.app.test_client()
        origin = self.factory.settings.origin
        # An empty context: the request gets an app context, and so a session, of its own.
        answer = Context().run(browser.open, path, method=method, headers=headers, base_url=origin, **how)
        self.factory.commit()  # so that the next read sees what the request wrote
        return answer

    def get(self, path: str, status: int = 200, /, shape: str = "", **query: Any) -> Any:
        answer = self.send("GET", path, query_string=query or None)
        return self._body(answer, status, shape)

    def post(self, path: str, status: int = 200, /, shape: str = "", **values: Any) -> Any:
        return self._body(self.send("POST", path, json=values), status, shape)

    def put(self, path: str, status: int = 200, /, shape: str = "", **values: Any) -> Any:
        return self._body(self.send("PUT", path, json=values), status, shape)

    def patch(self, path: str, status: int = 200, /, shape: str = "", **values: Any) -> Any:
        return self._body(self.send("PATCH", path, json=values), status, shape)

    def delete(self, path: str, status: int = 200, /, shape: str = "") -> Any:
        return self._body(self.send("DELETE", path), status, shape)

    @staticmethod
    def _body(answer: TestResponse, status: int, shape: str) -> Any:
        assert answer.status_code == status, answer.get_data(as_text=True)
        body = answer.get_json()
        if status >= 400:
            check(body, "Error")
        if shape:
            check(body, shape)
        return body


SignIn = Callable[..., Api]
Count = Callable[[Callable[[], Any]], int]


@pytest.fixture
def sign_in(app: Flask, make: Factory) -> SignIn:
    """Give a member a token: `sign_in(ada)`, `sign_in(ada, 'read:statuses')`."""

    def give(member: Member, scopes: str = EVERYTHING) -> Api:
        return Api(app, make, clients.token_for_member(make.session, member, scopes, make.clock()))

    return give


@pytest.fixture
def stranger(app: Flask, make: Factory) -> Api:
    """Somebody without a token."""
    return Api(app, make)


@pytest.fixture
def ada(make: Factory) -> Member:
    return make.member("ada", with_keys=True)


@pytest.fixture
def ben(make: Factory) -> Member:
    return make.member("ben", with_keys=True)


@pytest.fixture
def api(sign_in: SignIn, ada: Member) -> Api:
    """Ada's client, with every scope."""
    return sign_in(ada)


@pytest.fixture
def count_statements(app: Flask) -> Count:
    """Return how many statements a call makes, those that begin and end transactions left out."""

    def count(call: Callable[[], Any]) -> int:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if statement.lstrip()[:6].upper() in ("SELECT", "WITH R"):
                seen.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            call()
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    return count

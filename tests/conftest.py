"""Fixtures for everybody: settings, a clock, an empty database, an app on it, a session, factories."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import hypothesis
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from node import create_app
from node.config import Settings, load
from node.database import db
from node.jobs import receiving
from node.policy import Mode, Rules
from tests.support import databases
from tests.support.clocks import Clock
from tests.support.factories import Factory

DOMAIN = "home.test"

# A machine that is busy with something else is no counterexample: no test of ours is a timed one.
hypothesis.settings.register_profile("courtyard", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("courtyard")

receiving.GATHER = 0.0  # what tests let arrive has arrived


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running PostgreSQL with all tables, or the path of a SQLite file to copy."""
    if databases.is_postgresql():
        with databases.postgresql_server() as url:
            yield url
    else:
        path = tmp_path_factory.mktemp("database") / "empty.sqlite3"
        databases.make_sqlite(path)
        yield str(path)


@pytest.fixture
def database_url(empty_database: str, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with all tables, for this test alone."""
    if not databases.is_postgresql():
        yield databases.copy_sqlite(Path(empty_database), tmp_path)
        return
    yield empty_database
    databases.empty_postgresql(empty_database)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a selective node at https://home.test."""
    values = {
        "COURTYARD_DOMAIN": DOMAIN,
        "COURTYARD_DATABASE_URL": database_url,
        "COURTYARD_RATE_LIMITS": "off",
        "COURTYARD_SECRET_KEY": "tests only: forty characters and some more",
    }
    return load(values, tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def now(clock: Clock) -> datetime:
    return clock()


@pytest.fixture
def app(settings: Settings, clock: Clock) -> Iterator[Flask]:
    """The application without doors, on an empty database. Tests of a door build theirs: `create_app(settings, clock)`."""
    flask = create_app(settings, clock, doors=())
    yield flask
    with flask.app_context():
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The session of an app context that lasts as long as the test."""
    with app.app_context():
        yield db.session()
        db.session.remove()


@pytest.fixture
def rules() -> Rules:
    """The rules of a selective node that has let nobody in; `make.rules()` reads them from the database instead."""
    return Rules(Mode.SELECTIVE)


@pytest.fixture
def make(session: Session, settings: Settings, clock: Clock) -> Factory:
    """Make rows: `make.member('ada')`, `make.remote('bob', 'peer.test')`, `make.post(ada)`, ..."""
    return Factory(session, settings, clock)

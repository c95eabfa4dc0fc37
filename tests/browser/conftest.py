"""A headless Chromium, the sample pages, and a real node that it can visit. Skipped, visibly, where there is no Chromium."""

from __future__ import annotations

import logging
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from node.actions import invitations, members
from node.application import build
from node.config import load
from node.database import db, transaction, utc_now
from tests.browser.preview import FLAGS, make_preview
from tests.support.databases import copy_sqlite, make_sqlite

PASSWORD = "a sentence nobody guesses"


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser tests")
    path = find_chromium()
    if path is None:
        pytest.skip("no chromium found (Debian: apt-get install chromium): no browser tests")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def serving(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve an app on loopback and yield its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture(scope="session")
def samples() -> Iterator[str]:
    """The address of the sample pages."""
    with serving(make_preview()) as address:
        yield address


class House:
    """A running node. `invite` returns the address of a fresh invitation; `admit` makes a member with PASSWORD."""

    def __init__(self, app: Flask, address: str) -> None:
        self.app, self.address = app, address

    def invite(self) -> str:
        with self.app.app_context(), transaction() as session:
            _, token = invitations.invite(session, by=None, now=utc_now())
        return f"{self.address}/invitations/{token}"

    def admit(self, name: str, display_name: str, **values: Any) -> None:
        settings = self.app.extensions["courtyard"].settings
        with self.app.app_context(), transaction() as session:
            email = f"{name}@mail.test"
            member = members.create(session, name, email, PASSWORD, settings=settings, now=utc_now(), display_name=display_name)
            for column, value in values.items():
                setattr(member, column, value)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    empty = tmp_path / "empty.sqlite3"
    make_sqlite(empty)
    values = {"COURTYARD_DOMAIN": f"127.0.0.1:{port}", "COURTYARD_RATE_LIMITS": "off", "COURTYARD_DATABASE_URL": copy_sqlite(empty, tmp_path)}
    app = build(load(values, tmp_path), doors=("web", "media"))
    with serving(app, port) as address:
        yield House(app, address)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Any]:
    """Open a tab: visit(address, width=..., theme=..., language=..., script=True). What a page logs as an error fails the test."""
    contexts = []
    troubles: list[str] = []

    def opened(address: str, *, width: int = 1280, theme: str = "light", language: str = "en", script: bool = True) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, locale=language, java_script_enabled=script
        )
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("console", lambda message: troubles.append(message.text) if "Content Security Policy" in message.text else None)
        tab.goto(address)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []

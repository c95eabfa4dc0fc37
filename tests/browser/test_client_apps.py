"""A client app in a browser, on an origin of its own: let in on our page, sent back with a code, reading and posting by CORS."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask

from node import create_app
from node.config import load
from node.database import db
from tests.browser.conftest import PASSWORD, House, serving
from tests.support.databases import copy_sqlite, make_sqlite

pytestmark = pytest.mark.browser

VERIFIER = "a-verifier-of-at-least-forty-three-characters-and-more"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CALL = """async ([address, method, token, body]) => {
    const headers = {"Content-Type": "application/json"};
    if (token) headers["Authorization"] = "Bearer " + token;
    const answer = await fetch(address, {method, headers, body: body ? JSON.stringify(body) : undefined});
    return {status: answer.status, link: answer.headers.get("Link"), body: await answer.json()};
}"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node with every door open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    empty = tmp_path / "empty.sqlite3"
    make_sqlite(empty)
    values = {"COURTYARD_DOMAIN": f"127.0.0.1:{port}", "COURTYARD_DATABASE_URL": copy_sqlite(empty, tmp_path)}
    app = create_app(load(values | {"COURTYARD_RATE_LIMITS": "off"}, tmp_path))
    with serving(app, port) as address:
        yield House(app, address)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app_address() -> Iterator[str]:
    """The address of an app's own site: one empty page."""
    site = Flask("somebodys-app")
    site.add_url_rule("/", "page", lambda: "<!doctype html><title>App</title>")
    site.add_url_rule("/back", "back", lambda: "<!doctype html><title>Back</title>")
    with serving(site) as address:
        yield address


def test_an_app_is_let_in_and_works_from_its_own_origin(house: House, visit, app_address: str) -> None:
    house.admit("anna", "Anna Lindqvist")
    tab = visit(app_address)

    def call(method: str, path: str, token: str = "", body: object = None) -> dict:
        return tab.evaluate(CALL, [house.address + path, method, token, body])

    back = f"{app_address}/back"
    made = call("POST", "/api/v1/apps", body={"client_name": "Ivy", "redirect_uris": back, "scopes": "read write"})["body"]
    asked = {
        "response_type": "code", "client_id": made["client_id"], "redirect_uri": back, "scope": "read write", "state": "seven",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    tab.goto(f"{house.address}/oauth/authorize?{urlencode(asked)}")  # asks to sign in, and comes back
    tab.get_by_label("E-mail").fill("anna")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "May “Ivy” act for you?"
    tab.get_by_role("button", name="Let it in").click()
    tab.wait_for_url(re.compile(re.escape(back) + r"\?.*state=seven"))
    code = re.search(r"[?&]code=([^&]+)", tab.url)
    assert code is not None
    grant = {"grant_type": "authorization_code", "code": code[1], "redirect_uri": back, "code_verifier": VERIFIER}
    answer = call("POST", "/oauth/token", body=grant | {"client_id": made["client_id"], "client_secret": made["client_secret"]})
    token = answer["body"]["access_token"]
    assert call("GET", "/api/v1/accounts/verify_credentials", token)["body"]["display_name"] == "Anna Lindqvist"
    assert call("POST", "/api/v1/statuses", token, {"status": "From **Ivy**"})["status"] == 200
    home = call("GET", "/api/v1/timelines/home", token)
    assert [line["content"] for line in home["body"]] == ["<p>From <strong>Ivy</strong></p>"]
    assert 'rel="next"' in home["link"]

"""W: what changes something is asked for by our own pages alone, a login is a new secret, and nothing unsafe starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node import create_app
from tests.abuse.browser import FORM, LOGIN, Browser
from tests.abuse.conftest import world_at
from tests.abuse.running import ORIGIN, ROOT
from tests.abuse.state import CONTENT, difference
from tests.abuse.trials import World

PASSWORD = "a quiet harbour in november"
TABLES = (*CONTENT, "login_sessions", "invitations", "access_tokens", "client_apps", "bookmarks", "mutes", "spaces", "space_members", "node_settings")
SEEN = ("members", "login_sessions")
"""Looking at something is remembered here: when a session was used, and which notices were read."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_at(tmp_path_factory.mktemp("node")) as made:
        made.probe()
        made.node.add_member("walter", "member", PASSWORD)
        yield made


def routes(world: World, method: str) -> list[str]:
    """Return an address for every rule of the doors that cookies open, with ids of things that are there."""
    state = world.node.state
    post = state.rows("SELECT id FROM posts ORDER BY id DESC LIMIT 1")[0][0]
    carol = state.rows("SELECT id FROM actors WHERE username = 'carol'")[0][0]
    walter = state.rows("SELECT m.id FROM members m JOIN actors a ON a.id = m.actor_id WHERE a.username = 'walter'")[0][0]
    sample = {
        "name": "ada", "host": "good.test", "token": "x", "colour": "2f6f5e", "handle": "carol@good.test", "post_id": post, "actor_id": carol,
        "member_id": walter, "part": "profile", "filename": "x",
    }  # fmt: skip
    found = []
    for rule in create_app(world.node.settings).url_map.iter_rules():
        if rule.endpoint.partition(".")[0] not in ("web", "admin") or method not in (rule.methods or ()):
            continue
        verbs = re.search(r"<any\(([^)]*)\):(\w+)>", rule.rule)
        for verb in [word.strip() for word in verbs[1].split(",")] if verbs else [""]:
            values = {name: str(sample.get(name, 1)) for name in rule.arguments}
            if verbs:
                values[verbs[2]] = verb
            found.append(re.sub(r"<(?:[^:<>]*(?:\([^)]*\))?:)?([a-z_]+)>", lambda part, values=values: values[part[1]], rule.rule))
    return sorted(set(found))


FORMS = {
    "no token": {"token": ""},
    "a made-up token": {"token": "x" * 91},
    "another site": {"Origin": "https://evil.test"},
    "another port": {"Origin": f"{ORIGIN}:8443"},
    "no origin at all to speak of": {"Origin": "null"},
    "the browser says cross-site": {"Sec-Fetch-Site": "cross-site"},
    "the browser says same-site": {"Sec-Fetch-Site": "same-site"},
}


@pytest.mark.parametrize("way", [*FORMS, "another's token"])
def test_w01_a_form_of_another_page_changes_nothing(world: World, way: str) -> None:
    node = world.node
    admin, stranger = Browser(node, "olga"), Browser(node, "ben")
    admin.get("/settings")
    stranger.get("/settings")
    options = {"token": stranger.token} if way == "another's token" else FORMS[way]
    paths = routes(world, "POST")
    assert len(paths) > 60
    before = node.state.content(TABLES)
    for path in paths:
        answer = admin.post(path, {"text": "forged", "q": "x", "password": "forged forged forged", "role": "admin"}, **options)  # type: ignore[arg-type]
        assert answer.status in (400, 403), (way, path, answer.status)
    assert not difference(before, node.state.content(TABLES))


def test_w01_looking_changes_nothing(world: World) -> None:
    node = world.node
    for name in ("olga", "ada"):
        browser = Browser(node, name)
        browser.get("/settings")
        tables = [table for table in TABLES if table not in SEEN]
        before = node.state.content(tables)
        for path in routes(world, "GET"):
            for sent in (path, f"{path}?verb=delete&action=block&text=x&confirm=yes"):
                assert browser.get(sent).status < 500, sent
        node.state.wait_until_idle(30)
        assert not difference(before, node.state.content(tables))


def test_w02_signing_in_makes_a_new_session_and_signing_out_ends_it(world: World) -> None:
    node = world.node
    browser = Browser(node)
    browser.cookies[LOGIN] = planted = "planted-by-somebody-else-0123456789abcdef012"
    browser.get("/sign-in")
    answer = browser.post("/sign-in", {"login": "walter", "password": PASSWORD})
    assert answer.status == 303, (answer.status, answer.body[:300])
    first = browser.cookies[LOGIN]
    assert first != planted and len(first) >= 43
    assert b"walter" in browser.get("/settings").body.lower()
    again = Browser(node)
    again.cookies[LOGIN] = first
    again.get("/settings")
    assert again.post("/sign-out", {}).status == 303
    for cookie in (first, planted):
        late = Browser(node)
        late.cookies[LOGIN] = cookie
        assert late.get("/settings").status == 303, "the old cookie is dead, whoever still has it"
    assert node.state.count("login_sessions", "token_hash = ?", first) == 0, "what is kept is no cookie"


def test_w02_each_sign_in_is_a_session_of_its_own(world: World) -> None:
    secrets = set()
    for _ in range(3):
        browser = Browser(world.node)
        browser.get("/sign-in")
        assert browser.post("/sign-in", {"login": "walter", "password": PASSWORD}).status == 303
        secrets.add(browser.cookies[LOGIN])
    assert len(secrets) == 3


def test_w03_the_cookies_are_locked(world: World) -> None:
    browser = Browser(world.node)
    lines = [browser.get("/sign-in").header("Set-Cookie") or ""]
    lines.append(browser.post("/sign-in", {"login": "walter", "password": PASSWORD}).header("Set-Cookie") or "")
    seen = set()
    for line in lines:
        for cookie in re.split(r", (?=[\w-]+=)", line):
            if not cookie:
                continue
            seen.add(cookie.partition("=")[0])
            words = cookie.lower().replace(" ", "").split(";")
            assert cookie.startswith("__Host-"), cookie
            assert {"secure", "httponly", "samesite=lax", "path=/"} <= set(words), cookie
            assert not [word for word in words if word.startswith("domain=")], cookie
    assert seen == {LOGIN, FORM}


def test_w22_no_page_lets_itself_be_framed(world: World) -> None:
    for name in ("", "olga"):
        browser = Browser(world.node, name)
        for path in routes(world, "GET"):
            policy = browser.get(path).header("Content-Security-Policy") or ""
            assert "frame-ancestors 'none'" in policy and "unsafe-inline" not in policy, (path, policy)


@pytest.mark.parametrize("name", ["ada", "mona"])
def test_w24_roles_are_checked_first(world: World, name: str) -> None:
    """A member gets into no page of the admins; a moderator promotes nobody."""
    node = world.node
    browser = Browser(node, name)
    browser.get("/settings")
    before = node.state.content(TABLES)
    for method in ("GET", "POST"):
        for path in routes(world, method):
            if not path.startswith("/admin"):
                continue
            answer = browser.get(path) if method == "GET" else browser.post(path, {"role": "admin", "email": "x@y.test"})
            if name == "ada":
                assert answer.status == 403, (method, path, answer.status)
            else:
                assert answer.status < 500, (method, path, answer.status)
    after = node.state.content(TABLES)
    assert before["members"] == after["members"] and before["peers"] == after["peers"] and before["node_settings"] == after["node_settings"]


UNSAFE = {
    "a short secret": {"COURTYARD_SECRET_KEY": "short"},
    "a sample secret": {"COURTYARD_SECRET_KEY": "changeme" * 8},
    "a secret of one letter": {"COURTYARD_SECRET_KEY": "a" * 64},
    "plain http": {"COURTYARD_SCHEME": "http"},
    "debugging": {"FLASK_DEBUG": "1"},
    "no rate limits": {"COURTYARD_RATE_LIMITS": "off"},
}


@pytest.mark.parametrize("name", UNSAFE)
def test_w21_nothing_unsafe_starts_under_a_public_name(tmp_path: Path, name: str) -> None:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("COURTYARD_", "FLASK_"))}
    settings = {"COURTYARD_DATA": str(tmp_path), "COURTYARD_DOMAIN": "social.example.org", "COURTYARD_BIND": "127.0.0.1:0"}
    if name == "a short secret":
        settings["COURTYARD_DOMAIN"] = "localhost:8000"  # not even there
    else:
        settings["COURTYARD_DOMAIN"] = "social.courtyard-company.de"
    command = [sys.executable, "-m", "node", "run"]
    ended = subprocess.run(command, cwd=ROOT, env={**inherited, **settings, **UNSAFE[name]}, capture_output=True, text=True, timeout=60, check=False)
    lines = ended.stderr.strip().splitlines()
    variable = next(iter(UNSAFE[name]))
    assert ended.returncode == 1 and len(lines) == 1 and variable in lines[0], (ended.returncode, ended.stderr[-500:])
    assert "changemechangeme" not in ended.stderr

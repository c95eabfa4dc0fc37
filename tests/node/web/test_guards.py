"""Nobody gets further than they may: strangers, closed nodes, other sites' forms."""

import pytest
from sqlalchemy import text

from node.actions import members
from node.web import ROUTES
from node.web.guards import DOORSTEP, MEMBER, STREET
from tests.node.web.conftest import COOKIE, Browser
from tests.support.databases import is_postgresql

EXAMPLES = {
    "<int:post_id>": "1", "<int:actor_id>": "1", "<int:session_id>": "1", "<int:app_id>": "1", "<int:delivery_id>": "1", "<name>": "anna", "<token>": "x", "<handle>": "bob@peer.test",
    "<colour>": "aabbcc",
}  # fmt: skip


def address(rule: str) -> str:
    for place, example in EXAMPLES.items():
        rule = rule.replace(place, example)
    while "<any(" in rule:
        before, _, rest = rule.partition("<any(")
        first, _, after = rest.partition(")")
        rule = before + first.split(",")[0].strip() + after.partition(">")[2]
    return rule


def routes(method, *who):
    return [pytest.param(address(rule), id=f"{method} {rule}") for verb, rule, guard, _, _ in ROUTES if verb == method and guard in who]


@pytest.mark.parametrize("path", routes("GET", MEMBER))
def test_a_stranger_is_asked_to_sign_in(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in")


@pytest.mark.parametrize("path", routes("POST", MEMBER))
def test_a_stranger_changes_nothing(stranger, path):
    answer = stranger.post(path)
    assert (answer.status_code, answer.location) == (303, "/sign-in")


@pytest.mark.parametrize("path", routes("GET", MEMBER, STREET))
def test_a_closed_node_tells_strangers_to_sign_in(closed_door, make, path):
    make.member("anna")
    make.commit()
    answer = Browser(closed_door.test_client()).get(path)
    assert answer.status_code == 401
    assert "anna" not in answer.text.replace(path, "")


@pytest.mark.parametrize("path", routes("GET", MEMBER, STREET, DOORSTEP))
def test_looking_changes_nothing(browser, make, anna, count_statements, path):
    post, bob = make.post(anna.actor), make.remote("bob", "peer.test")
    make.space("anna", anna.actor)
    make.commit()
    path = path.replace("/posts/1", f"/posts/{post.id}").replace("/people/1/", f"/people/{bob.id}/")
    with count_statements() as statements:
        browser.get(path)
    assert [statement for statement in statements if not statement.lstrip().upper().startswith(("SELECT", "WITH"))] == []


@pytest.mark.parametrize("path", routes("POST", MEMBER, STREET, DOORSTEP))
def test_every_button_needs_a_token(browser, path):
    for token in ("", "wrong"):
        assert browser.post(path, token=token).status_code == 403


@pytest.mark.parametrize("path", routes("POST", MEMBER, STREET, DOORSTEP))
def test_another_sites_form_is_refused_even_with_a_token(browser, path):
    token = browser.token()
    for headers in ({"Origin": "https://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.post(path, token=token, headers=headers).status_code == 403


def test_another_sessions_token_is_refused(browser, door):
    other = Browser(door.test_client())
    assert browser.post("/sign-out", token=other.token()).status_code == 403


def test_no_page_is_kept_by_shared_caches(browser, make, anna):
    post = make.post(anna.actor, "members")
    make.commit()
    for path in ("/", "/inside", "/users/anna", f"/users/anna/posts/{post.id}", "/settings", "/notifications"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert {"Accept", "Cookie"} <= {part.strip() for part in answer.headers["Vary"].split(",")}


def test_static_files_are_kept_for_good_when_their_address_names_their_content(stranger):
    page = stranger.get("/sign-in").text
    sheet = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in stranger.get(sheet, buffered=True).headers["Cache-Control"]
    assert stranger.get(sheet.partition("?")[0], buffered=True).headers["Cache-Control"] == "no-cache"


def test_pages_forbid_scripts_and_styles_from_elsewhere_and_in_line(browser):
    answer = browser.get("/")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    for inline in ("<style", " style=", "<script>", " onclick=", "javascript:"):
        assert inline not in answer.text


def test_the_login_cookie_is_for_this_host_and_for_http_alone(stranger, make, session, clock):
    member = make.member("anna")
    members.set_password(session, member, "a sentence nobody guesses", now=clock())
    make.commit()
    answer = stranger.post("/sign-in", {"login": "anna", "password": "a sentence nobody guesses"})
    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith(COOKIE + "="))
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie


def test_what_was_typed_survives_a_refused_form(browser):
    answer = browser.post("/write", {"text": "Words I would hate to lose", "audience": "members"}, token="wrong")
    assert answer.status_code == 403
    assert "Words I would hate to lose" in answer.text
    assert "It is kept below." in answer.text


@pytest.mark.skipif(is_postgresql(), reason="takes a table away, which only a database of its own survives")
def test_trouble_with_the_database_is_told_without_the_database(browser, door, session):
    door.testing = False
    session.execute(text("ALTER TABLE login_sessions RENAME TO elsewhere"))
    session.commit()
    answer = browser.post("/write", {"text": "Words I would hate to lose"}, token="any")
    assert answer.status_code == 503
    assert "Words I would hate to lose" in answer.text
    answer = browser.get("/inside")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "One moment, please" in answer.text
    assert "login_sessions" not in answer.text


@pytest.mark.parametrize("path", ["/static/nothing.css", "/static/", "/static/img", "/static/%00", "/static/../node/config.py"])
def test_a_file_that_is_not_there_is_not_our_mistake(stranger, browser, door, path):
    door.testing = False
    assert stranger.get(path).status_code == 404
    assert browser.get(path, headers={"Accept": "application/json"}).status_code == 404

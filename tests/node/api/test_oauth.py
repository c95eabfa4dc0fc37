"""Letting an app in: the page, the code, the token, and every way in which it must not work (abuse cases W01, W05)."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from node.actions import logins
from node.models import AccessToken, AuthorizationCode, Member
from tests.node.api.conftest import Api
from tests.node.api.shapes import check
from tests.support.clocks import Clock
from tests.support.factories import Factory

BACK = "https://app.test/back?keep=1"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-and-more"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def registered(stranger: Api) -> dict[str, str]:
    made = stranger.post(
        "/api/v1/apps", shape="CredentialApplication", client_name="Ivy", redirect_uris=f"{BACK}\nivy://back", scopes="read write"
    )
    return made  # type: ignore[no-any-return]


class Browser:
    """Ada's browser, signed in."""

    def __init__(self, app: Flask, make: Factory, ada: Member, clock: Clock) -> None:
        secret = logins.open(make.session, ada, "192.0.2.1", "a browser", clock())
        make.commit()
        self.make = make
        self.client: FlaskClient = app.test_client()
        self.client.set_cookie("__Host-courtyard", secret, domain="home.test", secure=True)

    def open(self, method: str, **how: object) -> TestResponse:
        from contextvars import Context

        self.make.commit()
        answer = Context().run(self.client.open, "/oauth/authorize", method=method, base_url="https://home.test", **how)
        self.make.commit()
        return answer

    def ask(self, asked: dict[str, str]) -> TestResponse:
        return self.open("GET", query_string=asked)

    def decide(self, asked: dict[str, str], decision: str = "allow", headers: dict[str, str] | None = None, **more: str) -> TestResponse:
        page = self.ask(asked).get_data(as_text=True)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        form = asked | {"csrf_token": token[1] if token else "", "decision": decision} | more
        return self.open("POST", data=form, headers=headers or {})

    def code(self, asked: dict[str, str]) -> str:
        return parse_qs(urlsplit(self.decide(asked).location).query)["code"][0]


@pytest.fixture
def browser(app: Flask, make: Factory, ada: Member, clock: Clock) -> Browser:
    return Browser(app, make, ada, clock)


@pytest.fixture
def asked(registered: dict[str, str]) -> dict[str, str]:
    return {
        "response_type": "code", "client_id": registered["client_id"], "redirect_uri": BACK, "scope": "read", "state": "s & t",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip


def exchange(stranger: Api, registered: dict[str, str], code: str, /, **more: str) -> TestResponse:
    form = {
        "grant_type": "authorization_code", "client_id": registered["client_id"], "client_secret": registered["client_secret"],
        "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER,
    } | more  # fmt: skip
    return stranger.send("POST", "/oauth/token", data=form)


class TestTheWayIn:
    def test_a_member_lets_an_app_in(self, browser: Browser, stranger: Api, registered: dict[str, str], asked: dict[str, str]) -> None:
        page = browser.ask(asked)
        assert page.status_code == 200
        assert "Ivy" in page.get_data(as_text=True)
        assert "app.test" in page.get_data(as_text=True)
        assert "form-action 'self' https://app.test;" in page.headers["Content-Security-Policy"]
        answer = browser.decide(asked)
        assert answer.status_code == 303
        query = parse_qs(urlsplit(answer.location).query)
        assert answer.location.startswith("https://app.test/back?keep=1&code=")
        assert query["state"] == ["s & t"]
        got = exchange(stranger, registered, query["code"][0])
        check(got.get_json(), "Token")
        assert got.headers["Cache-Control"] == "no-store"
        ivy = Api(stranger.app, stranger.factory, got.get_json()["access_token"])
        assert ivy.get("/api/v1/accounts/verify_credentials", shape="CredentialAccount")["username"] == "ada"
        assert ivy.get("/api/v1/apps/verify_credentials", shape="Application")["name"] == "Ivy"
        ivy.post("/api/v1/statuses", 403, status="Not asked for")

    def test_a_no_goes_back_as_a_no(self, browser: Browser, asked: dict[str, str], make: Factory) -> None:
        query = parse_qs(urlsplit(browser.decide(asked, "deny").location).query)
        assert query["error"] == ["access_denied"]
        assert make.session.query(AuthorizationCode).count() == 0

    def test_an_app_with_a_scheme_of_its_own(self, browser: Browser, asked: dict[str, str]) -> None:
        asked["redirect_uri"] = "ivy://back"
        assert "form-action 'self' ivy:;" in browser.ask(asked).headers["Content-Security-Policy"]
        assert browser.decide(asked).location.startswith("ivy://back?code=")

    def test_an_address_of_an_app_is_extended_as_it_stands(self, browser: Browser, stranger: Api, asked: dict[str, str]) -> None:
        made = stranger.post("/api/v1/apps", client_name="Ice", redirect_uris="icecubesapp://")
        asked |= {"client_id": made["client_id"], "redirect_uri": "icecubesapp://"}
        assert "form-action 'self' icecubesapp:;" in browser.ask(asked).headers["Content-Security-Policy"]
        assert browser.decide(asked).location.startswith("icecubesapp://?code=")

    def test_a_code_to_copy(self, browser: Browser, stranger: Api, asked: dict[str, str]) -> None:
        oob = "urn:ietf:wg:oauth:2.0:oob"
        made = stranger.post("/api/v1/apps", client_name="Line", redirect_uris=oob)
        page = browser.decide(asked | {"client_id": made["client_id"], "redirect_uri": oob}).get_data(as_text=True)
        code = re.search(r'id="code" type="text" value="([^"]+)"', page)
        assert code is not None
        assert exchange(stranger, made, code[1], redirect_uri=oob).status_code == 200

    def test_who_is_not_signed_in_is_asked_to_and_comes_back(self, stranger: Api, asked: dict[str, str]) -> None:
        answer = stranger.send("GET", "/oauth/authorize", query_string=asked)
        assert answer.status_code == 303
        assert "/sign-in?next=" in answer.location
        assert stranger.send("POST", "/oauth/authorize", data=asked).status_code == 303

    def test_the_metadata_says_what_is_possible(self, stranger: Api) -> None:
        found = stranger.get("/.well-known/oauth-authorization-server", shape="DiscoverOauthServerConfigurationResponse")
        assert found["code_challenge_methods_supported"] == ["S256"]


class TestWhatMustNotWork:
    @pytest.mark.parametrize(
        "uri",
        [
            "https://app.test/back", "https://app.test/back?keep=1&more", "https://app.test/back?keep=1/..", f"{BACK}#x",
            "https://user@app.test/back?keep=1", "https://app.test.evil.test/back?keep=1", "https://APP.test/back?keep=1", "",
            "https://app.test:443/back?keep=1", "javascript:alert(1)", "ivy://back/", "//evil.test",
            "https://app.test/back?keep=1\u200b", "https://app\u200b.test/back?keep=1", " https://app.test/back?keep=1", "ivy://back\x00",
        ],
    )  # fmt: skip
    def test_another_redirect_uri_redirects_nowhere(self, browser: Browser, asked: dict[str, str], uri: str) -> None:
        for answer in (browser.ask(asked | {"redirect_uri": uri}), browser.decide(asked, redirect_uri=uri)):
            assert answer.status_code == 400
            assert "Location" not in answer.headers

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"code_challenge": ""}, "code challenge"), ({"code_challenge_method": "plain"}, "code challenge"),
            ({"code_challenge_method": ""}, "code challenge"), ({"code_challenge": "short"}, "code challenge"),
            ({"code_challenge": CHALLENGE + "\u200b"}, "code challenge"), ({"code_challenge": CHALLENGE + "="}, "code challenge"), ({"scope": "read follow"}, "more than it registered"),
            ({"scope": "admin"}, "admin"), ({"response_type": "token"}, "response type"),
        ],
    )  # fmt: skip
    def test_a_request_that_is_too_weak_or_too_wide_is_shown_here_and_redirects_nowhere(
        self, browser: Browser, asked: dict[str, str], make: Factory, wrong: dict[str, str], words: str
    ) -> None:
        """Whoever registers an app with an address of theirs would else lead our members there (RFC 9700 4.11.2)."""
        for answer in (browser.ask(asked | wrong), browser.decide(asked, **wrong), browser.decide(asked, "deny", **wrong)):
            assert answer.status_code == 400
            assert "Location" not in answer.headers
            page = answer.get_data(as_text=True)
            assert "Ivy" in page
            assert words in page
            assert 'href="https://app.test' not in page
            assert 'http-equiv="refresh"' not in page
        assert make.session.query(AuthorizationCode).count() == 0

    def test_an_app_nobody_registered_gets_nothing(self, browser: Browser, asked: dict[str, str]) -> None:
        assert browser.ask(asked | {"client_id": "nobody"}).status_code == 400

    def test_the_answer_must_come_from_our_own_page(self, browser: Browser, asked: dict[str, str], make: Factory) -> None:
        allow = asked | {"decision": "allow"}
        assert browser.open("POST", data=allow).status_code == 403
        assert browser.open("POST", data=allow | {"csrf_token": "made up"}).status_code == 403
        for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            assert browser.decide(asked, headers=headers).status_code == 403
        assert make.session.query(AuthorizationCode).count() == 0

    @pytest.mark.parametrize(
        "wrong",
        [
            {"redirect_uri": "ivy://back"}, {"code_verifier": ""}, {"code_verifier": VERIFIER + "x"}, {"code_verifier": CHALLENGE},
            {"code": "made up"}, {"grant_type": "password"}, {"client_secret": "wrong"}, {"client_id": "nobody"},
        ],
    )  # fmt: skip
    def test_a_code_with_anything_wrong_gives_no_token(
        self, browser: Browser, stranger: Api, registered: dict[str, str], asked: dict[str, str], make: Factory, wrong: dict[str, str]
    ) -> None:
        answer = exchange(stranger, registered, browser.code(asked), **wrong)
        assert answer.status_code in (400, 401)
        check(answer.get_json(), "Error")
        assert make.session.query(AccessToken).count() == 0

    def test_another_apps_code_is_worth_nothing(
        self, browser: Browser, stranger: Api, asked: dict[str, str], make: Factory
    ) -> None:
        other = stranger.post("/api/v1/apps", client_name="Other", redirect_uris=BACK)
        assert exchange(stranger, other, browser.code(asked)).status_code == 400

    def test_a_code_used_twice_ends_what_it_gave(
        self, browser: Browser, stranger: Api, registered: dict[str, str], asked: dict[str, str]
    ) -> None:
        code = browser.code(asked)
        token = exchange(stranger, registered, code).get_json()["access_token"]
        ivy = Api(stranger.app, stranger.factory, token)
        ivy.get("/api/v1/timelines/home")
        assert exchange(stranger, registered, code).status_code == 400
        ivy.get("/api/v1/timelines/home", 401)

    def test_a_code_does_not_last(
        self, browser: Browser, stranger: Api, registered: dict[str, str], asked: dict[str, str], clock: Clock
    ) -> None:
        code = browser.code(asked)
        clock.move(601)
        assert exchange(stranger, registered, code).status_code == 400


class TestTokens:
    def test_basic_authentication_of_the_app_works(self, stranger: Api, registered: dict[str, str]) -> None:
        pair = base64.b64encode(f"{registered['client_id']}:{registered['client_secret']}".encode()).decode()
        form = {"grant_type": "client_credentials", "scope": "read"}
        headers = {"Authorization": f"Basic {pair}"}
        got = stranger.send("POST", "/oauth/token", data=form, headers=headers).get_json()
        check(got, "Token")
        assert stranger.send("POST", "/oauth/token", data=form, headers={"Authorization": "Basic !"}).status_code == 401

    def test_an_apps_own_token_takes_its_secret(self, stranger: Api, registered: dict[str, str]) -> None:
        form = {"grant_type": "client_credentials", "client_id": registered["client_id"], "client_secret": "wrong"}
        assert stranger.send("POST", "/oauth/token", data=form).status_code == 401
        form |= {"client_secret": registered["client_secret"], "scope": "read push"}
        assert stranger.send("POST", "/oauth/token", data=form).status_code == 400

    def test_a_revoked_token_is_dead_and_others_cannot_revoke_it(
        self, browser: Browser, stranger: Api, registered: dict[str, str], asked: dict[str, str]
    ) -> None:
        token = exchange(stranger, registered, browser.code(asked)).get_json()["access_token"]
        other = stranger.post("/api/v1/apps", client_name="Other", redirect_uris=BACK)
        ivy = Api(stranger.app, stranger.factory, token)
        stranger.post("/oauth/revoke", client_id=other["client_id"], client_secret=other["client_secret"], token=token)
        ivy.get("/api/v1/timelines/home")
        stranger.post("/oauth/revoke", 401, token=token)
        stranger.post("/oauth/revoke", client_id=registered["client_id"], client_secret=registered["client_secret"], token=token)
        ivy.get("/api/v1/timelines/home", 401)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"client_name": ""}, {"client_name": "x" * 256}, {"redirect_uris": ""}, {"redirect_uris": "javascript:alert(1)"},
            {"redirect_uris": "https://user@app.test/"}, {"redirect_uris": "https://app.test/#x"}, {"redirect_uris": "app.test"},
            {"scopes": "everything"}, {"redirect_uris": {"a": {"b": 1}}},
        ],
    )  # fmt: skip
    def test_an_app_that_makes_no_sense_is_not_registered(self, stranger: Api, wrong: dict[str, object]) -> None:
        stranger.post("/api/v1/apps", 422, **({"client_name": "App", "redirect_uris": BACK} | wrong))

"""Who is let in where: tokens, scopes, closed nodes, limits, and the headers that browsers' clients need."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from node import create_app
from node.actions import clients, members, node_settings
from node.api import limits
from node.api.guards import APP, DOORSTEP, MEMBER, STREET
from node.api.routes import ROUTES
from node.api.scopes import covers
from node.config import Settings
from node.database import db
from node.models import Member
from node.policy import Mode
from tests.node.api.conftest import Api, SignIn
from tests.support.clocks import Clock
from tests.support.factories import Factory

OUTSIDE = "This action is outside the authorized scopes"


def path_of(pattern: str) -> str:
    """Return a path for a pattern of the table; its ids are of nothing."""
    return re.sub(r":\w+_id|<\w+>", "1", pattern)


class TestScopes:
    @pytest.mark.parametrize(
        ("granted", "wanted", "is_covered"),
        [
            ("read", "read:statuses", True), ("read:statuses", "read:statuses", True), ("read:statuses", "read", False),
            ("write", "read:statuses", False), ("read:accounts", "read:statuses", False), ("", "read", False), ("", "", True),
            ("follow", "write:follows", True), ("follow", "read:mutes", True), ("follow", "write:statuses", False),
            ("profile", "profile read:accounts", True), ("read", "profile read:accounts", True), ("readx", "read", False),
        ],
    )  # fmt: skip
    def test_a_scope_holds_itself_and_what_is_under_it(self, granted: str, wanted: str, is_covered: bool) -> None:
        assert covers(granted, wanted) is is_covered

    def test_no_route_answers_a_token_without_its_scope(self, sign_in: SignIn, ada: Member) -> None:
        for_push, for_reading = sign_in(ada, "push"), sign_in(ada, "read")
        for method, path, who, scope, _view in ROUTES:
            if not scope:
                continue
            answer = for_push.send(method, path_of(path))
            assert (answer.status_code, answer.get_json()["error"]) == (403, OUTSIDE), path
            if method != "GET" and who == MEMBER:
                assert for_reading.send(method, path_of(path)).status_code == 403, path


class TestStrangers:
    def test_only_the_street_is_open(self, stranger: Api) -> None:
        for method, path, who, _scope, _view in ROUTES:
            status = stranger.send(method, path_of(path)).status_code
            if who in (MEMBER, APP):
                assert status == 401, path
            elif who == STREET:
                assert status in (200, 404), path
            else:
                assert status in (400, 401, 422), path

    def test_a_closed_node_answers_nobody_without_a_token(self, stranger: Api, make: Factory) -> None:
        node_settings.set_mode(make.session, Mode.CLOSED, by=None, now=make.clock())
        for method, path, who, _scope, _view in ROUTES:
            if who != DOORSTEP:
                answer = stranger.send(method, path_of(path))
                assert answer.status_code == 401, path
                assert answer.get_json()["error"], path

    def test_a_closed_node_answers_nothing_it_does_not_have(self, stranger: Api, make: Factory) -> None:
        node_settings.set_mode(make.session, Mode.CLOSED, by=None, now=make.clock())
        stranger.get("/api/v1/nothing", 401)

    def test_a_closed_node_answers_its_members(self, api: Api, make: Factory) -> None:
        node_settings.set_mode(make.session, Mode.CLOSED, by=None, now=make.clock())
        api.get("/api/v1/timelines/home")
        api.get("/api/v2/instance")

    def test_an_apps_own_token_is_a_stranger_on_a_closed_node(self, stranger: Api, make: Factory) -> None:
        made = clients.register_app(make.session, "App", "https://app.test/back", "read", now=make.clock())
        secret = clients.token_for_app(make.session, made.app, made.secret, "read", make.clock())
        app_client = Api(stranger.app, make, secret)
        app_client.get("/api/v2/instance")
        app_client.get("/api/v1/timelines/home", 422)
        node_settings.set_mode(make.session, Mode.CLOSED, by=None, now=make.clock())
        app_client.get("/api/v2/instance", 401)
        app_client.get("/api/v1/timelines/public", 401)


class TestTokens:
    def test_a_token_that_is_none_is_refused_even_where_none_is_needed(self, stranger: Api) -> None:
        for header in ("Bearer wrong", "Bearer " + "x" * 5000, "Bearer \x7f", "Bearer a b"):
            answer = stranger.send("GET", "/api/v2/instance", headers={"Authorization": header})
            assert answer.status_code == 401
            assert "Bearer" in answer.headers["WWW-Authenticate"]

    def test_a_token_in_the_address_is_not_read(self, stranger: Api, api: Api) -> None:
        stranger.get("/api/v1/timelines/home", 401, access_token=api.token)

    def test_a_suspended_members_tokens_are_dead(self, api: Api, ada: Member, make: Factory) -> None:
        make.member("boss", role="admin")
        api.get("/api/v1/timelines/home")
        members.suspend(make.session, ada, by=None, now=make.clock())
        for path in ("/api/v1/timelines/home", "/api/v2/instance", "/api/v1/accounts/verify_credentials"):
            api.get(path, 401)

    def test_a_new_password_ends_the_tokens(self, api: Api, ada: Member, make: Factory) -> None:
        members.set_password(make.session, ada, "correct horse battery staple", now=make.clock())
        api.get("/api/v1/timelines/home", 401)


class TestBrowsers:
    def test_a_preflight_is_answered(self, stranger: Api) -> None:
        asked = {"Origin": "https://elk.test", "Access-Control-Request-Method": "POST"}
        for path in ("/api/v1/timelines/home", "/api/v1/statuses", "/oauth/token", "/api/v1/nothing", "/api/v1/apps"):
            answer = stranger.send("OPTIONS", path, headers=asked)
            assert answer.status_code == 200
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
            assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]
            assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]

    def test_answers_and_errors_may_be_read_with_their_links(self, api: Api, stranger: Api) -> None:
        for answer in (api.send("GET", "/api/v1/timelines/home"), stranger.send("GET", "/api/v1/timelines/home")):
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Link" in answer.headers["Access-Control-Expose-Headers"]
            assert "Access-Control-Allow-Credentials" not in answer.headers

    def test_no_cache_keeps_what_one_reader_saw(self, api: Api) -> None:
        answer = api.send("GET", "/api/v1/timelines/home")
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "Authorization" in answer.headers["Vary"]

    def test_the_page_that_lets_apps_in_is_not_for_other_sites(self, stranger: Api) -> None:
        assert "Access-Control-Allow-Origin" not in stranger.send("GET", "/oauth/authorize").headers

    def test_the_login_cookie_is_nothing_to_the_api(self, stranger: Api) -> None:
        stranger.get("/api/v1/nothing", 404)
        stranger.post("/oauth/nothing", 404)
        stranger.delete("/api/v1/statuses", 404)


class TestNonsense:
    """Whatever comes in, the answer is 4xx and JSON, never a 500 (promise: no case gives a 5xx)."""

    VALUES = ("\ud800", "\0", "9" * 5000, -1, 1.5, 1e308, True, None, [], [[]], {}, {"a": {"b": []}}, "'; --", "%", "\u202e", "")
    NAMES = (
        "status", "visibility", "in_reply_to_id", "language", "spoiler_text", "sensitive", "poll", "courtyard_space", "choices",
        "client_name", "redirect_uris", "scopes", "website", "display_name", "note", "locked", "source", "fields_attributes",
        "home", "notifications", "grant_type", "code", "client_id", "client_secret", "token", "media_ids",
    )  # fmt: skip

    def test_in_bodies(self, api: Api) -> None:
        for method, path in (
            ("POST", "/api/v1/statuses"), ("POST", "/api/v1/apps"), ("PATCH", "/api/v1/accounts/update_credentials"),
            ("POST", "/api/v1/markers"), ("POST", "/oauth/token"), ("POST", "/oauth/revoke"),
        ):  # fmt: skip
            for value in self.VALUES:
                answer = api.send(method, path, json=dict.fromkeys(self.NAMES, value))
                assert answer.status_code < 500, (path, value)
                assert answer.is_json

    def test_in_one_field_of_a_status(self, api: Api) -> None:
        for name in ("visibility", "language", "spoiler_text", "poll", "in_reply_to_id"):
            for value in self.VALUES:
                assert api.send("POST", "/api/v1/statuses", json={"status": "x", name: value}).status_code < 500, (name, value)

    def test_in_queries_and_paths(self, api: Api) -> None:
        texts = ("%00", "9" * 5000, "%ff%fe", "-1", "%25", "'", "..", "a%2Fb", "%ED%A0%80", "[", "a[b][c][d][e][f]")
        for text in texts:
            for path in (
                f"/api/v1/statuses/{text}", f"/api/v1/accounts/{text}/statuses", f"/api/v1/timelines/tag/{text}",
                f"/api/v1/tags/{text}", f"/api/v2/search?q={text}&resolve=true", f"/api/v1/accounts/lookup?acct={text}",
                f"/api/v1/timelines/home?max_id={text}", f"/api/v1/accounts?id[]={text}", f"/api/v1/statuses?{text}={text}",
                f"/oauth/authorize?client_id={text}", f"/api/v1/courtyard/preview?status={text}&in_reply_to_id={text}",
            ):  # fmt: skip
                assert api.send("GET", path).status_code < 500, path

    def test_bodies_that_are_no_json(self, api: Api) -> None:
        for body in (b"[" * 100_000, b'{"a":' * 50_000, b"\xff", b"null", b"1" * 10_000, b'{"status": "\\ud800"}'):
            answer = api.send("POST", "/api/v1/statuses", data=body, content_type="application/json")
            assert 400 <= answer.status_code < 500


class TestLimits:
    def test_too_much_is_told_when_to_come_back(self, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        limited = create_app(Settings(**{**settings.__dict__, "rate_limits": True, "redis_url": "memory://"}), clock)
        monkeypatch.setitem(limits.ALLOWED, "app", ("2 per minute",))
        app = {"client_name": "App", "redirect_uris": "https://app.test/back"}
        answers = [limited.test_client().post("/api/v1/apps", json=app) for _ in range(3)]
        with limited.app_context():
            db.engine.dispose()
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[2].headers["Retry-After"]) > 0
        assert answers[2].get_json()["error"]

    def test_an_ipv6_network_counts_as_one(self, app: Flask) -> None:
        seen = set()
        for end in (":1", "abcd:1:2:3"):
            with app.test_request_context(environ_base={"REMOTE_ADDR": f"2001:db8:1:2:{end}"}):
                seen.add(limits.address())
        assert seen == {"2001:db8:1:2::/64"}


def test_every_route_names_what_it_asks() -> None:
    for method, path, who, scope, _view in ROUTES:
        assert who in (DOORSTEP, STREET, APP, MEMBER)
        assert all(name in clients.SCOPES for name in scope.split()), path
        if method != "GET" and who == MEMBER:
            assert scope.startswith("write"), path

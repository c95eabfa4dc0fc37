"""OAuth: exact redirects, PKCE, codes that work once, tokens that end (abuse case W05)."""

import base64
import hashlib
from datetime import timedelta

import pytest

from node.actions import clients
from node.errors import Invalid, NotAllowed

REDIRECT = "https://app.test/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def ada(make):
    return make.member("ada")


@pytest.fixture
def new_app(session, now):
    return clients.register_app(session, "An app", f"{REDIRECT}\napp://done", "read write", "https://app.test", now=now)


@pytest.fixture
def authorize(session, ada, new_app, clock):
    def ask(**changes):
        asked = {"redirect_uri": REDIRECT, "scopes": "read", "challenge": CHALLENGE, "challenge_method": "S256"} | changes
        return clients.authorize(session, new_app.app, ada, now=clock(), **asked)

    return ask


@pytest.fixture
def exchange(session, new_app, clock):
    def turn(code, **changes):
        given = {
            "client_id": new_app.app.client_id,
            "client_secret": new_app.secret,
            "redirect_uri": REDIRECT,
            "verifier": VERIFIER,
        }
        return clients.exchange_code(session, code=code, now=clock(), **given | changes)

    return turn


def test_a_code_becomes_a_token_of_the_member(session, ada, authorize, exchange, now):
    done = exchange(authorize())
    token = clients.find_token(session, done.secret, now)
    assert (token.member.actor.username, token.app.name, token.scopes) == ("ada", "An app", "read")
    assert clients.apps_of(session, ada.id) == [token.app]


def test_a_public_client_needs_no_secret_but_the_verifier(authorize, exchange):
    assert exchange(authorize(), client_secret=None).secret
    for wrong in ("", "w" * 64, VERIFIER[:-1], "v" * 200, CHALLENGE):
        assert exchange(authorize(), client_secret=None, verifier=wrong).refusal.code == "invalid_grant"


def test_a_code_works_once_and_its_second_use_ends_the_token(session, authorize, exchange, now):
    code = authorize()
    first = exchange(code)
    assert clients.find_token(session, first.secret, now) is not None
    second = exchange(code)
    assert (second.secret, second.refusal.code) == (None, "invalid_grant")
    assert clients.find_token(session, first.secret, now) is None


@pytest.mark.parametrize(
    "redirect_uri",
    [
        REDIRECT + "/x",
        REDIRECT[:-1],
        REDIRECT + "#x",
        REDIRECT + "?x=1",
        "https://app.test@evil.test/callback",
        "HTTPS://app.test/callback",
        "http://app.test/callback",
        "",
        "app://done\nx",
    ],
)
def test_a_redirect_matches_character_for_character(authorize, exchange, redirect_uri):
    with pytest.raises(Invalid) as refusal:
        authorize(redirect_uri=redirect_uri)
    assert refusal.value.field == "redirect_uri"
    assert exchange(authorize(), redirect_uri=redirect_uri).refusal.code == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"challenge": None},
        {"challenge_method": None},
        {"challenge_method": "plain"},
        {"challenge": "short"},
        {"challenge": CHALLENGE + "="},
    ],
)
def test_pkce_with_s256_is_required(authorize, changes):
    with pytest.raises(Invalid) as refusal:
        authorize(**changes)
    assert refusal.value.code == "pkce_required"


def test_another_clients_code_is_worth_nothing(session, authorize, exchange, now):
    other = clients.register_app(session, "Other", REDIRECT, now=now)
    code = authorize()
    assert exchange(code, client_id=other.app.client_id, client_secret=other.secret).refusal.code == "invalid_grant"
    assert exchange(code, client_id="nobody").refusal.code == "invalid_client"
    assert exchange(code, client_secret="wrong").refusal.code == "invalid_client"


def test_a_code_lasts_ten_minutes(authorize, exchange, clock):
    code = authorize()
    clock.move(timedelta(minutes=10))
    assert exchange(code).refusal.code == "invalid_grant"
    assert exchange("nonsense").refusal.code == "invalid_grant"


def test_a_suspended_member_gets_no_token(ada, authorize, exchange, now):
    code = authorize()
    ada.suspended_at = now
    assert exchange(code).refusal.code == "invalid_grant"


def test_an_app_asks_for_no_more_than_it_registered(session, authorize, now):
    assert authorize(scopes="write:statuses read")
    for scopes in ("follow", "read admin:write", "everything"):
        with pytest.raises(Invalid) as refusal:
            authorize(scopes=scopes)
        assert refusal.value.code == "scope"


@pytest.mark.parametrize(
    "uris",
    [
        "",
        "callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://a@b.test/x",
        "https://a.test/#x",
        "https://a.test\\@b.test",
        "https://a.test:port/x",
        "http://a.test/x",
        "http://127.0.0.1.a.test/x",
        "view-source:https://a.test/x",
        "view-source://a.test/x",
        "mailto:a@b.test",
        "mailto://b.test",
        "JavaScript://a.test/%0aalert(1)",
        "file:///etc/passwd",
        "ftp://a.test/",
        "ms-settings://x",
        "urn:ietf:wg:oauth:2.0:oob:auto",
        "app:done",
        "app:",
        "com.example.app:",
        "//a.test/x",
        " ".join(f"https://a.test/{number}" for number in range(11)),
    ],
)
def test_an_app_registers_honest_redirects(session, now, uris):
    with pytest.raises(Invalid):
        clients.register_app(session, "App", uris, now=now)


@pytest.mark.parametrize(
    "uri",
    [
        "https://a.test/x?y=1",
        "https://a.test:8443/",
        "http://127.0.0.1:5000/callback",
        "http://[::1]/",
        "http://localhost:3000/oauth",
        "icecubesapp://",
        "oauth2redirect://com.keylesspalace.tusky/",
        "tusky://oauth",
        "mona://callback",
        "mastodon-android-auth://callback",
        "com.example.app:/back",
        "com.tapbots.Ivory.22300://auth",
    ],
)
def test_an_app_registers_an_address_of_its_own(session, now, uri):
    assert clients.register_app(session, "App", uri, now=now).app.redirect_uris == uri


def test_an_app_has_a_name_and_may_use_the_out_of_band_redirect(session, now):
    with pytest.raises(Invalid):
        clients.register_app(session, " ", REDIRECT, now=now)
    assert clients.register_app(session, "App", clients.OUT_OF_BAND, website="javascript:x", now=now).app.website is None


def test_an_apps_own_token_has_no_member(session, new_app, now):
    secret = clients.token_for_app(session, new_app.app, new_app.secret, "read", now)
    assert clients.find_token(session, secret, now).member is None
    with pytest.raises(NotAllowed):
        clients.token_for_app(session, new_app.app, "wrong", "read", now)
    with pytest.raises(Invalid):
        clients.token_for_app(session, new_app.app, new_app.secret, "follow", now)


def test_a_token_ends_when_revoked_by_its_own_app_or_member(session, ada, authorize, exchange, new_app, now):
    one, two = exchange(authorize()).secret, exchange(authorize()).secret
    assert not clients.revoke(session, one, now, client_id="another")
    assert clients.revoke(session, one, now, client_id=new_app.app.client_id)
    assert not clients.revoke(session, one, now)
    assert clients.find_token(session, two, now) is not None
    clients.revoke_app(session, ada.id, new_app.app.id, now)
    assert clients.find_token(session, two, now) is None
    assert clients.apps_of(session, ada.id) == []


def test_an_unknown_token_opens_nothing(session, ada, now):
    clients.token_for_member(session, ada, "read", now)
    for wrong in ("", "x", "x" * 500):
        assert clients.find_token(session, wrong, now) is None


def test_use_is_noted_now_and_then(session, ada, clock):
    token = clients.find_token(session, clients.token_for_member(session, ada, "read", clock()), clock())
    assert clients.is_due(token, clock())
    clients.note_use(session, token.id, clock())
    session.refresh(token)
    assert not clients.is_due(token, clock())
    assert clients.is_due(token, clock.move(timedelta(hours=1)))


def test_scopes_reach_down_and_not_up():
    assert clients.is_within("read:statuses", "read write")
    assert not clients.is_within("read", "read:statuses")
    assert not clients.is_within("write", "read")
    assert clients.read_scopes("write read read") == "read write"
    assert clients.read_scopes("") == "read"


def test_an_app_that_was_turned_out_has_no_code_left(session, ada, authorize, exchange, new_app, now):
    code = authorize()
    clients.revoke_app(session, ada.id, new_app.app.id, now)
    assert exchange(code).refusal.code == "invalid_grant"


@pytest.mark.parametrize("website", ["http://[", "https://", "javascript:alert(1)", "https://app.test/" + "x" * 3000, "http://a\nb"])
def test_a_website_that_is_none_is_left_out(session, now, website):
    assert clients.register_app(session, "An app", REDIRECT, website=website, now=now).app.website is None

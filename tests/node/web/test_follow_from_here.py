"""Following somebody from elsewhere, asked for by another server's page: our WebFinger's subscribe template."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from node.application import build


@pytest.mark.parametrize("path", ["/follow", "/authorize_interaction"])
def test_who_wants_to_follow_from_here_is_led_to_the_person(browser, make, anna, path):
    bob = make.remote("bob", "peer.test")
    gone = make.remote("gone", "peer.test", deleted_at=make.clock())
    make.commit()
    for uri, page in (
        ("acct:bob@peer.test", "/people/@bob@peer.test"),
        ("@bob@peer.test", "/people/@bob@peer.test"),
        (bob.uri, "/people/@bob@peer.test"),
        ("anna@home.test", "/users/anna"),
        ("new@peer.test", "/search?q=new@peer.test"),
        (gone.uri, "/search?q="),
        ("https://evil.test/x", "/search?q=https://evil.test/x"),
        ("javascript:alert(1)", "/search?q=javascript:alert(1)"),
        ("", "/search"),
    ):
        answer = browser.get(path, query_string={"uri": uri})
        assert answer.status_code == 303, uri
        assert unquote(answer.location).startswith(page), uri
        assert browser.get(answer.location).status_code == 200, uri


def test_a_stranger_who_wants_to_follow_from_here_signs_in_and_comes_back(stranger, anna, make):
    make.commit()
    answer = stranger.get("/follow", query_string={"uri": "acct:bob@peer.test"})
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.location).query)["next"] == ["/follow?uri=acct:bob@peer.test"]


def test_the_address_our_webfinger_names_is_there(settings, clock, make):
    make.member("anna")
    make.commit()
    app = build(settings, clock, doors=("activitypub", "web", "media"))
    asked = {"resource": f"acct:anna@{settings.host}"}
    document = app.test_client().get("/.well-known/webfinger", query_string=asked, base_url=settings.origin).get_json()
    (template,) = [link["template"] for link in document["links"] if "template" in link]
    wish = urlsplit(template.replace("{uri}", "acct%3Abob%40peer.test"))
    answer = app.test_client().get(f"{wish.path}?{wish.query}", base_url=settings.origin)
    assert answer.status_code == 303
    assert "/sign-in?next=" in answer.location

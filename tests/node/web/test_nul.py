"""NUL in addresses and forms, and an Origin that is none: refused, on both databases (abuse cases P06, W01)."""

import pytest


@pytest.fixture(autouse=True)
def as_in_production(door):
    door.testing = False


@pytest.mark.parametrize(
    "path",
    [
        "/users/a%00b", "/tags/%00", "/people/@a%00@evil.test", "/spaces/%00", "/invitations/%00", "/search?q=%00",
        "/search?q=a&q=%00", "/search?after=%00", "/search?q=http://x%00/", "/explore?older=%00", "/write?a%00=b",
    ],
)  # fmt: skip
def test_in_an_address(browser, path):
    assert browser.get(path).status_code in (400, 404)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/write", {"text": "a\0b"}), ("/write", {"text": "b", "title": "\0"}), ("/write", {"text": "b", "language": "\0"}),
        ("/write", {"text": "b", "key": "\0"}), ("/write/preview", {"text": "@a\0b"}), ("/search", {"q": "@a\0b@evil.test"}),
        ("/spaces", {"name": "a\0b"}), ("/settings/profile", {"name": "a\0"}), ("/language", {"language": "\0"}),
    ],
)  # fmt: skip
def test_in_a_form(browser, path, form):
    assert browser.post(path, form).status_code == 400


def test_in_a_name_at_the_door(stranger):
    assert stranger.post("/sign-in", {"login": "a\0b", "password": "x"}).status_code == 400


@pytest.mark.parametrize("origin", ["http://[", "http://a]b", "null", "", "//"])
def test_an_origin_that_is_none(browser, origin):
    assert browser.post("/language", {"language": "de"}, headers={"Origin": origin}).status_code == 403

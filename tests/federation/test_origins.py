"""One host has one spelling, whatever was written (abuse case L12)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation import origins
from federation.errors import Malformed

EVIL = ["evil.test", "EVIL.TEST", "evil.test.", "evil.test:443", "ｅｖｉｌ.test", "evil。test", "evil．test", "evil｡test."]


@pytest.mark.parametrize("spelling", [*EVIL, "Evil.Test.:443", "ｅｖｉｌ。ｔｅｓｔ：443", "evil.test:"])
def test_a_host_has_one_spelling(spelling: str) -> None:
    assert origins.normalise_host(spelling) == "evil.test"


@pytest.mark.parametrize(
    ("spelling", "host"),
    [
        ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
        ("xn--MNCHEN-3ya.de", "xn--mnchen-3ya.de"),
        ("mu\u0308nchen.de", "xn--mnchen-3ya.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("localhost:8000", "localhost:8000"),
        ("evil.test:8443", "evil.test:8443"),
        ("evil.test:0443", "evil.test"),
        ("a_b.example", "a_b.example"),
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("[::1]:443", "[::1]"),
        ("[0:0::1]:8080", "[::1]:8080"),
    ],
)
def test_names_are_normalised(spelling: str, host: str) -> None:
    assert origins.normalise_host(spelling) == host


def test_the_default_port_is_that_of_the_scheme() -> None:
    assert origins.normalise_host("evil.test:80", scheme="http") == "evil.test"
    assert origins.normalise_host("evil.test:443", scheme="http") == "evil.test:443"


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "evil test", "evil.test ", "a@evil.test", "evil.test/path", "evil.test?x", "evil.test#x", "evil\r\n.test",
        "evil.test\x00", "evil..test", ".evil.test", "evil.test..", "-evil.test", "evil-.test", "a:b:c", "evil.test:x",
        "evil.test:0", "evil.test:65536", "evil.test:４４３４４３", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "0",
        "1.2.3.256", "[::1", "[::1]x", "[fe80::1%lo]", "::1", "℀.test", "a" * 64 + ".test", "a." * 200, "evil%2etest",
        "xn--\u00fc.test", "\u202eevil.test", "[::1]:0",
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        origins.normalise_host(text)


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[\w.:。．ａ-ｚ-]{1,40}", fullmatch=True)))
@settings(max_examples=400, deadline=None)
def test_normalising_twice_changes_nothing(text: str) -> None:
    try:
        once = origins.normalise_host(text)
    except Malformed:
        return
    assert once.isascii()
    assert origins.normalise_host(once) == once
    assert origins.host_of(f"https://{once}/x") == once


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Example.ORG:443/a?b#c", "https://example.org"),
        ("http://example.org:80", "http://example.org"),
        ("HTTPS://example.org:8443/", "https://example.org:8443"),
        ("https://example.org?x", "https://example.org"),
    ],
)
def test_an_origin_is_scheme_and_host(url: str, origin: str) -> None:
    assert origins.origin(url) == origin
    assert origins.host_of(url) == origin.partition("//")[2]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "javascript:alert(1)", "//example.org/", "https:/example.org", "https://", "https:///x",
        "https://a@example.org/", "https://good.test\\@evil.test/", "https://evil.test\t/", "https://evil.test/\r\nx",
        " https://evil.test/", "https://evil.test/a b", "acct:a@b.test", "https://" + "a" * 2050, 'https://evil.test/"x',
    ],
)  # fmt: skip
def test_what_is_no_web_url_has_no_origin(url: str) -> None:
    with pytest.raises(Malformed):
        origins.origin(url)
    assert not origins.is_web_uri(url)
    assert not origins.same_origin(url, url)


def test_origins_are_compared_whole() -> None:
    assert origins.same_origin("https://evil.test/a", "https://EVIL.test.:443/b")
    assert not origins.same_origin("https://evil.test/", "http://evil.test/")
    assert not origins.same_origin("https://evil.test/", "https://sub.evil.test/")
    assert not origins.same_origin("https://evil.test/", "https://evil.test:8443/")


def test_one_document_has_one_url_but_for_its_fragment() -> None:
    assert origins.same_document("https://a.test/u#main-key", "https://A.test:443/u")
    assert origins.same_document("https://a.test", "https://a.test/")
    assert not origins.same_document("https://a.test/u", "https://a.test/u?x=1")
    assert not origins.same_document("https://a.test/u", "https://a.test/u/")
    assert not origins.same_document("https://a.test/u", "urn:x")


@pytest.mark.parametrize("host", [*EVIL, "sub.evil.test", "a.b.EVIL.test."])
def test_a_rule_covers_every_spelling_and_all_subdomains(host: str) -> None:
    assert origins.host_matches(host, "evil.test")
    assert origins.host_matches(host, "ＥＶＩＬ.test.")


@pytest.mark.parametrize("host", ["notevil.test", "evil.test.example", "test", "evil.test:8443"])
def test_a_rule_covers_nothing_else(host: str) -> None:
    assert not origins.host_matches(host, "evil.test")


def test_addresses_are_told_from_names() -> None:
    assert origins.is_address("127.0.0.1")
    assert origins.is_address("127.0.0.1:8000")
    assert origins.is_address("[::1]:8000")
    assert not origins.is_address("localhost:8000")
    assert not origins.is_address("1.example")


@pytest.mark.parametrize(("letter", "times", "fits"), [("x", 2033, True), ("x", 2034, False), ("é", 1016, True), ("é", 1017, False)])
def test_a_web_uri_has_at_most_2048_bytes(letter, times, fits):
    assert origins.is_web_uri("https://a.test/" + letter * times) is fits

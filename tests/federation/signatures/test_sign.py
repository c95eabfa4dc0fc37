"""What we send, read back as our own inbox would read it, and as the peer asked for it."""

from datetime import timedelta
from typing import Any

import pytest

from federation.errors import Malformed
from federation.signatures import (
    Message,
    Scheme,
    SigningKey,
    VerifyKey,
    accept_signature,
    digest_of,
    other_scheme,
    parse_signature,
    sign,
    verify,
)
from federation.signatures.dates import http_date

BODY = b'{"type":"Create"}'
INBOX = "https://node.test/inbox?a=%2Fb"


def signing_key(signer: Any) -> SigningKey:
    return SigningKey(signer.key_id, signer.algorithm, signer.pair.private_pem)


@pytest.fixture(params=["rsa", "ed25519"])
def either(request: pytest.FixtureRequest, signer: Any, ed25519_signer: Any) -> Any:
    return signer if request.param == "rsa" else ed25519_signer


@pytest.mark.parametrize("scheme", list(Scheme))
@pytest.mark.parametrize("content_type", [None, "application/activity+json"])
@pytest.mark.parametrize("body", [None, b"", BODY])
def test_our_own_inbox_takes_what_we_sign(either: Any, scheme: Scheme, content_type: str | None, body: bytes | None) -> None:
    method = "GET" if body is None else "POST"
    headers = sign(method, INBOX, body, signing_key(either), now=either.now, scheme=scheme, content_type=content_type)
    message = Message(method, INBOX, tuple(headers.items()), body)
    parameters = parse_signature(message, now=either.now)
    assert parameters.scheme == scheme
    assert ("content-type" in parameters.covered) == (content_type is not None)
    assert verify(parameters, either.key).owner == either.owner


def test_the_headers_are_those_peers_know(signer: Any) -> None:
    key = signing_key(signer)
    cavage = sign("POST", "HTTPS://Node.Test:443/inbox", BODY, key, now=signer.now)
    assert list(cavage) == ["Host", "Date", "Digest", "Signature"]
    assert cavage["Host"] == "node.test"
    assert cavage["Date"] == "Sun, 01 Mar 2026 12:00:00 GMT"
    assert cavage["Signature"].startswith(
        f'keyId="{signer.key_id}",algorithm="rsa-sha256",headers="(request-target) host date digest",signature="'
    )
    rfc9421 = sign("POST", "https://node.test", BODY, key, now=signer.now, scheme="rfc9421")
    assert list(rfc9421) == ["Host", "Date", "Content-Digest", "Signature-Input", "Signature"]
    assert rfc9421["Signature-Input"] == (
        f'sig1=("@method" "@target-uri" "content-digest");created=1772366400;keyid="{signer.key_id}";alg="rsa-v1_5-sha256"'
    )


def test_an_ed25519_key_says_so(ed25519_signer: Any) -> None:
    key = signing_key(ed25519_signer)
    assert 'algorithm="hs2019"' in sign("POST", INBOX, BODY, key, now=ed25519_signer.now)["Signature"]
    rfc9421 = sign("POST", INBOX, BODY, key, now=ed25519_signer.now, scheme="rfc9421")
    assert 'alg="ed25519"' in rfc9421["Signature-Input"]


@pytest.mark.parametrize("scheme", list(Scheme))
def test_a_digest_made_once_serves_every_inbox(signer: Any, scheme: Scheme) -> None:
    key, digest = signing_key(signer), digest_of(BODY)
    given = sign("POST", INBOX, BODY, key, now=signer.now, scheme=scheme, digest=digest)
    assert given == sign("POST", INBOX, BODY, key, now=signer.now, scheme=scheme)


def test_the_port_is_part_of_the_host_when_it_is_not_the_default(signer: Any) -> None:
    headers = sign("GET", "https://node.test:8443/a", None, signing_key(signer), now=signer.now)
    assert headers["Host"] == "node.test:8443"


@pytest.mark.parametrize("url", ["https://node.test/a b", "https://node.test/ä", "https://node.test/a\r\nx: y", "/inbox", "x"])
def test_a_url_that_cannot_be_sent_as_it_is_is_not_signed(signer: Any, url: str) -> None:
    with pytest.raises(Malformed):
        sign("GET", url, None, signing_key(signer), now=signer.now)


def test_a_content_type_cannot_bring_a_header_of_its_own(signer: Any) -> None:
    with pytest.raises(Malformed):
        sign("POST", INBOX, BODY, signing_key(signer), now=signer.now, content_type="a\r\nx: y")


def test_a_signature_is_too_old_the_next_day(signer: Any) -> None:
    headers = sign("POST", INBOX, BODY, signing_key(signer), now=signer.now)
    with pytest.raises(Exception, match="too long ago"):
        parse_signature(Message("POST", INBOX, tuple(headers.items()), BODY), now=signer.now + timedelta(days=1))


def test_what_a_peer_asks_for_is_covered(signer: Any) -> None:
    hints = accept_signature('other=("x-none"), wish=("@method" "@authority" "date");created;nonce="a\\"b";tag="inbox"')
    assert hints is not None
    assert (hints.label, hints.components) == ("wish", ("@method", "@authority", "date"))
    key = signing_key(signer)
    headers = sign("POST", INBOX, BODY, key, now=signer.now, scheme="rfc9421", hints=hints)
    parameters = parse_signature(Message("POST", INBOX, tuple(headers.items()), BODY), now=signer.now)
    assert parameters.covered == ("@method", "@target-uri", "content-digest", "@authority", "date")
    assert headers["Signature-Input"].endswith(';nonce="a\\"b";tag="inbox"')
    assert headers["Signature"].startswith("wish=:")
    assert verify(parameters, VerifyKey(signer.key_id, signer.owner, "rsa", signer.pair.public_pem))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "x",
        "sig=1",
        'sig=("@status")',
        'sig=("cookie")',
        'sig=("@method";req)',
        'sig=("@method");alg="hmac-sha256"',
        'sig=("@method");nonce=5',
        'sig=("@method");tag="' + "a" * 300 + '"',
    ],
)
def test_what_we_cannot_honour_is_ignored(header: str | None) -> None:
    assert accept_signature(header) is None


def test_the_second_knock_is_with_the_other_scheme() -> None:
    assert other_scheme("cavage") is Scheme.RFC9421
    assert other_scheme(Scheme.RFC9421) is Scheme.CAVAGE


def test_dates_are_written_in_english_and_gmt() -> None:
    assert http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"

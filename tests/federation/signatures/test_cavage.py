"""Requests signed with draft-cavage-http-signatures-12, as an inbox meets them."""

import hmac
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1, SHA512

from federation.signatures import Message, Verified, VerifyKey, parse_signature


def with_header(message: Message, name: str, value: str) -> Message:
    """Replace every header `name` by one with `value`."""
    kept = tuple(pair for pair in message.headers if pair[0].lower() != name)
    return replace(message, headers=(*kept, (name, value)))


def signature_of(message: Message) -> str:
    return message.values("signature")[0]


def test_an_unsigned_request_is_refused(signer: Any, refused: Any) -> None:
    assert refused(signer.message(signer.headers)) == "signature_missing"


def test_a_good_signature_proves_key_owner_and_body(signer: Any, accept: Any) -> None:
    verified = accept(signer.cavage())
    assert (verified.key_id, verified.owner, verified.scheme) == (signer.key_id, signer.owner, "cavage")
    assert len(verified.body_sha256) == 32


def test_nobody_else_makes_a_proof(signer: Any, accept: Any) -> None:
    with pytest.raises(TypeError):
        Verified(signer.key_id, "cavage", signer.owner, None, object())  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        replace(accept(signer.cavage()), owner="https://good.test/users/bob")


@pytest.mark.parametrize("algorithm", ["rsa-sha256", "RSA-SHA256", "hs2019", None])
def test_rsa_is_taken_under_its_names(signer: Any, accept: Any, algorithm: str | None) -> None:
    assert accept(signer.cavage(algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["hs2019", "ed25519", None])
def test_ed25519_is_taken_under_its_names(ed25519_signer: Any, accept: Any, algorithm: str | None) -> None:
    assert accept(ed25519_signer.cavage(algorithm=algorithm), ed25519_signer.key)


@pytest.mark.parametrize(
    "header",
    [
        "x",
        "",
        "=",
        ",",
        'keyId=""',
        'keyId="a b",signature="YQ=="',
        'keyId="https://good.test/k",signature="YQ=="',
        'keyId="https://good.test/k",headers="",signature="YQ=="',
        'keyId="https://good.test/k",headers="(request-target)  host date digest",signature="YQ=="',
        'keyId="https://good.test/k",headers="(request-target) host date digest",signature="%%%"',
        'keyId="https://good.test/k",headers="(request-target) host date digest",signature="YQ"',
        'keyId="https://good.test/k",headers="(request-target) host date digest",signature=""',
        'keyId="https://good.test/k",headers="(request-target) host date digest",signature="YQ==",',
        'keyId="https://good.test/k",headers="(request-target) host date digest"',
        'keyId="https://good.test/k",headers="(request-target) host date digest x-absent",signature="YQ=="',
        'keyId="https://good.test/k",headers="(request-target) host host date digest",signature="YQ=="',
        'headers="(request-target) host date digest",signature="YQ=="',
        'keyId="https://good.test/k" headers="(request-target) host date digest",signature="YQ=="',
        'keyId="' + "k" * 3000 + '",headers="(request-target) host date digest",signature="YQ=="',
        'keyId="https://good.test/k",headers="(request-target) host date digest",signature="' + "A" * 20_000 + '"',
        'keyId="https://good.test/k",headers="(request-target) host (created) digest",created=soon,signature="YQ=="',
    ],
)
def test_garbage_is_refused(signer: Any, refused: Any, header: str) -> None:
    assert refused(with_header(signer.cavage(), "signature", header))


def test_a_header_covered_twice_or_a_header_too_long_is_refused(signer: Any, refused: Any) -> None:
    assert refused(signer.cavage("(request-target) host date digest date")) == "signature_garbage"
    assert refused(signer.cavage(extra=f'x="{"a" * 8000}",')) == "signature_too_long"


@pytest.mark.parametrize("missing", ["(request-target)", "host", "date", "digest"])
def test_each_insisted_part_must_be_covered(signer: Any, refused: Any, missing: str) -> None:
    covered = " ".join(name for name in ["(request-target)", "host", "date", "digest"] if name != missing)
    assert refused(signer.cavage(covered)) == "coverage_insufficient"


def test_a_digest_must_be_there(signer: Any, refused: Any) -> None:
    assert refused(signer.cavage("(request-target) host date", change={"digest": None})) == "digest_missing"


def test_an_empty_post_needs_a_digest_too(signer: Any, accept: Any, refused: Any) -> None:
    empty = signer.but(body=None)
    assert refused(empty.cavage("(request-target) host date")) == "digest_missing"
    assert accept(signer.but(body=b"").cavage())


@pytest.mark.parametrize(
    ("digest", "code"),
    [
        ("SHA-512=abc", "digest_unusable"),
        ("abc", "digest_unusable"),
        ("", "digest_unusable"),
        ("SHA-256=", "digest_mismatch"),
        ("SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "digest_mismatch"),
        ("SHA-256=\u20ac", "signature_garbage"),
    ],
)
def test_a_digest_must_be_right(signer: Any, refused: Any, digest: str, code: str) -> None:
    assert refused(signer.cavage(change={"digest": digest})) == code


def test_a_digest_given_twice_is_refused(signer: Any, refused: Any) -> None:
    right = signer.headers["digest"]
    assert refused(signer.cavage(change={"digest": f"{right},{right}"})) == "digest_unusable"


def test_a_body_changed_by_one_byte_is_refused(signer: Any, refused: Any) -> None:
    assert refused(replace(signer.cavage(), body=b'{"type":"create"}')) == "digest_mismatch"


def test_a_replay_to_another_inbox_is_refused(signer: Any, refused: Any) -> None:
    assert refused(replace(signer.cavage(), url="https://node.test/users/bob/inbox")) == "signature_wrong"


def test_a_replay_from_another_host_is_refused(signer: Any, refused: Any) -> None:
    made_for_other = signer.cavage(change={"host": "other.test"})
    assert refused(made_for_other) == "host_mismatch"
    assert refused(with_header(made_for_other, "host", "node.test")) == "signature_wrong"


@pytest.mark.parametrize("host", ["node.test", "NODE.test", "node.test:443"])
def test_our_host_is_known_in_its_spellings(signer: Any, accept: Any, host: str) -> None:
    assert accept(signer.cavage(change={"host": host}))


@pytest.mark.parametrize("host", ["node.test:8443", "node.test.evil.test", "node.test, node.test", "evil.test, node.test", ""])
def test_another_host_is_not_ours(signer: Any, refused: Any, host: str) -> None:
    assert refused(signer.cavage(change={"host": host})) == "host_mismatch"


def test_two_host_headers_are_refused(signer: Any, refused: Any) -> None:
    message = signer.cavage()
    assert refused(replace(message, headers=(("Host", "other.test"), *message.headers))) == "host_mismatch"


@pytest.mark.parametrize("hours", [-1, 0, 11.9])
def test_the_window_is_twelve_hours_back_and_one_ahead(signer: Any, accept: Any, hours: float) -> None:
    assert accept(signer.cavage(), later=timedelta(hours=hours))


@pytest.mark.parametrize("hours", [-2, -1.01, 12.1, 13, 24 * 365])
def test_outside_the_window_is_refused(signer: Any, refused: Any, hours: float) -> None:
    assert refused(signer.cavage(), later=timedelta(hours=hours)) == "date_outside_window"


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "2026-03-01T12:00:00Z",
        "Sun, 01 Mar 2026 12:00:00",
        "Sun, 01 Foo 2026 12:00:00 GMT",
        "Sun, 00 Mar 2026 12:00:00 GMT",
        "Sun, 01 Mar 2026 25:00:00 GMT",
        "Sun, 01 Mar 0000 12:00:00 GMT",
        "Sun, 01 Mar ２０２６ 12:00:00 GMT",
        "Sun, 01 Mar 2026 12:00:00 GMT, Sun, 01 Mar 2026 12:00:00 GMT",
    ],
)
def test_an_unparsable_date_is_refused(signer: Any, refused: Any, date: str) -> None:
    assert refused(signer.cavage(change={"date": date})) in ("date_unusable", "signature_garbage")


def test_the_year_9999_is_refused(signer: Any, refused: Any) -> None:
    assert refused(signer.cavage(change={"date": "Fri, 31 Dec 9999 23:59:59 GMT"})) == "date_outside_window"


def test_a_covered_date_that_is_missing_is_refused(signer: Any, refused: Any) -> None:
    message = signer.cavage()
    dateless = replace(message, headers=tuple(pair for pair in message.headers if pair[0] != "Date"))
    assert refused(dateless) == "covered_header_missing"


def created(signer: Any, seconds: int, expires: str = "", algorithm: str | None = "hs2019") -> Message:
    at = int(signer.now.timestamp()) + seconds
    extra = f"created={at}," + (f"expires={expires}," if expires else "")
    covered = "(request-target) host (created) digest" + (" (expires)" if expires else "")
    values = {"(created)": str(at), "(expires)": expires}
    return signer.cavage(covered, algorithm=algorithm, extra=extra, values=values, change={"date": None})


def test_created_stands_in_for_the_date(signer: Any, accept: Any, refused: Any) -> None:
    assert accept(created(signer, 0)).key_id == signer.key_id
    assert accept(created(signer, 0, algorithm=None)).key_id == signer.key_id
    assert refused(created(signer, -13 * 3600)) == "date_outside_window"
    assert refused(created(signer, 2 * 3600)) == "date_outside_window"
    assert refused(created(signer, 10**11)) == "date_outside_window"


def test_created_is_not_for_the_old_label(signer: Any, refused: Any) -> None:
    assert refused(created(signer, 0, algorithm="rsa-sha256")) == "signature_garbage"


def test_an_expired_signature_is_refused(signer: Any, accept: Any, refused: Any) -> None:
    at = int(signer.now.timestamp())
    assert accept(created(signer, 0, str(at + 60)))
    assert accept(created(signer, 0, f"{at + 60}.5"))
    assert refused(created(signer, -120, str(at - 60))) == "signature_expired"
    assert refused(created(signer, 600, str(at + 60))) == "signature_expired"


@pytest.mark.parametrize("name", ["keyId", "headers", "signature", "algorithm"])
def test_a_parameter_given_twice_is_refused(signer: Any, refused: Any, name: str) -> None:
    message = signer.cavage()
    again = {"keyId": signer.key_id, "headers": "date", "signature": "YQ==", "algorithm": "hs2019"}[name]
    for header in (f'{signature_of(message)},{name}="{again}"', f'{name}="{again}",{signature_of(message)}'):
        assert refused(with_header(message, "signature", header)) == "signature_not_one"


def test_two_signature_headers_are_refused_also_when_the_server_joins_them(signer: Any, refused: Any) -> None:
    message = signer.cavage()
    header = signature_of(message)
    assert refused(replace(message, headers=(*message.headers, ("signature", header)))) == "signature_not_one"
    assert refused(with_header(message, "signature", f"{header},{header}")) == "signature_not_one"


@pytest.mark.parametrize("label", ["hmac-sha256", "rsa-sha1", "none", "", "ecdsa-sha256", "rsa-sha512", "ed448"])
def test_other_algorithms_are_refused_before_a_key_is_fetched(signer: Any, refused: Any, label: str) -> None:
    assert refused(signer.cavage(algorithm=label)) == "algorithm_refused"


def test_the_public_key_is_no_shared_secret(signer: Any, refused: Any) -> None:
    message = signer.cavage(algorithm="hs2019")
    base = parse_signature(message, now=signer.now).base
    forged = b64encode(hmac.digest(signer.pair.public_pem.encode(), base, "sha256")).decode()
    header = signature_of(message).rpartition('signature="')[0] + f'signature="{forged}"'
    assert refused(with_header(message, "signature", header)) == "signature_wrong"


def test_a_label_that_contradicts_the_key_is_refused(signer: Any, ed25519_signer: Any, refused: Any) -> None:
    assert refused(signer.cavage(algorithm="ed25519")) == "algorithm_refused"
    assert refused(ed25519_signer.cavage(algorithm="rsa-sha256"), ed25519_signer.key) == "algorithm_refused"


@pytest.mark.parametrize("weak", [SHA1(), SHA512()])
def test_another_hash_under_a_good_label_is_refused(signer: Any, refused: Any, weak: Any) -> None:
    assert refused(signer.but(hash=weak).cavage()) == "signature_wrong"


def test_a_key_that_is_not_what_it_says_is_refused(signer: Any, ed25519_signer: Any, refused: Any) -> None:
    message = signer.cavage(algorithm="hs2019")
    for algorithm, pem in (
        ("ed25519", signer.pair.public_pem),
        ("rsa", ed25519_signer.pair.public_pem),
        ("none", signer.pair.public_pem),
        ("rsa", "no key"),
        ("rsa", signer.pair.private_pem),
    ):
        assert refused(message, VerifyKey(signer.key_id, signer.owner, algorithm, pem)) == "key_unusable"


def test_another_key_is_refused(signer: Any, refused: Any) -> None:
    other = VerifyKey("https://good.test/users/bob#main-key", signer.owner, "rsa", signer.pair.public_pem)
    assert refused(signer.cavage(), other) == "key_unusable"


@pytest.mark.parametrize("owner", ["https://victim.test/users/alice", "http://good.test/users/alice", "https://good.test:8443/a"])
def test_a_key_for_an_owner_elsewhere_is_refused(signer: Any, refused: Any, owner: str) -> None:
    assert refused(signer.cavage(), replace(signer.key, owner=owner)) == "key_owner_mismatch"


def test_a_line_break_cannot_forge_a_line(signer: Any, refused: Any) -> None:
    message = signer.cavage("(request-target) host date digest content-type")
    assert refused(with_header(message, "content-type", "a\nhost: node.test")) == "signature_garbage"


def test_a_key_id_that_is_no_url_cannot_be_fetched(signer: Any, refused: Any) -> None:
    named = parse_signature(signer.but(key_id="acct:alice@good.test").cavage(), now=signer.now)
    with pytest.raises(Exception, match="no URL"):
        named.key_url()
    assert parse_signature(signer.cavage(), now=signer.now).key_url() == signer.key_id


class TestGet:
    """Authorized fetch: a signed GET has no digest, and some peers leave the query out of the target."""

    COVERED = "(request-target) host date"

    @pytest.fixture
    def getter(self, signer: Any) -> Any:
        return signer.but(method="GET", url="https://node.test/users/bob/outbox?page=2", body=None)

    @pytest.mark.parametrize("target", ["get /users/bob/outbox?page=2", "get /users/bob/outbox"])
    def test_with_and_without_the_query(self, getter: Any, accept: Any, target: str) -> None:
        assert accept(getter.cavage(self.COVERED, target=target)).body_sha256 is None

    @pytest.mark.parametrize(
        "target",
        [
            "get /users/bob/outbox?page=3",
            "get /users/bob",
            "get /users/bob/outbox?",
            "head /users/bob/outbox",
            "post /users/bob/outbox",
        ],
    )
    def test_another_path_query_or_method_is_refused(self, getter: Any, refused: Any, target: str) -> None:
        assert refused(getter.cavage(self.COVERED, target=target)) == "signature_wrong"

    def test_a_get_with_a_body_needs_its_digest(self, getter: Any, refused: Any) -> None:
        bodied = getter.but(body=b"x")
        assert refused(bodied.cavage(self.COVERED, target="get /users/bob/outbox?page=2")) == "coverage_insufficient"

    def test_a_post_needs_its_query(self, signer: Any, refused: Any) -> None:
        assert refused(signer.but(url="https://node.test/inbox?x=1").cavage(target="post /inbox")) == "signature_wrong"

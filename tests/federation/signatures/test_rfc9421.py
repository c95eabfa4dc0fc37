"""Requests signed with RFC 9421, as an inbox meets them."""

from dataclasses import replace
from typing import Any

import pytest

from federation.signatures import Message


def with_header(message: Message, name: str, value: str) -> Message:
    """Replace every header `name` by one with `value`."""
    kept = tuple(pair for pair in message.headers if pair[0].lower() != name)
    return replace(message, headers=(*kept, (name, value)))


def test_a_good_signature_is_taken(signer: Any, accept: Any) -> None:
    verified = accept(signer.rfc9421())
    assert (verified.owner, verified.scheme) == (signer.owner, "rfc9421")
    assert len(verified.body_sha256) == 32


def test_an_ed25519_signature_is_taken(ed25519_signer: Any, accept: Any) -> None:
    assert accept(ed25519_signer.rfc9421(), ed25519_signer.key)


@pytest.mark.parametrize(
    "covered",
    [
        '"@target-uri" "content-digest"',
        '"@method" "content-digest"',
        '"@method" "@target-uri"',
        '"@method" "@authority" "content-digest"',
    ],
)
def test_each_insisted_component_must_be_covered(signer: Any, refused: Any, covered: str) -> None:
    assert refused(signer.rfc9421(covered, known={"@authority": "node.test"})) == "coverage_insufficient"


def test_all_parts_of_the_target_stand_in_for_it(signer: Any, accept: Any, refused: Any) -> None:
    known = {"@authority": "node.test", "@path": "/inbox", "@query": "?a=b", "@request-target": "/inbox?a=b", "@scheme": "https"}
    with_query = signer.but(url="https://node.test/inbox?a=b")
    for covered in ('"@authority" "@path" "@query"', '"@authority" "@request-target" "@scheme"'):
        assert accept(with_query.rfc9421(f'"@method" {covered} "content-digest"', known=known))
    without = with_query.rfc9421('"@method" "@authority" "@path" "content-digest"', known=known)
    assert refused(without) == "coverage_insufficient"


def test_a_host_header_plays_no_part(signer: Any, accept: Any, refused: Any) -> None:
    assert accept(signer.rfc9421(change={"host": "127.0.0.1:8000"}))
    covered = '"@method" "@target-uri" "content-digest" "host"'
    assert accept(signer.rfc9421(covered))
    assert refused(signer.rfc9421(covered, change={"host": "other.test"})) == "host_mismatch"


def test_a_replay_to_another_host_or_path_is_refused(signer: Any, refused: Any) -> None:
    for url in ("https://other.test/inbox", "https://node.test/users/bob/inbox", "https://node.test/inbox?x"):
        assert refused(replace(signer.rfc9421(), url=url)) == "signature_wrong"


def test_created_is_needed_and_must_be_in_the_window(signer: Any, accept: Any, refused: Any) -> None:
    at = int(signer.now.timestamp())
    key_id = f';keyid="{signer.key_id}"'
    assert refused(signer.rfc9421(parameters=key_id)) == "date_unusable"
    for created in ("soon", '"1"', "1.5", "-1", "?1", str(10**14)):
        assert refused(signer.rfc9421(parameters=f";created={created}{key_id}")) in ("date_unusable", "signature_garbage")
    for created_at in (at - 13 * 3600, at + 7200, 253402300799):
        assert refused(signer.rfc9421(parameters=f";created={created_at}{key_id}")) == "date_outside_window"
    assert accept(signer.rfc9421(parameters=f";created={at - 11 * 3600}{key_id}"))
    assert accept(signer.rfc9421(parameters=f";created={at};expires={at + 1}{key_id}"))
    assert refused(signer.rfc9421(parameters=f";created={at - 2};expires={at - 1}{key_id}")) == "signature_expired"


@pytest.mark.parametrize("key_id", ["", ";keyid=token", ";keyid=1", ';keyid=""', ';keyid="a b"', ";keyid"])
def test_a_key_id_is_needed(signer: Any, refused: Any, key_id: str) -> None:
    created = f";created={int(signer.now.timestamp())}"
    assert refused(signer.rfc9421(parameters=created + key_id)) in ("key_id_bad", "key_unusable")


@pytest.mark.parametrize(
    ("alg", "code"),
    [
        ("hmac-sha256", "algorithm_refused"),
        ("none", "algorithm_refused"),
        ("ecdsa-p256-sha256", "algorithm_refused"),
        ("ed25519", "algorithm_refused"),
        ("rsa-pss-sha512", "algorithm_refused"),
    ],
)
def test_a_label_that_contradicts_the_key_is_refused(signer: Any, refused: Any, alg: str, code: str) -> None:
    parameters = f';created={int(signer.now.timestamp())};keyid="{signer.key_id}";alg="{alg}"'
    assert refused(signer.rfc9421(parameters=parameters)) == code


def test_the_right_label_and_unknown_parameters_are_taken(signer: Any, accept: Any) -> None:
    parameters = f';created={int(signer.now.timestamp())};alg="rsa-v1_5-sha256";nonce="a\\"b";tag=x;x;keyid="{signer.key_id}"'
    assert accept(signer.rfc9421(parameters=parameters))


@pytest.mark.parametrize(
    ("digest", "code"),
    [
        ("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", "digest_mismatch"),
        ("sha-256=47DEQpj8HBSa", "digest_unusable"),
        ("sha-256=?1", "digest_unusable"),
        ("sha-256", "digest_unusable"),
        ("sha-256=()", "digest_unusable"),
        ("md5=:YQ==:", "digest_unusable"),
        ("", "digest_unusable"),
    ],
)
def test_a_content_digest_must_be_right(signer: Any, refused: Any, digest: str, code: str) -> None:
    assert refused(signer.rfc9421(change={"content-digest": digest})) == code


def test_a_content_digest_must_be_there_and_fit_the_body(signer: Any, refused: Any) -> None:
    missing = signer.rfc9421('"@method" "@target-uri"', change={"content-digest": None})
    assert refused(missing) == "digest_missing"
    assert refused(replace(signer.rfc9421(), body=b"{}")) == "digest_mismatch"


def test_two_signatures_are_refused(signer: Any, refused: Any) -> None:
    message = signer.rfc9421()
    inputs, signature = message.values("signature-input")[0], message.values("signature")[0]
    for name, value in (("signature-input", inputs), ("signature", signature)):
        assert refused(replace(message, headers=(*message.headers, (name, value)))) == "signature_not_one"
        other = value.replace("sig1", "sig2", 1)
        assert refused(with_header(message, name, f"{value}, {other}")) == "signature_not_one"
        assert refused(with_header(message, name, f"{value}, {value}")) == "signature_garbage"
        assert refused(with_header(message, name, other)) == "signature_garbage"


@pytest.mark.parametrize(
    "inputs",
    [
        "x",
        "sig1",
        "sig1=1",
        "sig1=()",
        "sig1=(",
        'sig1=("@method" "@method");created=1;keyid="k"',
        'sig1=("@METHOD");created=1;keyid="k"',
        'sig1=("@status");created=1;keyid="k"',
        'sig1=("@method";req);created=1;keyid="k"',
        'sig1=("content-digest";sf);created=1;keyid="k"',
        'sig1=("@query-param");created=1;keyid="k"',
        'sig1=("@query-param";name="absent");created=1;keyid="k"',
        'sig1=("x-absent");created=1;keyid="k"',
        'sig1=("@signature-params");created=1;keyid="k"',
        "sig1=(token);created=1",
        "sig1=(1 2);created=1",
        'sig1=("a");created=1;created=2',
        "sig1=" + "(" * 5000,
        'sig1=("' + "a" * 9000 + '")',
        "sig1=(" + " ".join(f'"x-{number}"' for number in range(60)) + ");created=1",
    ],
)
def test_garbage_is_refused(signer: Any, refused: Any, inputs: str) -> None:
    assert refused(with_header(signer.rfc9421(), "signature-input", inputs))


@pytest.mark.parametrize("signature", ["x", "sig1", "sig1=x", "sig1=::", "sig1=:%:", "sig1=:YQ:", "sig1=(:YQ==:)", "sig1=:YQ==:"])
def test_a_garbage_signature_is_refused(signer: Any, refused: Any, signature: str) -> None:
    assert refused(with_header(signer.rfc9421(), "signature", signature))


def test_a_component_covered_twice_is_refused(signer: Any, refused: Any) -> None:
    assert refused(signer.rfc9421('"@method" "@target-uri" "content-digest" "@method"')) == "signature_garbage"


def test_a_signature_input_without_signature_is_refused(signer: Any, refused: Any) -> None:
    message = signer.rfc9421()
    alone = replace(message, headers=tuple(pair for pair in message.headers if pair[0] != "Signature"))
    assert refused(alone) == "signature_missing"


def test_a_signed_get_needs_no_digest_but_its_query(signer: Any, accept: Any, refused: Any) -> None:
    getter = signer.but(method="GET", url="https://node.test/users/bob?page=2", body=None)
    message = getter.rfc9421('"@method" "@target-uri"')
    assert accept(message).body_sha256 is None
    for url in ("https://node.test/users/bob", "https://node.test/users/bob?page=3", "https://node.test/users/eve?page=2"):
        assert refused(replace(message, url=url)) == "signature_wrong"

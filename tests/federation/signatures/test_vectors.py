"""Every signature of the shared vectors: as cryptography, and with the answer an inbox must give."""

import hmac
import json
from base64 import b64decode
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from federation.errors import Malformed, SignatureRefused
from federation.keys import load_public
from federation.signatures import Message, VerifyKey, parse_signature, read_signature, verify
from federation.signatures.digests import check_content_digest
from federation.signatures.structured import InnerList, Item, parse_dictionary, serialise_inner_list

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sigvectors.json").read_text())
REQUESTS = [vector for vector in VECTORS["http"] if "request" in vector]
ALGORITHMS = {
    "rsa-sha256": "rsa",
    "rsa-v1_5-sha256": "rsa",
    "rsa-pss-sha512": "rsa-pss-sha512",
    "ed25519": "ed25519",
}


def message_of(vector: dict[str, Any]) -> Message:
    request = vector["request"]
    body = request["body"]
    return Message(
        request["method"],
        request["url"],
        tuple((name, value) for name, value in request["headers"]),
        None if body is None else body.encode(),
    )


def key_of(vector: dict[str, Any], key_id: str) -> VerifyKey:
    if key_id not in vector["keyids"]:
        raise SignatureRefused("no such key", code="key_unknown")
    key = VECTORS["keys"][key_id]
    return VerifyKey(key_id, key_id, ALGORITHMS[key["alg"]], key["pem"])


def inbox_answer(vector: dict[str, Any]) -> str:
    try:
        parameters = parse_signature(message_of(vector), now=datetime.fromisoformat(vector["now"]))
        verify(parameters, key_of(vector, parameters.key_id))
    except SignatureRefused:
        return "invalid"
    return "valid"


def cryptography_says(vector: dict[str, Any]) -> str:
    """As `inbox_answer`, for a signature that covers too little for an inbox: the cryptography alone."""
    parameters = read_signature(message_of(vector))
    if vector["alg"] == "hmac-sha256":
        secret = b64decode(VECTORS["keys"][parameters.key_id]["secret_b64"])
        return "valid" if hmac.digest(secret, parameters.base, "sha256") == parameters.signature else "invalid"
    try:
        verify(parameters, key_of(vector, parameters.key_id))
    except SignatureRefused:
        return "invalid"
    return "valid"


@pytest.mark.parametrize("vector", REQUESTS, ids=lambda vector: vector["id"])
def test_an_inbox_answers_as_the_vector_says(vector: dict[str, Any]) -> None:
    expected = vector.get("activitypub_expect", vector["expect"])
    assert inbox_answer(vector) == ("valid" if expected == "either" else expected)


@pytest.mark.parametrize(
    "vector", [vector for vector in REQUESTS if "activitypub_expect" in vector], ids=lambda vector: vector["id"]
)
def test_what_an_inbox_refuses_for_its_coverage_is_right_as_cryptography(vector: dict[str, Any]) -> None:
    assert cryptography_says(vector) == vector["expect"]


@pytest.mark.parametrize("vector", [vector for vector in REQUESTS if "signature_base" in vector], ids=lambda vector: vector["id"])
def test_the_signature_base_is_that_of_the_standard(vector: dict[str, Any]) -> None:
    assert read_signature(message_of(vector)).base.decode() == vector["signature_base"]


def test_the_signed_response_of_the_standard_is_right_through_its_base() -> None:
    [vector] = [vector for vector in VECTORS["http"] if "request" not in vector]
    headers = dict(vector["response"]["headers"])
    [inputs] = parse_dictionary(headers["Signature-Input"]).values()
    [signature] = parse_dictionary(headers["Signature"]).values()
    assert isinstance(inputs, InnerList)
    assert isinstance(signature, Item)
    assert isinstance(signature.value, bytes)
    last_line = vector["signature_base"].rpartition("\n")[2]
    assert last_line == f'"@signature-params": {serialise_inner_list(inputs)}'
    key = load_pem_public_key(VECTORS["keys"]["test-key-ecc-p256"]["pem"].encode())
    assert isinstance(key, EllipticCurvePublicKey)
    r, s = (int.from_bytes(half, "big") for half in (signature.value[:32], signature.value[32:]))
    key.verify(encode_dss_signature(r, s), vector["signature_base"].encode(), ECDSA(SHA256()))


def test_a_key_of_another_kind_than_rsa_and_ed25519_is_not_taken() -> None:
    with pytest.raises(Malformed):
        load_public(VECTORS["keys"]["test-key-ecc-p256"]["pem"])


@pytest.mark.parametrize("vector", VECTORS["content_digest"], ids=lambda vector: vector["id"])
def test_a_content_digest_is_judged_as_the_vector_says(vector: dict[str, Any]) -> None:
    if vector["expect"] == "valid":
        assert len(check_content_digest(vector["header"], vector["body"].encode())) == 32
    else:
        with pytest.raises(SignatureRefused):
            check_content_digest(vector["header"], vector["body"].encode())

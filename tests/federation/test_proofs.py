"""Integrity proofs, by the vectors of the W3C and of FEP-8b32, and the older signatures that are never believed."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.errors import Malformed, SignatureRefused
from federation.keys import decode_multikey, generate_ed25519, generate_rsa, public_pem
from federation.proofs import read_proof, verify_proof, with_proof
from federation.signatures import SigningKey, VerifyKey

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "sigvectors.json").read_text())
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY_ID = "https://good.test/users/alice#ed25519-key"
DOCUMENT = {"@context": "https://www.w3.org/ns/activitystreams", "type": "Note", "content": "Grüße", "x": [1, 0.5, None]}


def check(document: dict[str, Any], pem: str, now: datetime = NOW) -> str:
    """Return "valid", or the code of the refusal; the key has the id the proof names, as a look-up would find it."""
    try:
        proof = read_proof(document, now=now)
        verify_proof(proof, VerifyKey(proof.verification_method, "https://good.test/users/alice", "ed25519", pem))
    except SignatureRefused as error:
        return str(error.code)
    return "valid"


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda vector: vector["id"])
def test_a_proof_is_judged_as_the_vector_says(vector: dict[str, Any]) -> None:
    now = datetime.fromisoformat(vector.get("now", "2023-02-25T00:00:00Z"))
    answer = check(vector["document"], public_pem(decode_multikey(vector["key_multibase"])), now)
    assert (answer == "valid") == (vector.get("expect", "valid") == "valid"), answer


@pytest.mark.parametrize("vector", VECTORS["ld"], ids=lambda vector: vector["id"])
def test_a_linked_data_signature_proves_nothing(vector: dict[str, Any]) -> None:
    assert check(vector["document"], generate_ed25519().public_pem) == "proof_missing"


def test_our_own_proof_is_read_back_and_holds_every_part() -> None:
    pair = generate_ed25519()
    proven = with_proof(DOCUMENT, SigningKey(KEY_ID, "ed25519", pair.private_pem), now=NOW)
    assert check(proven, pair.public_pem) == "valid"
    assert check(json.loads(json.dumps(proven)), pair.public_pem) == "valid"
    assert check({**proven, "content": "Gruesse"}, pair.public_pem) == "proof_wrong"
    assert check({**proven, "@context": [DOCUMENT["@context"], {"content": "x:y"}]}, pair.public_pem) == "valid"
    assert check({**proven, "@context": "https://evil.test/"}, pair.public_pem) == "proof_unusable"
    assert check(proven, generate_ed25519().public_pem) == "proof_wrong"
    assert check(proven, generate_rsa().public_pem) == "proof_key_unusable"
    assert check(proven, "no key") == "proof_key_unusable"


def test_a_proof_is_for_the_key_it_names() -> None:
    pair = generate_ed25519()
    proof = read_proof(with_proof(DOCUMENT, SigningKey(KEY_ID, "ed25519", pair.private_pem), now=NOW), now=NOW)
    with pytest.raises(SignatureRefused):
        verify_proof(proof, VerifyKey("https://good.test/users/bob#k", "https://good.test/users/bob", "ed25519", pair.public_pem))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"expires": "2026-02-28T00:00:00Z"}, "proof_expired"),
        ({"expires": "soon"}, "proof_unusable"),
        ({"created": 5}, "proof_unusable"),
        ({"created": "2026-02-28T00:00:00"}, "proof_unusable"),
        ({"type": "RsaSignature2017"}, "proof_unusable"),
        ({"cryptosuite": ["eddsa-jcs-2022"]}, "proof_unusable"),
        ({"proofPurpose": "authentication"}, "proof_unusable"),
        ({"verificationMethod": None}, "proof_unusable"),
        ({"verificationMethod": ""}, "proof_unusable"),
        ({"proofValue": None}, "proof_unusable"),
        ({"proofValue": "z"}, "proof_unusable"),
        ({"proofValue": "z111"}, "proof_unusable"),
        ({"extra": float("nan")}, "proof_unusable"),
    ],
)
def test_a_bent_proof_is_refused(change: dict[str, Any], code: str) -> None:
    pair = generate_ed25519()
    proven = with_proof(DOCUMENT, SigningKey(KEY_ID, "ed25519", pair.private_pem), now=NOW)
    assert check({**proven, "proof": {**proven["proof"], **change}}, pair.public_pem) == code


@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_proof_is_answered(proof: Any) -> None:
    assert check({**DOCUMENT, "proof": proof}, "no key") != "valid"


def test_only_an_ed25519_key_makes_proofs() -> None:
    with pytest.raises(Malformed):
        with_proof(DOCUMENT, SigningKey(KEY_ID, "rsa", generate_rsa().private_pem), now=NOW)

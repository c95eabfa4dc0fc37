"""Integrity proofs of documents: cryptosuite eddsa-jcs-2022 (FEP-8b32; W3C Data Integrity EdDSA Cryptosuites 3.3).

A proof says that a key signed exactly these bytes, whoever brought them; that the key is its owner's, and that the owner
may speak for the object, the caller decides. Linked Data Signatures (the older `signature` property) are never read here
or elsewhere: they sign what JSON-LD makes of a document, not the document.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from federation.canonical import canonical
from federation.errors import Malformed, SignatureRefused
from federation.keys import decode_multibase, encode_base58, load_private, load_public
from federation.signatures import SigningKey, VerifyKey

CRYPTOSUITE = "eddsa-jcs-2022"
_SIGNATURE_BYTES = 64


class ProofRefusal(StrEnum):
    """Why a proof is refused: the `code` of SignatureRefused."""

    MISSING = "proof_missing"
    UNUSABLE = "proof_unusable"
    EXPIRED = "proof_expired"
    KEY = "proof_key_unusable"
    WRONG = "proof_wrong"


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof read from a document and not yet verified. `verification_method` is the id of the key to verify it with."""

    verification_method: str
    created: datetime | None
    signature: bytes = field(repr=False)
    hashed: bytes = field(repr=False)


def read_proof(document: Mapping[str, Any], *, now: datetime) -> Proof:
    """Read the one proof of a document and hash what it signs. `now` is aware. Raises SignatureRefused."""
    proof = document.get("proof")
    if proof is None:
        raise SignatureRefused("the document has no proof", code=ProofRefusal.MISSING)
    if not isinstance(proof, Mapping):
        raise _unusable("the document has more than one proof, or none that can be read")
    if proof.get("type") != "DataIntegrityProof" or proof.get("cryptosuite") != CRYPTOSUITE:
        raise _unusable("the proof is of another kind")
    if proof.get("proofPurpose") != "assertionMethod":
        raise _unusable("the proof has another purpose")
    method = proof.get("verificationMethod")
    if not isinstance(method, str) or not 1 <= len(method) <= 2048:
        raise _unusable("the proof names no key")
    created, expires = _time(proof, "created"), _time(proof, "expires")
    if expires is not None and expires < now:
        raise SignatureRefused("the proof has expired", code=ProofRefusal.EXPIRED)
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    if "@context" in proof:
        unsecured["@context"] = _context(document, proof)
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    return Proof(method, created, _signature(proof), _hashed(options, unsecured))


def verify_proof(proof: Proof, key: VerifyKey) -> None:
    """Raise SignatureRefused unless `key`, an Ed25519 key with the id the proof names, made the proof."""
    if key.key_id != proof.verification_method:
        raise SignatureRefused("the key is not the one that was named", code=ProofRefusal.KEY)
    try:
        public = load_public(key.pem)
    except Malformed as error:
        raise SignatureRefused("the key cannot be used", code=ProofRefusal.KEY) from error
    if not isinstance(public, Ed25519PublicKey):
        raise SignatureRefused("the key is not Ed25519", code=ProofRefusal.KEY)
    try:
        public.verify(proof.signature, proof.hashed)
    except InvalidSignature as error:
        raise SignatureRefused("the proof is wrong", code=ProofRefusal.WRONG) from error


def with_proof(document: Mapping[str, Any], key: SigningKey, *, now: datetime) -> dict[str, Any]:
    """Return a copy of `document` with our proof in it; an earlier proof is replaced. Raises Malformed("bad_key")."""
    private = load_private(key.private_pem)
    if not isinstance(private, Ed25519PrivateKey):
        raise Malformed("only an Ed25519 key makes integrity proofs", code="bad_key")
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    options: dict[str, Any] = {"@context": document["@context"]} if "@context" in document else {}
    options |= {
        "type": "DataIntegrityProof",
        "cryptosuite": CRYPTOSUITE,
        "verificationMethod": key.key_id,
        "proofPurpose": "assertionMethod",
        "created": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    value = "z" + encode_base58(private.sign(_hashed(options, unsecured)))
    return {**unsecured, "proof": {**options, "proofValue": value}}


def _hashed(options: Mapping[str, Any], unsecured: Mapping[str, Any]) -> bytes:
    try:
        return hashlib.sha256(canonical(options)).digest() + hashlib.sha256(canonical(unsecured)).digest()
    except Malformed as error:
        raise _unusable("the document has no canonical form") from error


def _context(document: Mapping[str, Any], proof: Mapping[str, Any]) -> Any:
    """Return the proof's context, with which the document's must begin (the cryptosuite's 3.3.2, step 4)."""
    of_proof, of_document = _listed(proof["@context"]), _listed(document.get("@context"))
    if of_document[: len(of_proof)] != of_proof:
        raise _unusable("the proof was made in another context")
    return proof["@context"]


def _listed(context: Any) -> list[Any]:
    return list(context) if isinstance(context, list | tuple) else [context]


def _signature(proof: Mapping[str, Any]) -> bytes:
    value = proof.get("proofValue")
    try:
        signature = decode_multibase(value) if isinstance(value, str) else b""
    except Malformed as error:
        raise _unusable("the proof's value cannot be read") from error
    if len(signature) != _SIGNATURE_BYTES:
        raise _unusable("the proof's value is no Ed25519 signature")
    return signature


def _time(proof: Mapping[str, Any], name: str) -> datetime | None:
    text = proof.get(name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise _unusable(f"the proof's {name} cannot be read") from error
    if time.tzinfo is None:
        raise _unusable(f"the proof's {name} has no time zone")
    return time


def _unusable(message: str) -> SignatureRefused:
    return SignatureRefused(message, code=ProofRefusal.UNUSABLE)

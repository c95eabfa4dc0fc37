"""The raw operations with keys: what both schemes do with a signature base once they have it."""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512

from federation.errors import Malformed
from federation.keys import KeyAlgorithm, load_private, load_public
from federation.signatures.message import Refusal, refusal

_PKCS1 = PKCS1v15()
_SHA256 = SHA256()
_SHA512 = SHA512()
_PSS = PSS(mgf=MGF1(_SHA512), salt_length=64)  # RFC 9421 3.3.1


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One of our own keys. `algorithm` is a KeyAlgorithm; `private_pem` is PKCS #8 without a passphrase."""

    key_id: str
    algorithm: str
    private_pem: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A peer's key as its owner's actor document lists it. `owner` is the actor's id, `algorithm` a KeyAlgorithm."""

    key_id: str
    owner: str
    algorithm: str
    pem: str = field(repr=False)


def signed_with(key: SigningKey, base: bytes) -> tuple[KeyAlgorithm, bytes]:
    """Sign `base`: RSASSA-PKCS1-v1_5 with SHA-256, or Ed25519, as the key is. Raises Malformed("bad_key")."""
    private = load_private(key.private_pem)
    if isinstance(private, RSAPrivateKey):
        return KeyAlgorithm.RSA, private.sign(base, _PKCS1, _SHA256)
    return KeyAlgorithm.ED25519, private.sign(base)


def check_signature(key: VerifyKey, signature: bytes, *bases: bytes) -> None:
    """Raise SignatureRefused unless `signature` is that of `key` over one of `bases`."""
    try:
        public = load_public(key.pem)
    except Malformed as error:
        raise refusal(Refusal.KEY, "the key cannot be used") from error
    if not any(_is_signature(public, key.algorithm, signature, base) for base in bases):
        raise refusal(Refusal.WRONG, "the signature is wrong")


def _is_signature(public: RSAPublicKey | Ed25519PublicKey, algorithm: str, signature: bytes, base: bytes) -> bool:
    try:
        if isinstance(public, Ed25519PublicKey):
            if algorithm != KeyAlgorithm.ED25519:
                raise refusal(Refusal.KEY, "the key is not of the kind it says")
            public.verify(signature, base)
        elif algorithm == KeyAlgorithm.RSA:
            public.verify(signature, base, _PKCS1, _SHA256)
        elif algorithm == KeyAlgorithm.RSA_PSS:
            public.verify(signature, base, _PSS, _SHA512)
        else:
            raise refusal(Refusal.KEY, "the key is not of the kind it says")
    except InvalidSignature:
        return False
    return True

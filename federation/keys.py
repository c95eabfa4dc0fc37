"""Key pairs of actors: making them, reading them from PEM, and writing them as Multikey.

RSA (what every server knows) and Ed25519 (FEP-521a). Parsed keys are kept, because reading a PEM costs more than using
the key. What is signed with a key, and how, lives in `federation.signatures`; who owns a key, in `federation.actors`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from federation.errors import Malformed

PublicKey = RSAPublicKey | Ed25519PublicKey
PrivateKey = RSAPrivateKey | Ed25519PrivateKey

RSA_BITS = 2048
# Shorter keys can be factored; longer ones, and large exponents, make one verification cost as much as hundreds.
MIN_RSA_BITS = 1024
MAX_RSA_BITS = 8192
MAX_EXPONENT_BITS = 33
MAX_PEM = 8192
MAX_MULTIKEY = 2048

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUES = {character: value for value, character in enumerate(_BASE58)}
# Multicodec prefixes (varint): ed25519-pub 0xed, rsa-pub 0x1205.
_ED25519_PREFIX = b"\xed\x01"
_RSA_PREFIX = b"\x85\x24"


class KeyAlgorithm(StrEnum):
    """What a key can do. Taken from the key itself, never from the header of a request."""

    RSA = "rsa"
    ED25519 = "ed25519"
    # RSASSA-PSS with SHA-512, for keys known to be used that way (RFC 9421 3.3.1). No actor document says so today.
    RSA_PSS = "rsa-pss-sha512"


@dataclass(frozen=True)
class PrivateKeyPair:
    """A fresh pair. `private_pem` is PKCS #8 without a passphrase, `public_pem` SubjectPublicKeyInfo."""

    private_pem: str = field(repr=False)
    public_pem: str


def generate_rsa() -> PrivateKeyPair:
    """Make an RSA pair of 2048 bits (about 0.1 s of CPU)."""
    return _pair(generate_private_key(public_exponent=65537, key_size=RSA_BITS))


def generate_ed25519() -> PrivateKeyPair:
    """Make an Ed25519 pair."""
    return _pair(Ed25519PrivateKey.generate())


def _pair(private: PrivateKey) -> PrivateKeyPair:
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    return PrivateKeyPair(private_pem=pem, public_pem=public_pem(private.public_key()))


def public_pem(key: PublicKey) -> str:
    """Write a public key as SubjectPublicKeyInfo PEM, the form of `publicKeyPem`."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def algorithm_of(key: PublicKey | PrivateKey) -> KeyAlgorithm:
    """Name what `key` is used for."""
    return KeyAlgorithm.RSA if isinstance(key, RSAPublicKey | RSAPrivateKey) else KeyAlgorithm.ED25519


@lru_cache(maxsize=4096)
def load_public(pem: str) -> PublicKey:
    """Read a public key: SubjectPublicKeyInfo or PKCS #1 PEM, RSA of 1024 to 8192 bits or Ed25519.

    The same text gives the same object, parsed once. Raises Malformed("bad_key").
    """
    if len(pem) > MAX_PEM:
        raise Malformed("the public key is too long", code="bad_key")
    try:
        key = load_pem_public_key(pem.encode("ascii"))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Malformed("the public key cannot be read", code="bad_key") from error
    return _accepted(key)


@lru_cache(maxsize=2048)
def load_private(pem: str) -> PrivateKey:
    """Read one of our own private keys (PEM without passphrase). Parsed once. Raises Malformed("bad_key").

    An RSA key is not proven prime again, which costs as much as a hundred signatures: we made it and kept it ourselves.
    """
    try:
        key = load_pem_private_key(pem.encode("ascii"), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Malformed("the private key cannot be read", code="bad_key") from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise Malformed("the private key is neither RSA nor Ed25519", code="bad_key")
    return key


def _accepted(key: object) -> PublicKey:
    if isinstance(key, Ed25519PublicKey):
        return key
    if not isinstance(key, RSAPublicKey):
        raise Malformed("the public key is neither RSA nor Ed25519", code="bad_key")
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise Malformed(f"an RSA key of {key.key_size} bits is not taken", code="bad_key")
    if key.public_numbers().e.bit_length() > MAX_EXPONENT_BITS:
        raise Malformed("the exponent of the RSA key is too large", code="bad_key")
    return key


def encode_multikey(key: PublicKey) -> str:
    """Write a key as `publicKeyMultibase` of a Multikey (FEP-521a): base58btc of the multicodec prefix and the key."""
    if isinstance(key, Ed25519PublicKey):
        return "z" + encode_base58(_ED25519_PREFIX + key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    return "z" + encode_base58(_RSA_PREFIX + key.public_bytes(Encoding.DER, PublicFormat.PKCS1))


def decode_multikey(text: str) -> PublicKey:
    """Read `publicKeyMultibase`: Ed25519 or RSA in base58btc. Raises Malformed("bad_key")."""
    raw = decode_multibase(text)
    try:
        if raw.startswith(_ED25519_PREFIX):
            return Ed25519PublicKey.from_public_bytes(raw[len(_ED25519_PREFIX) :])
        if raw.startswith(_RSA_PREFIX):
            return _accepted(load_der_public_key(raw[len(_RSA_PREFIX) :]))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Malformed("the Multikey cannot be read", code="bad_key") from error
    raise Malformed("the Multikey is neither Ed25519 nor RSA", code="bad_key")


def decode_multibase(text: str) -> bytes:
    """Read multibase text in base58btc (prefix `z`), the one FEP-521a and FEP-8b32 use. Raises Malformed("bad_key")."""
    if not text.startswith("z") or len(text) > MAX_MULTIKEY:
        raise Malformed("not multibase base58btc", code="bad_key")
    digits = text[1:]
    number = 0
    for character in digits:
        value = _BASE58_VALUES.get(character)
        if value is None:
            raise Malformed("not base58btc", code="bad_key")
        number = number * 58 + value
    zeros = len(digits) - len(digits.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode_base58(raw: bytes) -> str:
    """Write bytes as base58btc, without the multibase prefix."""
    number = int.from_bytes(raw, "big")
    digits: list[str] = []
    while number:
        number, rest = divmod(number, 58)
        digits.append(_BASE58[rest])
    zeros = len(raw) - len(raw.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(digits))

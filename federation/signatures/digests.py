"""Digests of bodies: `Digest` (RFC 3230, with Cavage signatures) and `Content-Digest` (RFC 9530, with RFC 9421)."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest

from federation.signatures.message import Refusal, refusal
from federation.signatures.structured import BadField, Item, parse_dictionary

_CONTENT_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "sha-256": lambda body: hashlib.sha256(body).digest(),
    "sha-512": lambda body: hashlib.sha512(body).digest(),
}


@dataclass(frozen=True, slots=True)
class BodyDigest:
    """The digest of one body in both spellings, so that a fan-out hashes the body once."""

    cavage: str
    rfc9530: str


def digest_of(body: bytes) -> BodyDigest:
    """Hash `body` with SHA-256 for `sign`."""
    encoded = b64encode(hashlib.sha256(body).digest()).decode("ascii")
    return BodyDigest(cavage=f"SHA-256={encoded}", rfc9530=f"sha-256=:{encoded}:")


def check_digest(header: str, body: bytes) -> bytes:
    """Check a `Digest` header and return the SHA-256 of `body`. Raises SignatureRefused.

    SHA-256 must be there and right; other algorithms beside it, which RFC 3230 4.3.2 allows, are not looked at.
    """
    found: str | None = None
    for part in header.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            raise refusal(Refusal.DIGEST_UNUSABLE, "the Digest header cannot be read")
        if name.lower() != "sha-256":
            continue
        if found is not None:
            raise refusal(Refusal.DIGEST_UNUSABLE, "the Digest header names SHA-256 twice")
        found = value
    if found is None:
        raise refusal(Refusal.DIGEST_UNUSABLE, "the Digest header has no SHA-256")
    digest = hashlib.sha256(body).digest()
    if not compare_digest(b64encode(digest), found.encode("utf-8", "surrogatepass")):
        raise refusal(Refusal.DIGEST, "the body does not match the Digest header")
    return digest


def check_content_digest(header: str, body: bytes) -> bytes:
    """Check a `Content-Digest` header and return the SHA-256 of `body`. Raises SignatureRefused.

    At least one of sha-256 and sha-512 must be there, and each that is there must be right (RFC 9530 2).
    """
    try:
        digests = parse_dictionary(header)
    except BadField as error:
        raise refusal(Refusal.DIGEST_UNUSABLE, "the Content-Digest header cannot be read") from error
    known = {name: member for name, member in digests.items() if name in _CONTENT_DIGESTS}
    if not known:
        raise refusal(Refusal.DIGEST_UNUSABLE, "the Content-Digest header has neither sha-256 nor sha-512")
    for name, member in known.items():
        if not isinstance(member, Item) or not isinstance(member.value, bytes):
            raise refusal(Refusal.DIGEST_UNUSABLE, "the Content-Digest header cannot be read")
        if not compare_digest(_CONTENT_DIGESTS[name](body), member.value):
            raise refusal(Refusal.DIGEST, "the body does not match the Content-Digest header")
    return hashlib.sha256(body).digest()

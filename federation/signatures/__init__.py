"""HTTP signatures in both directions and both schemes.

In: `parse_signature` does everything that can be done without a key, so that no refused request makes us fetch one;
then `verify` does the cryptography and makes the only `Verified` there is. Out: `sign`.
Where a key comes from, and that its owner lists it, is the caller's to know.
"""

import re
from dataclasses import InitVar, dataclass, replace
from datetime import datetime

from federation.errors import Malformed
from federation.origins import same_origin
from federation.signatures import cavage, rfc9421
from federation.signatures.digests import BodyDigest, digest_of
from federation.signatures.hints import SignatureHints, accept_signature, other_scheme
from federation.signatures.message import (
    Message,
    Refusal,
    Scheme,
    SignatureParameters,
    Target,
    refusal,
    target_of,
)
from federation.signatures.signer import SigningKey, VerifyKey, check_signature

__all__ = [
    "BodyDigest",
    "Message",
    "Refusal",
    "Scheme",
    "SignatureHints",
    "SignatureParameters",
    "SigningKey",
    "Target",
    "Verified",
    "VerifyKey",
    "accept_signature",
    "digest_of",
    "other_scheme",
    "parse_signature",
    "read_signature",
    "sign",
    "target_of",
    "verify",
]

_SEAL = object()
# What each label allows the key to be. No label, and hs2019, leave it to the key.
_LABEL_ALGORITHMS = {
    "rsa-sha256": "rsa",
    "rsa-v1_5-sha256": "rsa",
    "rsa-pss-sha512": "rsa-pss-sha512",
    "ed25519": "ed25519",
}
_TARGET = re.compile(r"[!-~]+")
_FIELD_VALUE = re.compile(r"[ -~]+")


@dataclass(frozen=True, slots=True)
class Verified:
    """Proof that a request was signed by `owner` (an actor's id) with `key_id`. Only `verify` can make one.

    `body_sha256` is the digest of the body the proof is about, None for a request without one.
    """

    key_id: str
    scheme: Scheme
    owner: str
    body_sha256: bytes | None
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only signatures.verify makes a Verified")


def read_signature(message: Message) -> SignatureParameters:
    """Read a signature and rebuild what it signs, insisting on nothing yet. Raises SignatureRefused."""
    if message.values("signature-input"):
        return rfc9421.read(message)
    return cavage.read(message)


def parse_signature(message: Message, *, now: datetime) -> SignatureParameters:
    """Read the signature of a request and make every check that needs no key.

    One signature; method, target and our own host covered; made between twelve hours before and one hour after `now`
    (aware); not expired; on anything but a bare GET a SHA-256 digest, covered and right. Raises SignatureRefused, whose
    code is a `Refusal`, and for hostile headers nothing else.
    """
    parameters = read_signature(message)
    insist = rfc9421.insist if parameters.scheme is Scheme.RFC9421 else cavage.insist
    body_sha256 = insist(message, parameters, now.timestamp())
    return parameters if body_sha256 is None else replace(parameters, body_sha256=body_sha256)


def verify(parameters: SignatureParameters, key: VerifyKey) -> Verified:
    """Check the signature with the key its key id names and return the proof. Raises SignatureRefused.

    The algorithm is the key's: a label in the header that says otherwise is refused. A key is only taken for an owner
    on its own origin (FEP-fe34).
    """
    if key.key_id != parameters.key_id:
        raise refusal(Refusal.KEY, "the key is not the one that was named")
    if key.key_id != key.owner and not same_origin(key.key_id, key.owner):
        raise refusal(Refusal.KEY_OWNER, "the key and its owner are of different origins")
    wanted = _LABEL_ALGORITHMS.get(parameters.algorithm or "", key.algorithm)
    if wanted != key.algorithm:
        raise refusal(Refusal.ALGORITHM, "the algorithm is not one the key is for")
    if parameters.base_without_query is None:
        check_signature(key, parameters.signature, parameters.base)
    else:
        check_signature(key, parameters.signature, parameters.base, parameters.base_without_query)
    return Verified(key.key_id, parameters.scheme, key.owner, parameters.body_sha256, _SEAL)


def sign(
    method: str,
    url: str,
    body: bytes | None,
    key: SigningKey,
    *,
    now: datetime,
    scheme: Scheme | str = Scheme.CAVAGE,
    content_type: str | None = None,
    digest: BodyDigest | None = None,
    hints: SignatureHints | None = None,
) -> dict[str, str]:
    """Return the headers that sign a request; the caller sends all of them, and `url`'s path and query unchanged.

    `body` is None when there is none. `digest` is `digest_of(body)` when the caller has it already. `hints` are what
    `accept_signature` read (RFC 9421 only). Raises Malformed for a URL or header that cannot be sent as it is.
    """
    target = target_of(url)
    if _TARGET.fullmatch(target.request_target) is None:
        raise Malformed("the path of the URL is not encoded", code="bad_url")
    if content_type is not None and _FIELD_VALUE.fullmatch(content_type) is None:
        raise Malformed("the content type is no header value", code="bad_header")
    seconds = int(now.timestamp())
    if scheme == Scheme.RFC9421:
        return rfc9421.sign(method, target, body, key, seconds, content_type, digest, hints)
    return cavage.sign(method, target, body, key, seconds, content_type, digest)

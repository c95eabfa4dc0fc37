"""Signatures of draft-cavage-http-signatures-12 as the Fediverse speaks it: reading, insisting, and writing.

Sources: the draft; the SWICG report "ActivityPub and HTTP Signatures"; what Mastodon and GoToSocial do. The draft's
`Authorization: Signature` form is not used between servers and not read.
"""

import re
from base64 import b64decode, b64encode

from federation.signatures.dates import check_expiry, check_window, http_date, parse_http_date
from federation.signatures.digests import BodyDigest, check_digest, digest_of
from federation.signatures.message import (
    MAX_COVERED,
    Message,
    Refusal,
    Scheme,
    SignatureParameters,
    Target,
    checked_key_id,
    encoded_base,
    refusal,
)
from federation.signatures.signer import SigningKey, signed_with

MAX_SIGNATURE = 8192

_PARAMETER = re.compile(
    r'\s*([A-Za-z][A-Za-z0-9_-]{0,30})=(?:"([^"\\]*)"|([A-Za-z0-9.+/=_-]+))\s*(,|$)',
    re.ASCII,
)
_SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?", re.ASCII)
# What the label may say. It never chooses the algorithm, the key does; but a label that contradicts the key is refused.
_LABELS = frozenset({None, "hs2019", "rsa-sha256", "ed25519"})
_INSISTED = frozenset({"(request-target)", "host"})


def read(message: Message) -> SignatureParameters:
    """Read the Signature header and rebuild what was signed. Raises SignatureRefused; nothing is insisted on yet."""
    header = _only_header(message)
    parameters = _parse(header)
    algorithm = parameters.get("algorithm")
    label = None if algorithm is None else algorithm.lower()
    if label not in _LABELS:
        raise refusal(Refusal.ALGORITHM, "the algorithm of the signature is not taken")
    covered = _covered(parameters, label)
    base = _base(message, message.target.request_target, covered, parameters, label)
    without_query = None
    if message.target.query is not None and message.method.upper() in ("GET", "HEAD") and "(request-target)" in covered:
        without_query = _base(message, message.target.path, covered, parameters, label)
    return SignatureParameters(
        scheme=Scheme.CAVAGE,
        key_id=checked_key_id(parameters.get("keyId")),
        algorithm=label,
        covered=covered,
        created=_seconds(parameters, "created"),
        expires=_seconds(parameters, "expires"),
        signature=_signature(parameters),
        base=base,
        base_without_query=without_query,
    )


def insist(message: Message, parameters: SignatureParameters, now: float) -> bytes | None:
    """Refuse what an inbox does not take; return the SHA-256 of the body when there has to be one.

    Covered must be `(request-target)`, `host` (our own, as in the message's URL), a `date` or `(created)` between
    twelve hours ago and one hour ahead of `now` (seconds), and on anything but a bare GET a `digest` that is right.
    """
    covered = parameters.covered
    if not _INSISTED.issubset(covered):
        raise refusal(Refusal.COVERAGE, "the signature must cover (request-target) and host")
    if not message.names_our_host:
        raise refusal(Refusal.HOST, "the signature was made for another host")
    if "date" not in covered and "(created)" not in covered:
        raise refusal(Refusal.COVERAGE, "the signature must cover date or (created)")
    if "date" in covered:
        check_window(parse_http_date(message.combined("date") or ""), now)
    if parameters.created is not None:
        check_window(parameters.created, now)
    check_expiry(parameters.created, parameters.expires, now)
    if not message.has_body:
        return None
    digest = message.combined("digest")
    if digest is None:
        raise refusal(Refusal.DIGEST_MISSING, "a request with a body needs a Digest header")
    if "digest" not in covered:
        raise refusal(Refusal.COVERAGE, "the signature must cover digest")
    return check_digest(digest, message.body or b"")


def _only_header(message: Message) -> str:
    values = message.values("signature")
    if not values:
        raise refusal(Refusal.MISSING, "the request is not signed")
    if len(values) > 1:
        raise refusal(Refusal.MANY, "the request has more than one Signature header")
    if len(values[0]) > MAX_SIGNATURE:
        raise refusal(Refusal.TOO_LONG, "the Signature header is too long")
    return values[0]


def _parse(header: str) -> dict[str, str]:
    """Read `name="value",...`. A name given twice, which is also how two joined headers look, is refused."""
    parameters: dict[str, str] = {}
    at = 0
    while at < len(header):
        found = _PARAMETER.match(header, at)
        if found is None:
            raise refusal(Refusal.GARBAGE, "the Signature header cannot be read")
        name, quoted, bare, separator = found.groups()
        if name in parameters:
            raise refusal(Refusal.MANY, "a parameter of the Signature header comes twice")
        parameters[name] = bare if quoted is None else quoted
        at = found.end()
        if separator == "," and at == len(header):
            raise refusal(Refusal.GARBAGE, "the Signature header ends in a comma")
    return parameters


def _covered(parameters: dict[str, str], label: str | None) -> tuple[str, ...]:
    listed = parameters.get("headers")
    if listed is None:
        # Draft 12 says (created); the drafts before it, with the rsa-sha256 label, said date.
        return ("(created)",) if label in (None, "hs2019") else ("date",)
    covered = tuple(listed.lower().split(" "))
    if "" in covered or len(covered) > MAX_COVERED or len(set(covered)) != len(covered):
        raise refusal(Refusal.GARBAGE, "the list of signed headers is empty, too long, or names one twice")
    return covered


def _base(
    message: Message, request_target: str, covered: tuple[str, ...], parameters: dict[str, str], label: str | None
) -> bytes:
    lines = []
    for name in covered:
        value: str | None
        if name == "(request-target)":
            value = f"{message.method.lower()} {request_target}"
        elif name in ("(created)", "(expires)"):
            if label not in (None, "hs2019"):
                raise refusal(Refusal.GARBAGE, f"{name} is not for {label} signatures")  # draft 2.3
            value = parameters.get(name[1:-1])
        else:
            value = message.combined(name)
        if value is None:
            raise refusal(Refusal.HEADER, "a signed header is missing")
        lines.append(f"{name}: {value}")
    return encoded_base(lines)


def _seconds(parameters: dict[str, str], name: str) -> float | None:
    text = parameters.get(name)
    if text is None:
        return None
    if _SECONDS.fullmatch(text) is None:
        raise refusal(Refusal.DATE, f"{name} is no number of seconds")
    return float(text)


def _signature(parameters: dict[str, str]) -> bytes:
    try:
        signature = b64decode(parameters.get("signature", ""), validate=True)
    except ValueError as error:
        raise refusal(Refusal.GARBAGE, "the signature is not base64") from error
    if not signature:
        raise refusal(Refusal.GARBAGE, "the signature is empty")
    return signature


def sign(
    method: str,
    target: Target,
    body: bytes | None,
    key: SigningKey,
    now: int,
    content_type: str | None,
    digest: BodyDigest | None,
) -> dict[str, str]:
    """Return the headers to add: Host, Date, Signature, with a body Digest, and Content-Type when given."""
    date = http_date(now)
    headers = {"Host": target.host, "Date": date}
    names = "(request-target) host date"
    base = f"(request-target): {method.lower()} {target.request_target}\nhost: {target.host}\ndate: {date}"
    if body is not None:
        headers["Digest"] = (digest or digest_of(body)).cavage
        names += " digest"
        base += f"\ndigest: {headers['Digest']}"
    if content_type is not None:
        headers["Content-Type"] = content_type
        names += " content-type"
        base += f"\ncontent-type: {content_type}"
    label, signature = signed_with(key, base.encode("latin-1"))
    algorithm = "rsa-sha256" if label == "rsa" else "hs2019"
    encoded = b64encode(signature).decode("ascii")
    headers["Signature"] = f'keyId="{key.key_id}",algorithm="{algorithm}",headers="{names}",signature="{encoded}"'
    return headers

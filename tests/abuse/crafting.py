"""Signatures made by hand, so that each can be wrong in one place. The product's own signer only makes right ones."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from federation.vocabulary import MEDIA_TYPE
from tests.support.peers import Actor

HOST = "node.test"
USUAL = ("(request-target)", "host", "date", "digest")
COMPONENTS = ("@method", "@target-uri", "content-digest")


def body_of(document: Any) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def rsa_sign(actor: Actor, base: bytes, digest: hashes.HashAlgorithm | None = None) -> str:
    """Return the RSASSA-PKCS1-v1_5 signature of `base` by the actor's key, base64."""
    key = serialization.load_pem_private_key(actor.rsa.private_pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return b64encode(key.sign(base, padding.PKCS1v15(), digest or hashes.SHA256())).decode()


def hmac_sign(actor: Actor, base: bytes) -> str:
    """Return an HMAC of `base` with the actor's *public* PEM as secret: everybody can make it."""
    return b64encode(hmac.new(actor.rsa.public_pem.encode(), base, hashlib.sha256).digest()).decode()


def cavage(
    actor: Actor,
    document: Any,
    *,
    path: str = "/inbox",
    signed_path: str | None = None,
    covered: Sequence[str] = USUAL,
    date: str | datetime | None = None,
    host: str = HOST,
    headers: Mapping[str, str | None] | None = None,
    key_id: str | None = None,
    algorithm: str | None = "rsa-sha256",
    extra: str = "",
    sign: Any = rsa_sign,
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a POST. `headers` are put over the sent ones (None: left out) after signing;
    `extra` goes into the Signature header, and `(created)`/`(expires)` are read from it."""
    body = body_of(document)
    when = date or datetime.now(UTC)
    sent: dict[str, str] = {
        "Host": host,
        "Date": when if isinstance(when, str) else format_datetime(when.astimezone(UTC), usegmt=True),
        "Digest": "SHA-256=" + b64encode(hashlib.sha256(body).digest()).decode(),
        "Content-Type": MEDIA_TYPE,
    }
    values = {name.lower(): value for name, value in sent.items()}
    values["(request-target)"] = f"post {signed_path or path}"
    for part in extra.split(","):
        name, _, value = part.partition("=")
        values[f"({name})"] = value.strip('"')
    base = "\n".join(f"{name}: {values[name]}" for name in covered).encode()
    label = f',algorithm="{algorithm}"' if algorithm else ""
    names = " ".join(covered)
    more = f",{extra}" if extra else ""
    sent["Signature"] = f'keyId="{key_id or actor.key.key_id}"{label}{more},headers="{names}",signature="{sign(actor, base)}"'
    for name, value in (headers or {}).items():
        if value is None:
            sent.pop(name, None)
        else:
            sent[name] = value
    return sent, body


def rfc9421(
    actor: Actor,
    document: Any,
    *,
    path: str = "/inbox",
    covered: Sequence[str] = COMPONENTS,
    created: int | None = -1,
    target: str | None = None,
    digest: str | None = None,
    parameters: str = "",
    headers: Mapping[str, str | None] | None = None,
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a POST signed as RFC 9421 has it. `created` -1 is now, None leaves it out."""
    body = body_of(document)
    seconds = int(datetime.now(UTC).timestamp()) if created == -1 else created
    sent = {
        "Host": HOST,
        "Content-Type": MEDIA_TYPE,
        "Content-Digest": digest or f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:",
    }
    values = {"@method": "POST", "@target-uri": target or f"https://{HOST}{path}", "content-digest": sent["Content-Digest"]}
    stamp = f";created={seconds}" if seconds is not None else ""
    listed = " ".join(f'"{name}"' for name in covered)
    line = f'({listed}){stamp};keyid="{actor.key.key_id}"{parameters}'
    base = "".join(f'"{name}": {values[name]}\n' for name in covered) + f'"@signature-params": {line}'
    sent["Signature-Input"] = f"sig1={line}"
    sent["Signature"] = f"sig1=:{rsa_sign(actor, base.encode())}:"
    for name, value in (headers or {}).items():
        if value is None:
            sent.pop(name, None)
        else:
            sent[name] = value
    return sent, body

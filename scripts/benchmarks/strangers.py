"""Who the fake hosts are: addresses, actors, keys, the requests they sign, and the check of what was sent to them.

Host number n lives at its own loopback address, so the node sees as many hosts as there are addresses. The signing here
is written out by hand: it must not share code, and so mistakes, with what it measures.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cached_property

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

KEYS = 32
"""Hosts share this many RSA keys: making thousands would take longer than measuring."""

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"]


def address_of(number: int) -> str:
    """Return the loopback address of host `number` (0 to some millions)."""
    return f"127.{16 + (number >> 16)}.{(number >> 8) & 255}.{number & 255}"


def number_of(address: str) -> int:
    """Return the host number of a loopback address."""
    _, high, middle, low = (int(part) for part in address.split("."))
    return ((high - 16) << 16) | (middle << 8) | low


@dataclass(frozen=True)
class Strangers:
    """All fake hosts on one port, with `private_pems` as their RSA keys in turn."""

    port: int
    private_pems: tuple[str, ...]

    @classmethod
    def make(cls, port: int) -> Strangers:
        return cls(port, tuple(_new_pem() for _ in range(KEYS)))

    @cached_property
    def keys(self) -> list[rsa.RSAPrivateKey]:
        keys = [serialization.load_pem_private_key(pem.encode(), password=None) for pem in self.private_pems]
        return [key for key in keys if isinstance(key, rsa.RSAPrivateKey)]

    @cached_property
    def public_pems(self) -> list[str]:
        form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return [key.public_key().public_bytes(*form).decode() for key in self.keys]

    def host(self, number: int, port: int | None = None) -> str:
        return f"{address_of(number)}:{port or self.port}"

    def actor(self, number: int, port: int | None = None) -> str:
        return f"http://{self.host(number, port)}/users/u"

    def public_pem(self, number: int) -> str:
        return self.public_pems[number % KEYS]

    def actor_document(self, number: int) -> dict[str, object]:
        """Return the actor as Mastodon would show it."""
        actor, host = self.actor(number), self.host(number)
        return {
            "@context": CONTEXT,
            "id": actor,
            "type": "Person",
            "preferredUsername": "u",
            "name": f"User of host {number}",
            "summary": "<p>Somebody who measures.</p>",
            "inbox": f"{actor}/inbox",
            "outbox": f"{actor}/outbox",
            "followers": f"{actor}/followers",
            "following": f"{actor}/following",
            "url": actor,
            "endpoints": {"sharedInbox": f"http://{host}/inbox"},
            "publicKey": {"id": f"{actor}#main-key", "owner": actor, "publicKeyPem": self.public_pem(number)},
        }

    def create_note(self, number: int, serial: str) -> bytes:
        """Return a public Create(Note) to the followers, about as long as people write."""
        actor, published = self.actor(number), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        note = f"{actor}/notes/{serial}"
        to, cc = [PUBLIC], [f"{actor}/followers"]
        words = "The quick brown fox reads the minutes of the last meeting and finds that nothing was decided. "
        return json.dumps(
            {
                "@context": CONTEXT,
                "id": f"{note}/activity",
                "type": "Create",
                "actor": actor,
                "published": published,
                "to": to,
                "cc": cc,
                "object": {
                    "id": note,
                    "type": "Note",
                    "attributedTo": actor,
                    "published": published,
                    "to": to,
                    "cc": cc,
                    "url": note,
                    "content": f'<p>{words}<a href="https://example.com/{serial}" rel="nofollow">Read it</a></p>',
                    "sensitive": False,
                    "tag": [],
                    "attachment": [],
                },
            }
        ).encode()

    def signed_post(self, number: int, target_host: str, path: str, body: bytes) -> bytes:
        """Return a whole HTTP/1.1 POST, signed as Mastodon signs (draft-cavage-12, rsa-sha256)."""
        date = format_datetime(datetime.now(UTC), usegmt=True)
        digest = "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()
        text = (
            f"(request-target): post {path}\nhost: {target_host}\ndate: {date}\n"
            f"digest: {digest}\ncontent-type: application/activity+json"
        )
        signature = base64.b64encode(self.keys[number % KEYS].sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {target_host}\r\nUser-Agent: fake-host/1.0\r\nDate: {date}\r\n"
            f"Digest: {digest}\r\nContent-Type: application/activity+json\r\nContent-Length: {len(body)}\r\n"
            f'Signature: keyId="{self.actor(number)}#main-key",algorithm="rsa-sha256",'
            f'headers="(request-target) host date digest content-type",signature="{signature}"\r\n\r\n'
        )
        return head.encode() + body


def _new_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def checked_scheme(raw: bytes, public_pems: Mapping[str, str]) -> str:
    """Check a request that was sent to a fake host and return its scheme: 'cavage', 'rfc9421' or 'ed25519'.

    `public_pems` are the sender's keys by keyId. Raises ValueError or InvalidSignature when anything is wrong.
    """
    head, _, body = raw.partition(b"\r\n\r\n")
    request_line, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = request_line.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    plain_digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    if "signature-input" in headers:
        return _check_rfc9421(method, path, headers, plain_digest, public_pems)
    given = dict(re.findall(r'(\w+)="([^"]*)"', headers["signature"]))
    covered = given["headers"].split()
    if not {"(request-target)", "host", "date", "digest"} <= set(covered):
        raise ValueError(f"covers only {covered}")
    if headers["digest"] != f"SHA-256={plain_digest}":
        raise ValueError("digest differs")
    values = {**headers, "(request-target)": f"{method.lower()} {path}"}
    text = "\n".join(f"{name}: {values[name]}" for name in covered)
    _verify(public_pems[given["keyId"]], base64.b64decode(given["signature"]), text)
    return "cavage"


def _check_rfc9421(method: str, path: str, headers: Mapping[str, str], plain_digest: str, public_pems: Mapping[str, str]) -> str:
    label, _, parameters = headers["signature-input"].partition("=")
    covered = re.findall(r'"([^"]+)"', parameters[: parameters.index(")")])
    if not {"@method", "content-digest"} <= set(covered) or not {"@target-uri", "@path"} & set(covered):
        raise ValueError(f"covers only {covered}")
    if f"sha-256=:{plain_digest}:" not in headers["content-digest"]:
        raise ValueError("content-digest differs")
    values = {
        **headers,
        "@method": method,
        "@path": path,
        "@target-uri": f"http://{headers['host']}{path}",
        "@authority": headers["host"],
        "@scheme": "http",
    }
    text = "".join(f'"{name}": {values[name]}\n' for name in covered) + f'"@signature-params": {parameters}'
    found = re.search(rf"{re.escape(label)}=:([^:]+):", headers["signature"])
    key_id = re.search(r'keyid="([^"]+)"', parameters)
    if found is None or key_id is None:
        raise ValueError("no signature of that label")
    pem = public_pems[key_id[1]]
    _verify(pem, base64.b64decode(found[1]), text)
    return "ed25519" if _is_ed25519(pem) else "rfc9421"


def _is_ed25519(pem: str) -> bool:
    return isinstance(serialization.load_pem_public_key(pem.encode()), ed25519.Ed25519PublicKey)


def _verify(pem: str, signature: bytes, text: str) -> None:
    key = serialization.load_pem_public_key(pem.encode())
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, text.encode())
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    else:
        raise ValueError("unknown kind of key")

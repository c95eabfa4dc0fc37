"""A peer that signs by hand, so that every part of a signature can be left out or bent. It uses nothing of ours to sign."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm

from federation.errors import SignatureRefused
from federation.keys import PrivateKeyPair, generate_ed25519, generate_rsa, load_private
from federation.signatures import Message, Verified, VerifyKey, parse_signature, verify

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Signer:
    """A peer's key and the request it is about to sign; `cavage` and `rfc9421` sign it, each part open to change."""

    pair: PrivateKeyPair
    algorithm: str
    method: str = "POST"
    url: str = "https://node.test/inbox"
    body: bytes | None = b'{"type":"Create"}'
    key_id: str = "https://good.test/users/alice#main-key"
    owner: str = "https://good.test/users/alice"
    now: datetime = NOW
    hash: HashAlgorithm = field(default_factory=SHA256)

    @property
    def key(self) -> VerifyKey:
        return VerifyKey(self.key_id, self.owner, self.algorithm, self.pair.public_pem)

    def but(self, **changes: object) -> "Signer":
        return replace(self, **changes)  # type: ignore[arg-type]

    def raw(self, base: str) -> str:
        private = load_private(self.pair.private_pem)
        if isinstance(private, RSAPrivateKey):
            return b64encode(private.sign(base.encode(), PKCS1v15(), self.hash)).decode()
        return b64encode(private.sign(base.encode())).decode()

    @property
    def headers(self) -> dict[str, str]:
        """What the request carries before it is signed, in both schemes' words."""
        headers = {"host": "node.test", "date": format_datetime(self.now, usegmt=True), "content-type": "application/json"}
        if self.body is not None:
            digest = b64encode(hashlib.sha256(self.body).digest()).decode()
            headers |= {"digest": f"SHA-256={digest}", "content-digest": f"sha-256=:{digest}:"}
        return headers

    def cavage(
        self,
        covered: str = "(request-target) host date digest",
        *,
        target: str = "post /inbox",
        change: dict[str, str | None] | None = None,
        algorithm: str | None = "rsa-sha256",
        extra: str = "",
        values: dict[str, str] | None = None,
    ) -> Message:
        """Sign with draft-cavage. `change` replaces headers (None removes one); `values` are those of (created), (expires)."""
        headers = self.changed(change)
        known = {"(request-target)": target, **headers, **(values or {})}
        base = "\n".join(f"{name}: {known[name]}" for name in covered.split())
        label = "" if algorithm is None else f'algorithm="{algorithm}",'
        header = f'keyId="{self.key_id}",{label}{extra}headers="{covered}",signature="{self.raw(base)}"'
        return self.message(headers | {"signature": header})

    def rfc9421(
        self,
        covered: str = '"@method" "@target-uri" "content-digest"',
        *,
        parameters: str | None = None,
        change: dict[str, str | None] | None = None,
        known: dict[str, str] | None = None,
    ) -> Message:
        """Sign with RFC 9421. `parameters` replaces `;created=...;keyid=...`; `known` adds derived components."""
        headers = self.changed(change)
        values = {"@method": self.method, "@target-uri": self.url, **headers, **(known or {})}
        if parameters is None:
            parameters = f';created={int(self.now.timestamp())};keyid="{self.key_id}"'
        lines = [f"{name}: {values[name.strip(chr(34))]}" for name in covered.split()]
        base = "\n".join([*lines, f'"@signature-params": ({covered}){parameters}'])
        signed = {"signature-input": f"sig1=({covered}){parameters}", "signature": f"sig1=:{self.raw(base)}:"}
        return self.message(headers | signed)

    def changed(self, change: dict[str, str | None] | None) -> dict[str, str]:
        merged: dict[str, str | None] = {**self.headers, **(change or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def message(self, headers: dict[str, str]) -> Message:
        return Message(self.method, self.url, tuple((name.title(), value) for name, value in headers.items()), self.body)


@pytest.fixture(scope="session")
def rsa_pair() -> PrivateKeyPair:
    return generate_rsa()


@pytest.fixture(scope="session")
def ed25519_pair() -> PrivateKeyPair:
    return generate_ed25519()


@pytest.fixture
def signer(rsa_pair: PrivateKeyPair) -> Signer:
    return Signer(rsa_pair, "rsa")


@pytest.fixture
def ed25519_signer(ed25519_pair: PrivateKeyPair) -> Signer:
    return Signer(ed25519_pair, "ed25519")


Accept = Callable[..., Verified]
Refused = Callable[..., str]


@pytest.fixture
def accept(signer: Signer) -> Accept:
    """Put a message through the door: both steps, at the time it was signed plus `later`."""

    def put(message: Message, key: VerifyKey | None = None, later: timedelta = timedelta()) -> Verified:
        return verify(parse_signature(message, now=NOW + later), key or signer.key)

    return put


@pytest.fixture
def refused(accept: Accept) -> Refused:
    """As `accept`, for what must be refused: return the code."""

    def put(message: Message, key: VerifyKey | None = None, later: timedelta = timedelta()) -> str:
        with pytest.raises(SignatureRefused) as caught:
            accept(message, key, later)
        return str(caught.value.code)

    return put

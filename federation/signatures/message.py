"""The request a signature is about, as it came over the wire, and the words both schemes share.

What each scheme makes of a message lives in `cavage` and `rfc9421`; what an inbox insists on, in `coverage`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache

from federation.errors import SignatureRefused
from federation.origins import host_of, is_web_uri

MAX_COVERED = 40


class Scheme(StrEnum):
    """How a request is signed."""

    CAVAGE = "cavage"  # draft-cavage-http-signatures-12
    RFC9421 = "rfc9421"


class Refusal(StrEnum):
    """Why a signature is refused: the `code` of SignatureRefused, for the security log and the answer."""

    MISSING = "signature_missing"
    MANY = "signature_not_one"
    GARBAGE = "signature_garbage"
    TOO_LONG = "signature_too_long"
    KEY_ID = "key_id_bad"
    ALGORITHM = "algorithm_refused"
    COVERAGE = "coverage_insufficient"
    HEADER = "covered_header_missing"
    HOST = "host_mismatch"
    DATE = "date_unusable"
    WINDOW = "date_outside_window"
    EXPIRED = "signature_expired"
    DIGEST_MISSING = "digest_missing"
    DIGEST_UNUSABLE = "digest_unusable"
    DIGEST = "digest_mismatch"
    KEY = "key_unusable"
    KEY_OWNER = "key_owner_mismatch"
    WRONG = "signature_wrong"


def refusal(reason: Refusal, message: str) -> SignatureRefused:
    """Make the error for `reason`; the caller raises it."""
    return SignatureRefused(message, code=reason)


@dataclass(frozen=True)
class Message:
    """A request as received.

    `url` is absolute and rebuilt by the caller from the *configured* origin and the raw path and query of the request
    line, so that a Host header never decides what a signature was made for. `headers` are all of them, in order,
    duplicates kept, as the server decoded them (latin-1). `body` is None when there is none.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = None

    @cached_property
    def target(self) -> "Target":
        """The parts of `url`."""
        return target_of(self.url)

    @cached_property
    def _fields(self) -> dict[str, list[str]]:
        fields: dict[str, list[str]] = {}
        for name, value in self.headers:
            fields.setdefault(name.lower(), []).append(value)
        return fields

    def values(self, name: str) -> Sequence[str]:
        """Return each value of header `name` (lower case), in order."""
        return self._fields.get(name, ())

    def combined(self, name: str) -> str | None:
        """Return the values of header `name` joined as both schemes do (RFC 9421 2.1), or None when it is absent."""
        values = self._fields.get(name)
        if values is None:
            return None
        if len(values) == 1:
            return values[0].strip()
        return ", ".join(value.strip() for value in values)

    @property
    def names_our_host(self) -> bool:
        """Whether the request has one Host header and it names the host of `url`, with or without the default port."""
        host = (self.combined("host") or "").lower()
        target = self.target
        return host == target.host or host == f"{target.host}:{443 if target.scheme == 'https' else 80}"

    @property
    def has_body(self) -> bool:
        """Whether there is a body to digest, be it an empty one: always, except for a GET or HEAD that came without."""
        return bool(self.body) or self.method.upper() not in ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a request's absolute URL. `path` is never empty; `query` is None when there is no `?`."""

    scheme: str
    host: str
    path: str
    query: str | None

    @property
    def request_target(self) -> str:
        """Path and query as on the request line."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    @property
    def uri(self) -> str:
        """The whole URL, with host and scheme in their normal form and without a fragment."""
        return f"{self.scheme}://{self.host}{self.request_target}"


def target_of(url: str) -> Target:
    """Split an absolute http(s) URL without touching its path and query. Raises Malformed when its host is none."""
    url = url.partition("#")[0]
    scheme, _, rest = url.partition("://")
    end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    path, mark, query = rest[end:].partition("?")
    return Target(scheme.lower(), _host_of(f"{scheme}://{rest[:end]}/"), path or "/", query if mark else None)


@lru_cache(maxsize=8192)
def _host_of(origin: str) -> str:
    return host_of(origin)


@dataclass(frozen=True, slots=True)
class SignatureParameters:
    """What a signature claims, read and checked but not yet verified. Made by `parse_signature`.

    `covered` are the names it covers, lower case, in order. `base` is what was signed. `created` and `expires` are
    seconds since 1970 UTC. `body_sha256` is the digest of the body when one was insisted on.
    """

    scheme: Scheme
    key_id: str
    algorithm: str | None
    covered: tuple[str, ...]
    created: float | None
    expires: float | None
    signature: bytes = field(repr=False)
    base: bytes = field(repr=False)
    # Mastodon before 4.3 and others left the query out of a GET's (request-target).
    base_without_query: bytes | None = field(default=None, repr=False)
    body_sha256: bytes | None = field(default=None, repr=False)

    def key_url(self) -> str:
        """Return the key id when it is an http(s) URL, else raise SignatureRefused: only such a key can be fetched."""
        if not is_web_uri(self.key_id):
            raise refusal(Refusal.KEY_ID, "the key id is no URL")
        return self.key_id


def checked_key_id(key_id: object) -> str:
    """Return `key_id` when it is a usable name (1 to 2048 printable ASCII characters). Raises SignatureRefused."""
    if not isinstance(key_id, str) or not 1 <= len(key_id) <= 2048:
        raise refusal(Refusal.KEY_ID, "the key id is missing or too long")
    if not key_id.isascii() or not key_id.isprintable() or " " in key_id:
        raise refusal(Refusal.KEY_ID, "the key id is no URL")
    return key_id


def encoded_base(lines: Sequence[str]) -> bytes:
    """Join the lines of a signature base. Raises SignatureRefused when a value would forge a line of its own."""
    base = "\n".join(lines)
    if base.count("\n") != len(lines) - 1 or "\r" in base:
        raise refusal(Refusal.GARBAGE, "a covered value contains a line break")
    try:
        return base.encode("latin-1")
    except UnicodeEncodeError as error:
        raise refusal(Refusal.GARBAGE, "a covered value is not encodable") from error

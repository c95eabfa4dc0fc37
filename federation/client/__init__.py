"""The guarded client: how we ask and tell other servers. The only place of the product that opens sockets to them.

Every request, through whichever method: one DNS lookup whose answers are all checked, that address dialled, TLS verified,
ports 80 and 443 unless listed, one deadline for everything, bodies capped, no proxies, no cookies, no environment.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from urllib.parse import urljoin

import requests

from federation.addresses import AddressPolicy, Endpoint, Resolve
from federation.client import fetching, posting
from federation.client.idle import MAX_IDLE, IdleConnections
from federation.client.sockets import Dialer, SystemResolver, tls_context
from federation.client.target import Target, read_target
from federation.delivery import Answer, read_retry_after
from federation.document import MAX_BODY, Document, parse
from federation.errors import FederationError, FetchFailed, Malformed, TooLarge
from federation.origins import host_of, same_origin
from federation.signatures import SigningKey, sign
from federation.vocabulary import ACCEPT, is_activity_media_type

__all__ = [
    "AddressPolicy", "Answer", "Client", "Endpoint", "Fetched", "FetchedBytes", "Resolve", "SystemResolver",
]  # fmt: skip

MAX_REDIRECTS = 3
ACCEPT_JSON = "application/jrd+json, application/json"
_JSON_TYPES = frozenset({"application/json", "application/jrd+json"})
_MAX_REMEMBERED = 1_024

Check = Callable[[str], None]
"""Asked before a URL is: raises a FederationError, or an error of the caller's own, when that must not be."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document and the URL that finally answered with it."""

    document: Document
    final_url: str


@dataclass(frozen=True, slots=True)
class FetchedBytes:
    """A body and its media type (lower case, without parameters)."""

    body: bytes
    media_type: str


class Client:
    """Talks to other servers. Any number of threads may share one; the TLS context is built once, here.

    `ca_bundle`: a PEM file of authorities trusted besides the system's. `resolve`: instead of the system's name lookup.
    `now`: aware UTC, for signatures and Retry-After. `allow_http`: plain http too (demos, tests, intranets).
    """

    def __init__(
        self,
        policy: AddressPolicy,
        user_agent: str,
        *,
        connect_timeout: float = 5.0,
        total_timeout: float = 10.0,
        ca_bundle: str | None = None,
        allow_http: bool = False,
        resolve: Resolve | None = None,
        max_idle: int = MAX_IDLE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._user_agent = user_agent
        self._total_timeout = total_timeout
        self._allow_http = allow_http
        self._now = now
        self._dialer = Dialer(
            policy,
            resolve=resolve or SystemResolver(timeout=connect_timeout),
            context=tls_context(ca_bundle),
            connect_timeout=connect_timeout,
        )
        self._idle = IdleConnections(most=max_idle)
        self._schemes = _Schemes()

    def get_document(
        self, url: str, *, key: SigningKey | None = None, accept: str = ACCEPT, check: Check | None = None
    ) -> Fetched:
        """Fetch an ActivityStreams document, signed when `key` is given.

        At most 1 MiB and 3 redirects, each guarded and signed anew for its host and path. A document whose id lies on
        another origin than the URL that answered is refused (reason `other_origin`; FEP-fe34). `check` is called with
        each URL before it is asked, those of redirects too, and raises for one that must not be. Raises AddressRefused
        and FetchFailed; other reasons: `status`, `media_type`, `encoding`, `too_large`, `malformed`, `redirect`,
        `bad_url`, `plain_http`, `dns`, `connect`, `tls`, `timeout`, `reset`.
        """
        with self._answer(url, accept, key, check) as (target, final_url, response):
            media_type = response.headers.get("Content-Type")
            if not is_activity_media_type(media_type):
                raise _unusable(target, response, "media_type", "it answered with something else than a document")
            document = _parse(target, response, fetching.read_body(response, target, MAX_BODY))
        if document.id is not None and not same_origin(document.id, final_url):
            raise _unusable(target, response, "other_origin", "the document's id lies on another server")
        return Fetched(document, final_url)

    def get_json(self, url: str, *, check: Check | None = None) -> Fetched:
        """Fetch JSON that is no ActivityStreams document (WebFinger, NodeInfo). Limits and errors as `get_document`."""
        with self._answer(url, ACCEPT_JSON, None, check) as (target, final_url, response):
            media_type = _media_type(response)
            if media_type not in _JSON_TYPES and not media_type.endswith("+json"):
                raise _unusable(target, response, "media_type", "it answered with something else than JSON")
            return Fetched(_parse(target, response, fetching.read_body(response, target, MAX_BODY)), final_url)

    def get_bytes(self, url: str, max_bytes: int, media_types: Collection[str], *, check: Check | None = None) -> FetchedBytes:
        """Fetch at most `max_bytes` of one of `media_types` (`image/png`, or `image/*`). Errors as `get_document`."""
        with self._answer(url, ", ".join(media_types), None, check) as (target, _, response):
            media_type = _media_type(response)
            if media_type not in media_types and f"{media_type.partition('/')[0]}/*" not in media_types:
                raise _unusable(target, response, "media_type", "it answered with something else than was asked for")
            return FetchedBytes(fetching.read_body(response, target, max_bytes), media_type)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Deliver `body` with the (signed) `headers`; any status is an answer, redirects are not followed.

        Connections are kept and used again. Nothing a peer may have acted on is sent twice (see `posting.post`). Raises
        AddressRefused, and FetchFailed when there was no answer.
        """
        target = read_target(url, allow_http=self._allow_http)
        try:
            request = posting.render(target, headers, body, self._user_agent)
        except (ValueError, UnicodeError) as error:
            raise FetchFailed("the request cannot be written", code="bad_url", url=url, reason="bad_url") from error
        deadline = time.monotonic() + self._total_timeout
        raw = posting.post(self._dialer, self._idle, target, request, deadline)
        asked = raw.headers.get("retry-after")
        return posting.short_answer(raw, read_retry_after(asked, self._now()) if asked else None)

    def close_expired(self) -> None:
        """Close kept connections that nobody used for half a minute. For workers that fall idle."""
        self._idle.close_expired()

    def close(self) -> None:
        """Close all kept connections. The client can still be used."""
        self._idle.close_all()

    @contextmanager
    def _answer(
        self, url: str, accept: str, key: SigningKey | None, check: Check | None
    ) -> Iterator[tuple[Target, str, requests.Response]]:
        """Yield the 200 that the URL leads to, with its target and its URL; one deadline for all hops."""
        deadline = time.monotonic() + self._total_timeout
        for _ in range(MAX_REDIRECTS + 1):
            target = read_target(url, allow_http=self._allow_http)
            if check is not None:
                check(url)
            with self._signed_get(target, accept, key, deadline) as response:
                if response.status_code not in fetching.REDIRECTS:
                    if response.status_code != 200:
                        raise _unusable(target, response, "status", f"it answered {response.status_code}")
                    yield target, url.partition("#")[0], response
                    return
                location = response.headers.get("Location")
            if not location:
                raise _unusable(target, response, "redirect", "it redirected to nowhere")
            url = _join(target, response, location)
        raise _unusable(target, response, "redirect", "it redirected too often")

    @contextmanager
    def _signed_get(self, target: Target, accept: str, key: SigningKey | None, deadline: float) -> Iterator[requests.Response]:
        """Yield the answer to one GET; on a 401 to a signed one, that to the other signature scheme (double knock)."""
        headers = {
            "Host": target.authority,
            "User-Agent": self._user_agent,
            "Accept": accept,
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        if key is None:
            with fetching.get(self._dialer, target, headers, deadline) as response:
                yield response
            return
        first = self._schemes.of(target.authority)
        for scheme in (first, "rfc9421" if first == "cavage" else "cavage"):
            signed = {**headers, **sign("GET", target.url, None, key, now=self._now(), scheme=scheme)}
            with fetching.get(self._dialer, target, signed, deadline) as response:
                if response.status_code == 401 and scheme == first:
                    continue
                if response.status_code == 200:
                    self._schemes.remember(target.authority, scheme)
                yield response
                return


class _Schemes:
    """Which signature scheme a host took last; the least recently learnt are forgotten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[str, str] = OrderedDict()

    def of(self, authority: str) -> str:
        return self._known.get(authority, "cavage")

    def remember(self, authority: str, scheme: str) -> None:
        if self.of(authority) == scheme:
            return
        with self._lock:
            self._known[authority] = scheme
            if len(self._known) > _MAX_REMEMBERED:
                self._known.popitem(last=False)


def _join(target: Target, response: requests.Response, location: str) -> str:
    try:
        # http.client hands out header bytes as Latin-1; servers that send raw UTF-8 mean UTF-8.
        url = urljoin(target.url, location.encode("latin-1").decode("utf-8"))
        host_of(url)
    except (ValueError, FederationError) as error:
        raise _unusable(target, response, "redirect", "it redirected to something that is no URL") from error
    return url


def _parse(target: Target, response: requests.Response, body: bytes) -> Document:
    try:
        return parse(body)
    except (Malformed, TooLarge) as error:
        raise _unusable(target, response, "malformed", "its document makes no sense") from error


def _media_type(response: requests.Response) -> str:
    return str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def _unusable(target: Target, response: requests.Response, reason: str, text: str) -> FetchFailed:
    status = response.status_code
    temporary = reason == "status" and (status >= 500 or status in (408, 421, 425, 429))
    return FetchFailed(
        f"{target.authority}: {text}", code=reason, url=target.url, status=status, reason=reason, temporary=temporary
    )

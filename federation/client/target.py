"""What a URL means to us: where to dial, what to ask for. The one reading that guard, signature and request line share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from federation.errors import FetchFailed, Malformed
from federation.origins import origin

_PORTS = {"https": 443, "http": 80}
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True)
class Target:
    """A checked http(s) URL. `authority` is the Host header, `host` the bare name or address, `path` the request target.

    `url` is the URL as it goes over the wire (and is signed): normalised host, no fragment, only ASCII.
    """

    url: str
    scheme: str
    authority: str
    host: str
    port: int
    path: str


def read_target(url: str, *, allow_http: bool) -> Target:
    """Read an absolute URL. Raises FetchFailed (reason `bad_url`, or `plain_http` when http is not allowed)."""
    target = _read(url)
    if target is None:
        raise FetchFailed("this is no URL we can ask", code="bad_url", url=url, reason="bad_url")
    if target.scheme == "http" and not allow_http:
        raise FetchFailed("plain http is not used between servers", code="plain_http", url=url, reason="plain_http")
    return target


@lru_cache(maxsize=8192)
def _read(url: str) -> Target | None:
    try:
        base = origin(url)
    except Malformed:
        return None
    scheme, _, authority = base.partition("://")
    rest = url.partition("://")[2]
    start = re.search(r"[/?#]", rest)
    path = rest[start.start() :].partition("#")[0] if start else "/"
    if not path.startswith("/"):
        path = "/" + path
    path = quote(path, safe=_VISIBLE)  # only what is not ASCII: a signature covers the very spelling that is sent
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port[1:]
    else:
        host, _, port = authority.partition(":")
    return Target(base + path, scheme, authority, host, int(port) if port else _PORTS[scheme], path)

"""One address, two readers: a GET that asks for ActivityStreams is handed to the door for servers, all others to the web.

The paths below exist in both doors. Which one answers is decided before routing, by the Accept header alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

PREFIX = "/activitypub"
"""Where the door for servers keeps its twin of a shared path. Nobody reaches it from outside by that name."""

SHARED = re.compile(
    r"/users/[^/]+"
    r"|/users/[^/]+/posts/\d+"
    r"|/users/[^/]+/(?:followers|following|posts/\d+/replies)"
)
_WANTED = re.compile(r"application/(?:activity\+json|ld\+json)", re.IGNORECASE)
_HTML = re.compile(r"text/html|application/xhtml", re.IGNORECASE)

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


def wants_activity(accept: str) -> bool:
    """Say whether an Accept header asks for ActivityStreams, and asks for it before any HTML."""
    wanted = _WANTED.search(accept)
    if wanted is None:
        return False
    html = _HTML.search(accept)
    return html is None or wanted.start() < html.start()


def _is_shared(path: str, method: str) -> bool:
    return method in ("GET", "HEAD") and SHARED.fullmatch(path) is not None


class Negotiation:
    """WSGI middleware."""

    def __init__(self, application: WSGI) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == PREFIX or path.startswith(PREFIX + "/") or "\0" in path:  # no row has a NUL in its name (case P06)
            environ["PATH_INFO"] = "/api/nowhere" if path.startswith("/api/") else "/-/nowhere"
        elif _is_shared(path, environ.get("REQUEST_METHOD", "")) and wants_activity(environ.get("HTTP_ACCEPT", "")):
            environ["PATH_INFO"] = PREFIX + path
        return self._application(environ, start_response)

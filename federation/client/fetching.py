"""GET through `requests`, reduced to what we want of it: our connection, no proxies, no cookies, no environment, no redirects.

The adapter is used without a Session: a Session would read the environment, keep cookies, and read the whole body of a
redirect. One adapter and one connection per request; a fetch is rare beside a delivery and its peer is a stranger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from federation.client.sockets import Dialer
from federation.client.target import Target
from federation.errors import FetchFailed

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 16_384


class _GuardedConnection(HTTPConnection):
    """urllib3's connection, except that the guard opens it, for http and https alike."""

    def __init__(self, *args: Any, dialer: Dialer, target: Target, deadline: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._dialer = dialer
        self._target = target
        self._deadline = deadline

    def connect(self) -> None:
        self.sock = self._dialer.open(self._target, self._deadline)
        self.is_verified = True  # by the Dialer's context

    def request(self, method: str, url: str, *args: Any, **options: Any) -> None:
        """Ask for the target as it was signed: urllib3 would re-spell its escapes."""
        super().request(method, self._target.path, *args, **options)


class _GuardedPool(HTTPConnectionPool):
    ConnectionCls = _GuardedConnection


class _GuardedAdapter(HTTPAdapter):
    """Sends one request to one target."""

    def __init__(self, dialer: Dialer, target: Target, deadline: float) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._pool = _GuardedPool(target.host, target.port, maxsize=1, dialer=dialer, target=target, deadline=deadline)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        return self._pool

    def cert_verify(self, *args: Any, **options: Any) -> None:
        """Leave it to the Dialer: requests would load its own bundle into each connection."""

    def close(self) -> None:
        super().close()
        self._pool.close()


@contextmanager
def get(dialer: Dialer, target: Target, headers: Mapping[str, str], deadline: float) -> Iterator[requests.Response]:
    """Yield the answer to one GET, its body unread; whatever is left of it is dropped with the connection.

    Raises AddressRefused, and FetchFailed (temporary) for whatever goes wrong on the way, also inside the block.
    """
    request = requests.PreparedRequest()
    request.method, request.url = "GET", target.url
    request.headers = CaseInsensitiveDict(headers)
    adapter = _GuardedAdapter(dialer, target, deadline)
    try:
        with adapter.send(request, stream=True) as response:
            yield response
    except (requests.RequestException, HTTPError, OSError) as error:
        reason = "timeout" if _ran_out(error) else "reset"
        raise FetchFailed(
            f"{target.authority}: its answer broke off ({reason})",
            code=reason, url=target.url, reason=reason, temporary=True,
        ) from error  # fmt: skip
    finally:
        adapter.close()


def read_body(response: requests.Response, target: Target, max_bytes: int) -> bytes:
    """Read the body as it came, at most `max_bytes`. Raises FetchFailed with reason `too_large` or `encoding`.

    Identity was asked for, so anything encoded is refused unread: nothing here can be made to inflate.
    """
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise _refused(target, response, "encoding", "it sent a compressed body, unasked")
    declared = response.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared[:12]) > max_bytes:
        raise _refused(target, response, "too_large", f"its document has more than {max_bytes} bytes")
    body = bytearray()
    while piece := response.raw.read(_PIECE, decode_content=False):
        body += piece
        if len(body) > max_bytes:
            raise _refused(target, response, "too_large", f"its document has more than {max_bytes} bytes")
    return bytes(body)


def _refused(target: Target, response: requests.Response, reason: str, text: str) -> FetchFailed:
    return FetchFailed(f"{target.authority}: {text}", code=reason, url=target.url, status=response.status_code, reason=reason)


def _ran_out(error: BaseException | None) -> bool:
    """Say whether a timeout is at the bottom of the error."""
    for _ in range(10):
        if error is None or isinstance(error, TimeoutError | requests.Timeout):
            break
        inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = getattr(error, "reason", None) if inner is None else inner
        if not isinstance(error, BaseException):
            return False
    return error is not None

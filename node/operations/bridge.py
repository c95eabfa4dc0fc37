"""A WSGI application behind an ASGI server: reads whole requests without a thread, answers them with one.

The event loop collects headers and body, so slow clients hold a socket and never a thread; a request enters the pool
of threads only when it is complete. What is passed on is what the client sent, and more than WSGI asks for:
`RAW_URI` (path and query as they stood in the request line), `courtyard.headers` (every header, in order, duplicates
kept), because signatures are computed over them, and `courtyard.largest_body` (how many bytes of body it passes on here).
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes

from node.operations.bodies import Bodies, BodyBroken, NoRoom, Receive

log = logging.getLogger("courtyard.web")

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]

SLOW_SECONDS = 2.0
CLOSE = (b"connection", b"close")
HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer", b"proxy-authenticate"}


class Bridge:
    """The ASGI face of one WSGI application. While `is_closing`, every answer asks the client to connect anew."""

    def __init__(self, application: Wsgi, threads: int, bodies: Bodies, *, origin_scheme: str = "http") -> None:
        self._application = application
        self._bodies = bodies
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._base = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": origin_scheme,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "SCRIPT_NAME": "",
        }
        self.is_closing = False
        self.in_flight = 0
        self.last_began = 0.0
        """time.monotonic() at the latest request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3, scope type `http`)."""
        environ = self._environ(scope)
        self.in_flight += 1
        self.last_began = time.monotonic()
        try:
            with self._bodies.place() as place:
                status, headers, body = await self._answer(environ, place.read, receive)
        finally:
            self.in_flight -= 1
        if self.is_closing or status in (408, 413):
            headers.append(CLOSE)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        """Wait for the requests that are being answered, then end the threads."""
        self._pool.shutdown(wait=True)

    async def _answer(self, environ: dict[str, Any], read: Callable[..., Awaitable[bytearray]], receive: Receive) -> Answer:
        if not _names_one_host(environ):
            return _plain(400, "A request names one host.", CLOSE)
        try:
            environ["wsgi.input"] = io.BytesIO(await read(environ, receive))
        except TimeoutError:
            return _plain(408, "The request took too long to arrive.")
        except BodyBroken:
            return _plain(400, "The body of the request cannot be read.", CLOSE)  # Unread where the client is gone.
        except NoRoom:
            return _plain(503, "Too much is arriving at once. Try again soon.", CLOSE, (b"retry-after", b"10"))
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._call, environ)

    def _environ(self, scope: Scope) -> dict[str, Any]:
        """Return the WSGI environ without `wsgi.input`."""
        environ = self._base.copy()
        raw_path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"].decode("latin-1")
        path = raw_path.decode("latin-1")
        environ["REQUEST_METHOD"] = scope["method"]
        environ["PATH_INFO"] = decoded = unquote_to_bytes(raw_path).decode("latin-1")
        environ["QUERY_STRING"] = query
        environ["RAW_URI"] = f"{path}?{query}" if query else path
        environ["SERVER_PROTOCOL"] = "HTTP/" + scope["http_version"]
        host, port = (scope.get("server") or ("localhost", 0))[:2]
        environ["SERVER_NAME"], environ["SERVER_PORT"] = str(host), str(port)
        client = scope.get("client")
        environ["REMOTE_ADDR"] = client[0] if client else ""
        headers = []
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers.append((name, value))
            if "_" in name:
                continue  # `X_Forwarded_For` would pass for `X-Forwarded-For` here, which only a proxy may say.
            key = "HTTP_" + name.upper().replace("-", "_")
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        for key in ("CONTENT_LENGTH", "CONTENT_TYPE"):
            if "HTTP_" + key in environ:
                environ[key] = environ.pop("HTTP_" + key)
        if "HTTP_TRANSFER_ENCODING" in environ:
            environ.pop("CONTENT_LENGTH", None)  # RFC 9112 6.3: chunked wins over a length beside it.
        environ["courtyard.headers"] = tuple(headers)
        environ["courtyard.largest_body"] = self._bodies.largest(decoded)
        return environ

    def _call(self, environ: dict[str, Any]) -> Answer:
        """Run the application in this thread. A mistake of ours is logged and answered with a plain 500."""
        began = time.monotonic()
        outcome: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
            written = io.BytesIO()
            outcome[:] = [int(status[:3]), headers, written]
            return written.write

        try:
            result = self._application(environ, start_response)
            try:
                body = b"".join(result)
            finally:
                close = getattr(result, "close", None)
                if close is not None:
                    close()
            status, pairs, written = outcome
            answer: Answer = (status, _encoded(pairs), written.getvalue() + body)
        except Exception:
            log.exception("request failed", extra={"method": environ["REQUEST_METHOD"], "path": _loggable(environ["RAW_URI"])})
            answer = _plain(500, "Something went wrong here. It has been noted.")
        seconds = time.monotonic() - began
        if seconds > SLOW_SECONDS or answer[0] >= 500:
            facts = {"method": environ["REQUEST_METHOD"], "path": _loggable(environ["RAW_URI"]), "status": answer[0]}
            log.warning("request answered", extra={**facts, "seconds": round(seconds, 2)})
        return answer


def _loggable(target: str) -> str:
    """Return a request target without its query and without the secret in an invitation's address (abuse case L20)."""
    path = target.partition("?")[0][:200]
    return "/invitations/..." if path.startswith("/invitations/") else path


def _names_one_host(environ: dict[str, Any]) -> bool:
    """RFC 9112 3.2: with none, or with more than one, it is open which host is meant. Before HTTP/1.1 there may be none."""
    hosts = [value for name, value in environ["courtyard.headers"] if name == "host"]
    return len(hosts) <= 1 and (any(hosts) or environ["SERVER_PROTOCOL"] == "HTTP/1.0")  # Granian adds an empty one for none.


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return [pair for pair in pairs if pair[0] not in HOP_BY_HOP]


def _plain(status: int, text: str, *headers: tuple[bytes, bytes]) -> Answer:
    body = text.encode() + b"\n"
    length = str(len(body)).encode()
    return status, [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", length), *headers], body

"""The request as signatures see it: raw path, all headers, and a body read up to its cap."""

from __future__ import annotations

from flask import Request

from federation.document import MAX_BODY
from federation.errors import Malformed, TooLarge, WrongMediaType
from federation.signatures import Message
from federation.vocabulary import is_activity_media_type


def message_of(request: Request, origin: str, body: bytes | None) -> Message:
    """Return the signed message. Its URL is built from the configured origin, never from the Host header (S08)."""
    return Message(request.method, origin + raw_target(request), tuple(request.headers.items()), body)


def raw_target(request: Request) -> str:
    """Return path and query exactly as they stood in the request line."""
    raw = request.environ.get("courtyard.raw_target") or request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI")
    if raw:
        target = str(raw)
        if target.startswith(("http://", "https://")):  # absolute form, RFC 9112 3.2.2
            _, _, rest = target.partition("://")
            slash = rest.find("/")
            target = rest[slash:] if slash >= 0 else "/"
        return target
    query = request.query_string.decode("latin-1")
    return f"{request.path}?{query}" if query else request.path


def read_body(request: Request) -> bytes:
    """Return the body of an inbox POST: an activity media type, at most 1 MiB whatever the length header says (P02, P18)."""
    if not is_activity_media_type(request.headers.get("Content-Type", "")):
        raise WrongMediaType("send application/activity+json", code="wrong_media_type")
    if request.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise WrongMediaType("send the body without content encoding", code="content_encoding")
    length = request.content_length
    if length is not None and length > MAX_BODY:
        raise TooLarge("at most 1 MiB", code="body_too_large", limit=MAX_BODY)
    body = request.environ["wsgi.input"].read(min(length, MAX_BODY + 1) if length is not None else MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise TooLarge("at most 1 MiB", code="body_too_large", limit=MAX_BODY)
    if length is not None and len(body) < length:
        raise Malformed("the body is shorter than announced", code="body_cut")
    return bytes(body)

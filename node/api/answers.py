"""How this door answers: JSON, errors as Mastodon's clients expect them, and the headers a browser's client needs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, request
from werkzeug.exceptions import HTTPException, InternalServerError, TooManyRequests

from node.errors import ActionError, TooMany

ORIGINS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Link, Retry-After, X-Request-Id",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, X-Requested-With",
    "Access-Control-Max-Age": "86400",
}
PAGES = frozenset({"api.authorize", "api.decide"})
"""Pages of this door that people see: no other site's script may read them."""

WORDS = {
    401: "The access token is invalid",
    403: "This action is not allowed",
    404: "Record not found",
    405: "Method not allowed",
    413: "That is too much data",
    415: "Send JSON or form data",
    429: "Too many requests",
    500: "Something went wrong on our side. It has been noted.",
}


class Refused(Exception):
    """The door itself refuses: no token, a scope missing. `headers` go with the answer."""

    def __init__(self, status: int, error: str, **headers: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def failure(status: int, error: str, **more: Any) -> Response:
    """Return Mastodon's Error entity with its status."""
    response = jsonify(error=error, **more)
    response.status_code = status
    return response


def answer(result: Any) -> Response:
    """Return what a view gave back as a response: an entity, a list of them, (entity, status), or a finished response."""
    if isinstance(result, Response):
        return result
    if isinstance(result, tuple):
        body, status = result
        return make_response(jsonify(body), status)
    return jsonify(result)


def init_blueprint(blueprint: Blueprint) -> None:
    """Give all answers of this door their errors and headers."""
    blueprint.register_error_handler(Refused, _refused)
    blueprint.register_error_handler(ActionError, _action_error)
    blueprint.register_error_handler(InternalServerError, _http_error)
    blueprint.register_error_handler(HTTPException, _http_error)
    blueprint.after_request(_add_headers)


def _refused(error: Refused) -> Response:
    response = failure(error.status, error.error)
    response.headers.update(error.headers)
    return response


def _action_error(error: ActionError) -> Response:
    more: dict[str, Any] = {}
    if error.field:
        described = {"error": f"ERR_{error.code.upper()}", "description": str(error)}
        more["details"] = {error.field: [described]}
    response = failure(error.status, str(error), **more)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    status = error.code or 500
    response = failure(status, WORDS.get(status, error.name))
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _add_headers(response: Response) -> Response:
    if "Cache-Control" not in response.headers:
        # Abuse case L13: what one reader may see is never kept for another.
        response.headers["Cache-Control"] = "private, no-store"
    response.vary.update(("Authorization", "Cookie") if request.endpoint in PAGES else ("Authorization",))
    if request.endpoint not in PAGES:
        response.headers.update(ORIGINS)
        if request.method == "OPTIONS":
            response.headers.update(PREFLIGHT)
    return response

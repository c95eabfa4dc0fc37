"""Errors as servers get them: RFC 9457 problem documents, with a status that tells the truth and nothing private."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from http import HTTPStatus

from flask import Response, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from federation.errors import (
    FederationError,
    KeyGone,
    KeyUnavailable,
    Malformed,
    NotAuthorized,
    SignatureRefused,
    TooLarge,
    WrongMediaType,
)
from node.activitypub import blueprint
from node.policy import Decision

PROBLEM_TYPE = "application/problem+json"
BRAKED_FOR = 300
"""Seconds after which a server may ask again for what a brake holds."""
security_log = logging.getLogger("courtyard.security")

STATUS: tuple[tuple[type[FederationError], int], ...] = (
    (TooLarge, 413),
    (WrongMediaType, 415),
    (KeyUnavailable, 503),
    (KeyGone, 401),
    (SignatureRefused, 401),
    (NotAuthorized, 403),
    (Malformed, 400),
)


class GateRefusal(Exception):
    """The policy said no. Carries the decision."""

    def __init__(self, decision: Decision, host: str) -> None:
        super().__init__("refused by policy")
        self.decision = decision
        self.host = host


class NotThere(Exception):
    """It is not there, or not for this reader: both look the same."""


class SignatureNeeded(Exception):
    """This is answered to servers that sign only."""


def problem(
    status: int, code: str, detail: str, *, reasons: Sequence[dict[str, str]] = (), retry_after: int | None = None
) -> Response:
    """Return a problem document (RFC 9457; `code` and `reasons` are our extension members, FEP-c180)."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if reasons:
        body["reasons"] = list(reasons)
    response = Response(json.dumps(body), status, content_type=PROBLEM_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept, Signature"
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if status == 401:
        # RFC 9110 11.6.1 wants a challenge with each 401; both kinds of signature are taken.
        response.headers["WWW-Authenticate"] = 'Signature realm="ActivityPub"'
        response.headers["Accept-Signature"] = 'sig1=("@method" "@target-uri" "content-digest");created;keyid;alg="ed25519"'
    return response


def log_refusal(code: str, host: str = "") -> None:
    """Write one security-log line: what, whence, why; no words of anybody's."""
    security_log.info("refused %s %s code=%s host=%s", request.method, request.path, code, host or "-")


@blueprint.errorhandler(FederationError)
def _federation_error(error: FederationError) -> Response:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 400)
    log_refusal(error.code)
    retry_after = error.retry_after if isinstance(error, KeyUnavailable) else None
    return problem(status, error.code, str(error), retry_after=retry_after)


@blueprint.errorhandler(GateRefusal)
def _gate_refusal(error: GateRefusal) -> Response:
    strictest = error.decision.verdict
    reasons = [reason for reason in error.decision.reasons if reason.verdict == strictest]
    code = reasons[0].code
    log_refusal(code, error.host)
    status = 401 if code == "node_closed" else 403
    return problem(status, code, "Refused by this node's policy.", reasons=[{"code": reason.code} for reason in reasons])


def mark_braked() -> None:
    """Note that a brake is on while a server that is let in reads: what it may not see now it may see later."""
    g.is_braked = True


@blueprint.errorhandler(NotThere)
def _not_there(_error: NotThere) -> Response:
    if g.get("is_braked"):
        # A 404 would say that it is gone. The same for what was never there: this tells nobody what exists.
        return problem(503, "brake_is_on", "Not now: an admin holds what leaves here.", retry_after=BRAKED_FOR)
    return problem(404, "not_there", "There is nothing here.")


@blueprint.errorhandler(SignatureNeeded)
def _signature_needed(_error: SignatureNeeded) -> Response:
    log_refusal("signature_missing")
    return problem(401, "signature_missing", "This is answered to signed requests only.")


@blueprint.errorhandler(DBAPIError)
@blueprint.errorhandler(PoolTimeout)
@blueprint.errorhandler(TimeoutError)
def _database_away(_error: Exception) -> Response:
    logging.getLogger("courtyard.web").exception("the database did not answer")
    return problem(503, "database_unavailable", "Nothing was kept; please send it again.", retry_after=10)


@blueprint.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    return problem(status, HTTPStatus(status).phrase.lower().replace(" ", "_"), error.description or "")

"""OAuth 2 (RFC 6749 as tightened by RFC 9700): the page that asks the member, codes, tokens, their end.

The page is a plain HTML form with its own CSRF token. Only the member's own answer redirects, and only to the URI that
the app registered: anybody may register an app, so that a redirect without an answer would lead members wherever
somebody likes (RFC 9700 4.11.2). Every mistake in what the app asks is shown here (abuse case W05).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlencode, urlsplit

from flask import Response, make_response, render_template, request
from flask_wtf.csrf import validate_csrf
from werkzeug.datastructures import Headers
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse
from wtforms.validators import ValidationError

from node.actions import clients
from node.api import limits
from node.api.answers import failure
from node.api.given import Given, given
from node.api.guards import Caller
from node.database import db, transaction
from node.errors import ActionError, Invalid
from node.models import ClientApp
from node.runtime import current_node
from node.visitors import ask_to_sign_in, visitor

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

GRANTS = ("authorization_code", "client_credentials")
ASKED = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
EXACT = ("redirect_uri", "code_challenge")
LONGEST_STATE = 2000
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_AUTHORITY = re.compile(r"[a-z0-9.-]+(:\d+)?|\[[0-9a-f:.]+\](:\d+)?", re.IGNORECASE)


class _Onward(Response):
    """A redirect to an address as it stands: Werkzeug takes it apart and puts it together, and `app://` becomes `app:`."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        headers = super().get_wsgi_headers(environ)
        location = self.headers["Location"]
        if location.isascii():
            headers["Location"] = location
        return headers


def metadata(caller: Caller) -> dict[str, Any]:
    """GET /.well-known/oauth-authorization-server (RFC 8414)"""
    origin = current_node().settings.origin
    return {
        "issuer": f"{origin}/",
        "service_documentation": "https://docs.joinmastodon.org/",
        "authorization_endpoint": f"{origin}/oauth/authorize",
        "token_endpoint": f"{origin}/oauth/token",
        "app_registration_endpoint": f"{origin}/api/v1/apps",
        "revocation_endpoint": f"{origin}/oauth/revoke",
        "userinfo_endpoint": f"{origin}/oauth/userinfo",
        "scopes_supported": sorted(clients.SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
    }


def userinfo(caller: Caller) -> dict[str, Any]:
    """GET /oauth/userinfo"""
    origin, actor = current_node().settings.origin, caller.actor
    return {
        "iss": f"{origin}/",
        "sub": actor.uri,
        "name": actor.name or actor.username,
        "preferred_username": actor.username,
        "profile": actor.url or actor.uri,
        "picture": f"{origin}/media/icon/{actor.id}" if actor.icon_url else f"{origin}/static/img/nobody.svg",
    }


def authorize() -> Any:
    """GET /oauth/authorize: ask the signed-in member whether the app may act for them."""
    if visitor() is None:
        return ask_to_sign_in()
    return _page(_asked(request.args))


def decide() -> Any:
    """POST /oauth/authorize: the member has answered."""
    member = visitor()
    if member is None:
        return ask_to_sign_in()
    asked = _asked(request.form)
    try:
        if _is_foreign():
            raise ValidationError("from another site")
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        return _trouble("stale", 403)
    app = clients.find_app(db.session(), asked["client_id"][:100])
    problem = _problem(app, asked)
    if app is None or problem:
        return _trouble(problem or "unknown", 400)
    refusal = _refusal(app, asked)
    if refusal is not None:
        return _trouble("refused", 400, app, refusal)
    if request.form.get("decision") != "allow":
        return _back(asked, error="access_denied", error_description="The member said no.")
    try:
        with transaction() as session:
            code = clients.authorize(
                session, app, member, redirect_uri=asked["redirect_uri"], scopes=_scopes(asked),
                challenge=asked["code_challenge"], challenge_method=asked["code_challenge_method"], now=current_node().now(),
            )  # fmt: skip
    except ActionError as error:
        return _back(asked, error=_oauth_code(error), error_description=str(error))
    if asked["redirect_uri"] == clients.OUT_OF_BAND:
        return _safe(render_template("api/code.html", code=code, app=app), "'self'")
    return _back(asked, code=code)


def token(caller: Caller) -> Response:
    """POST /oauth/token"""
    limits.count("token", limits.address())
    wanted = given()
    client_id, secret = _client(wanted)
    grant = wanted.text("grant_type", most=100)
    if grant == "authorization_code":
        return _exchange(wanted, client_id, secret)
    if grant == "client_credentials":
        return _for_app(wanted, client_id, secret)
    words = "Only authorization_code and client_credentials are possible. Passwords belong on the sign-in page."
    return failure(400, "unsupported_grant_type", error_description=words)


def revoke(caller: Caller) -> Response | dict[str, Any]:
    """POST /oauth/revoke (RFC 7009): a token that is unknown is as good as revoked."""
    limits.count("token", limits.address())
    wanted = given()
    client_id, _ = _client(wanted)
    if not client_id:
        return _wrong_client("Say which app the token belongs to.")
    with transaction() as session:
        # Who holds the secret of a token may end it: that is proof enough, also for apps that keep no secret.
        clients.revoke(session, wanted.text("token", most=200), current_node().now(), client_id=client_id)
    return {}


def _exchange(wanted: Given, client_id: str, secret: str | None) -> Response:
    with transaction() as session:
        outcome = clients.exchange_code(
            session, client_id=client_id, client_secret=secret, code=wanted.text("code", most=200),
            redirect_uri=wanted.text("redirect_uri", most=4000), verifier=wanted.text("code_verifier", most=200),
            now=current_node().now(),
        )  # fmt: skip
    if outcome.refusal is not None:
        return _token_refusal(outcome.refusal)
    assert outcome.secret is not None and outcome.token is not None
    return _token(outcome.secret, outcome.token.scopes)


def _for_app(wanted: Given, client_id: str, secret: str | None) -> Response:
    try:
        with transaction() as session:
            app = clients.find_app(session, client_id)
            if app is None:
                return _wrong_client("The app is not known here, or its secret is wrong.")
            scopes = wanted.text("scope", "read", most=2000)
            made = clients.token_for_app(session, app, secret or "", scopes, current_node().now())
            granted = clients.read_scopes(scopes)
    except ActionError as error:
        return _token_refusal(error)
    return _token(made, granted)


def _token(secret: str, scopes: str) -> Response:
    created_at = int(current_node().now().timestamp())
    response = make_response({"access_token": secret, "token_type": "Bearer", "scope": scopes, "created_at": created_at})
    response.headers["Cache-Control"] = "no-store"
    return response


def _token_refusal(error: ActionError) -> Response:
    code = _oauth_code(error)
    return _wrong_client(str(error)) if code == "invalid_client" else failure(400, code, error_description=str(error))


def _wrong_client(words: str) -> Response:
    return failure(401, "invalid_client", error_description=words)


def _oauth_code(error: ActionError) -> str:
    return {"invalid_client": "invalid_client", "invalid_grant": "invalid_grant", "scope": "invalid_scope"}.get(
        error.code, "invalid_request"
    )


def _client(wanted: Given) -> tuple[str, str | None]:
    """Return (client id, secret or None) from the Authorization header (RFC 6749 2.3.1) or the body."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return _line(unquote_plus(name))[:100], _line(unquote_plus(secret))[:200]
    secret = wanted.text("client_secret", most=200)
    return wanted.text("client_id", most=100), secret if "client_secret" in wanted else None


def _asked(values: Mapping[str, str]) -> dict[str, str]:
    """Return what the app asks. What is compared exactly stays as it came."""
    return {name: values.get(name, "") if name in EXACT else _line(values.get(name, "")) for name in ASKED}


def _line(text: str) -> str:
    """Return a parameter without characters that no database and no header takes."""
    return "".join(character for character in text if character.isprintable())


def _page(asked: dict[str, str]) -> Any:
    app = clients.find_app(db.session(), asked["client_id"][:100])
    problem = _problem(app, asked)
    if app is None or problem:
        return _trouble(problem or "unknown", 400)
    refusal = _refusal(app, asked)
    if refusal is not None:
        return _trouble("refused", 400, app, refusal)
    scopes = clients.read_scopes(_scopes(asked)).split()
    host = _destination(asked["redirect_uri"])
    page = render_template("api/authorize.html", app=app, asked=asked, scopes=scopes, host=host)
    return _safe(page, f"'self' {_form_target(asked['redirect_uri'])}".strip())


def _problem(app: ClientApp | None, asked: dict[str, str]) -> str:
    """Return why we may not even redirect, '' when we may."""
    if app is None:
        return "unknown"
    try:
        clients.check_redirect(app, asked["redirect_uri"])
    except ActionError:
        return "redirect"
    return ""


def _refusal(app: ClientApp, asked: dict[str, str]) -> ActionError | None:
    """Return why a request that is not even worth asking the member about is refused."""
    if asked["response_type"] != "code":
        return Invalid("unsupported_response_type", "The response type has to be code.", "response_type")
    try:
        clients.check_challenge(asked["code_challenge"], asked["code_challenge_method"])
        if not clients.is_within(clients.read_scopes(_scopes(asked)), app.scopes):
            return Invalid("scope", "The app asks for more than it registered.", "scope")
    except ActionError as error:
        return error
    return None


def _scopes(asked: dict[str, str]) -> str:
    return asked["scope"][:2000] or "read"


def _back(asked: dict[str, str], **values: str) -> BaseResponse:
    """Redirect to the app, which has registered this very URI, with the answer in its query."""
    if asked["redirect_uri"] == clients.OUT_OF_BAND:
        return _trouble("refused", 400)
    if asked["state"]:
        values["state"] = asked["state"][:LONGEST_STATE]
    values["iss"] = f"{current_node().settings.origin}/"  # RFC 9207
    uri = asked["redirect_uri"]
    return redirect(f"{uri}{'&' if '?' in uri else '?'}{urlencode(values)}", 303, _Onward)


def _trouble(problem: str, status: int, app: ClientApp | None = None, refusal: ActionError | None = None) -> Response:
    page = render_template("api/trouble.html", problem=problem, app=app, refusal=refusal)
    return _safe(page, "'self'", status)


def _safe(page: str, form_action: str, status: int = 200) -> Response:
    """Return a page that no other site frames; browsers hold redirects after a form to `form-action` as well."""
    response = make_response(page, status)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; font-src 'self'; connect-src 'self'; "
        f"manifest-src 'self'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _form_target(uri: str) -> str:
    """Return the CSP source of a redirect URI, '' when it cannot be one."""
    if uri == clients.OUT_OF_BAND:
        return ""
    parts = urlsplit(uri)
    if not _SCHEME.fullmatch(parts.scheme):
        return ""
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}" if _AUTHORITY.fullmatch(parts.netloc) else ""


def _destination(uri: str) -> str:
    """Return where the member is sent afterwards, for them to read: a host, or an app's own scheme."""
    if uri == clients.OUT_OF_BAND:
        return ""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def _is_foreign() -> bool:
    """Say whether another site's page sent this form (abuse case W01)."""
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return True
    try:
        return origin is not None and origin != current_node().settings.origin and urlsplit(origin).netloc != request.host
    except ValueError:
        return True

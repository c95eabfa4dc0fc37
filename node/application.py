"""Putting the parts together: extensions, doors, headers. Nothing here decides anything about posts or peers."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Flask, request
from flask_limiter import Limiter
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter, ValidationError

from federation.document import MAX_BODY
from node import models  # noqa: F401 - the tables must be known to the metadata
from node.activitypub.arrivals import Arrivals
from node.activitypub.signers import KeyRing, Memory
from node.config import Settings, shipped_folder
from node.database import db, engine_options, prepare_engine, row_id, utc_now
from node.jobs.bells import install_bell
from node.negotiation import Negotiation
from node.networks import counted_as
from node.reads import Reads
from node.runtime import EXTENSION, Node, make_client

DOORS = ("activitypub", "web", "admin", "api", "media", "health")
CSRF_EXEMPT = frozenset({"activitypub", "api"})
"""Doors whose requests prove themselves by signature or bearer token, not by a cookie."""
LARGEST_REQUEST = 16 * 1024 * 1024

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; script-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

_LIMITS_OPTIONS: dict[str, str | int] = {"socket_timeout": 1, "socket_connect_timeout": 1}

csrf = CSRFProtect()


def build(settings: Settings, clock: Callable[[], datetime] | None = None, doors: Collection[str] = DOORS) -> Flask:
    """Return the Flask application with these doors open; workers and the command line need none."""
    clock = clock or utc_now
    app = Flask(
        "node",
        template_folder=str(shipped_folder("templates")),
        static_folder=str(shipped_folder("static")),
        static_url_path="/static",
    )
    app.url_map.converters["int"] = RowId
    _configure(app, settings)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    app.extensions[EXTENSION] = Node(settings, clock, make_client(settings, clock))
    install_bell(settings)
    if doors:
        _open_doors(app, settings, doors)
    return app


class RowId(BaseConverter):
    """`<int:...>` in a route: the id of a row; what is no such id is no such page."""

    regex = "[0-9]{1,19}"
    part_isolating = True

    def to_python(self, value: str) -> int:
        try:
            return row_id(value)
        except ValueError as error:
            raise ValidationError from error


def _open_doors(app: Flask, settings: Settings, doors: Collection[str]) -> None:
    app.before_request(_limit_body)  # First: a body the server cut must not be read as if it were whole.
    app.extensions["courtyard.arrivals"] = Arrivals(app)
    app.extensions["courtyard.keys"] = KeyRing()
    app.extensions["courtyard.reads"] = Reads(app)
    app.extensions["courtyard.noted"] = Memory(timedelta(seconds=60))
    csrf.init_app(app)
    app.extensions["courtyard.limiter"] = Limiter(
        _client_address, app=app, default_limits=[], storage_uri=_limits_storage(settings), in_memory_fallback_enabled=True,
        enabled=settings.rate_limits, strategy="fixed-window",
        storage_options=_LIMITS_OPTIONS,
    )  # fmt: skip
    for door in DOORS:
        if door in doors:
            _open(app, door)
    app.after_request(_add_headers(settings))
    app.wsgi_app = Negotiation(app.wsgi_app)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_port=0, x_prefix=0)  # type: ignore[method-assign]


def _configure(app: Flask, settings: Settings) -> None:
    secure = settings.scheme == "https"
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url, settings.web_threads),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=2 * MAX_BODY,
        MAX_FORM_PARTS=200,
        SESSION_COOKIE_NAME="__Host-courtyard-form" if secure else "courtyard-form",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=timedelta(days=1),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # our own check of Origin is stricter and works behind proxies
        TEMPLATES_AUTO_RELOAD=False,
    )


def _open(app: Flask, door: str) -> None:
    module = importlib.import_module(f"node.{door}")
    if door in CSRF_EXEMPT:
        csrf.exempt(module.blueprint)
    initialise = getattr(module, "init_app", None)
    if initialise is not None:
        initialise(app)
    app.register_blueprint(module.blueprint)


def _limit_body() -> None:
    """Refuse (413) what is larger than our web server passes on at this path; LARGEST_REQUEST behind any other."""
    request.max_content_length = request.environ.get("courtyard.largest_body", LARGEST_REQUEST)


def _add_headers(settings: Settings) -> Callable[..., object]:
    def add(response):  # type: ignore[no-untyped-def]
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        if settings.scheme == "https":
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        return response

    return add


def _client_address() -> str:
    """Return what a rate limit counts: the address, an IPv6 one by its /64 (W10)."""
    return counted_as(request.remote_addr)


def _limits_storage(settings: Settings) -> str:
    """Return the storage address of the rate limits: the Redis or Valkey server, by socket or by network."""
    url = settings.redis_url
    if url.startswith("unix://"):
        path = urlsplit(url).path
        return f"redis+unix://{path}"
    return url


logging.getLogger("courtyard").addHandler(logging.NullHandler())

"""What a person sees when something goes wrong: what happened, what was kept, what to do. For all doors that show pages.

Machines (an Accept header that does not ask for HTML, or a path of theirs) get a problem document instead (RFC 9457).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import format_number, lazy_gettext
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from node.errors import ActionError, GateRefused, TooMany
from node.policy.words import sentence
from node.web.surroundings import surround

RETRY_AFTER = 30
"""Seconds."""
KEPT = ("text", "summary", "title")
MACHINES = ("/api/", "/oauth/", "/inbox", "/.well-known/", "/nodeinfo", "/actor", "/activities/")
HOUSED = (403, 404, 405, 410)
"""What is answered with logo and menu; the rest stands alone, so that nothing fails or costs twice."""
SIGNS = {401: "lock", 403: "lock", 404: "search", 410: "clock", 413: "warning", 429: "clock", 503: "clock"}


def words_for(status: int) -> tuple[str, str, str]:
    """Return (title, what happened, what to do) for an HTTP status."""
    return {
        401: (_("Please sign in"), _("This place is for its members."), _("Sign in and try again.")),
        403: (
            _("This is not for you to do"),
            _("You may not do this here, or the page was open for too long."),
            _("Go back, reload the page and try again. If it should be allowed, ask the people who run this place."),
        ),
        404: (
            _("Nothing to see here"),
            _("There is nothing at this address, it was deleted, or it is not meant for you."),
            _("Check the address, or go to the front and look from there."),
        ),
        405: (
            _("Not this way"),
            _("This address does not take what the browser sent."),
            _("Go back and use the buttons of the page."),
        ),
        410: (_("Gone"), _("This was here, and was taken away for good."), _("Go to the front and look from there.")),
        413: (_("Too large"), _("What you sent is larger than this place takes."), _("Make it smaller and send it again.")),
        429: (
            _("A little slower, please"),
            _("That was more in a short time than this place allows."),
            _("Wait a minute and try again."),
        ),
        500: (
            _("Something broke"),
            _("That was our mistake, not yours. It has been written down for the people who run this place."),
            _("Try again. If it happens twice, tell them what you did."),
        ),
        503: (
            _("One moment, please"),
            _("The house is busy or being looked after."),
            _("Try again in a minute. Nothing that was already saved is lost."),
        ),
    }.get(status, (_("That did not work"), _("What the browser sent could not be understood."), _("Go back and try again.")))


def wants_page() -> bool:
    """Whether whoever asks is a person with a browser."""
    if request.path.startswith(MACHINES):
        return False
    accept = request.accept_mimetypes
    best = accept.best_match(("text/html", "application/json", "application/activity+json", "application/ld+json"), "text/html")
    return best == "text/html"


def show(status: int, happened: str = "", *, retry_after: int = 0) -> Response:
    """Return the error page (or the problem document) for `status`; `happened` replaces the usual sentence."""
    if status >= 500:
        g.is_in_trouble = True
        g.setdefault("login", None)
    try:
        answer = _page(status, happened) if wants_page() else _problem(status, happened)
    except OperationalError:  # even the reader's language is out of reach: say that, in the browser's
        if status >= 500:
            raise
        return show(503, retry_after=RETRY_AFTER)
    answer.status_code = status
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def _problem(status: int, happened: str) -> Response:
    answer = jsonify(type="about:blank", title=str(happened) or words_for(status)[0], status=status)
    answer.mimetype = "application/problem+json"
    return answer


def _page(status: int, happened: str) -> Response:
    title, usual, advice = words_for(status)
    typed = "\n\n".join(value for name in KEPT if (value := request.form.get(name, "").strip())) if status != 413 else ""
    values: dict[str, Any] = {
        "title": title, "happened": happened or usual, "advice": advice, "status": status, "sign": SIGNS.get(status, "warning"),
        "has_house": status in HOUSED and not g.get("is_in_trouble") and request.endpoint != "static",
        "kept": _("What you typed was not sent. It is kept below.") if typed else "", "typed": typed,
    }  # fmt: skip
    return make_response(render_template("errors/error.html", **surround() | values))


def explain(error: ActionError) -> str:
    """Return an action's refusal in the reader's language, with the gate's reasons when it was the gate."""
    values = {
        name: format_number(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in error.values.items()
    }
    words = _(error.text, **values) if values else _(error.text)
    if isinstance(error, GateRefused):
        reasons = [_(text, **values) for text, values in map(sentence, error.reasons)]
        words = " ".join([words, *reasons])
    return str(words)


def _on_http(error: HTTPException) -> Response:
    retry_after = getattr(error, "retry_after", None)
    return show(
        error.code or 500, retry_after=int(retry_after) if isinstance(retry_after, int) else 60 if error.code in (429, 503) else 0
    )


def _on_csrf(error: CSRFError) -> Response:
    # Flask-WTF says 400; the contract of our doors says 403 (abuse case W01).
    return show(403, lazy_gettext("This page was open for too long, or the form did not come from here."))


def _on_action(error: ActionError) -> Response:
    return show(error.status, explain(error), retry_after=error.retry_after if isinstance(error, TooMany) else 0)


def _on_database(error: OperationalError) -> Response:
    return show(503, retry_after=RETRY_AFTER)


def init_blueprint(blueprint: Blueprint) -> None:
    """Show what actions refuse as a page."""
    blueprint.register_error_handler(ActionError, _on_action)


def init_app(app: Flask) -> None:
    """Show every error as a page, whichever door it happened at (doors for machines have their own, which win)."""
    app.register_error_handler(CSRFError, _on_csrf)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(OperationalError, _on_database)
    app.register_error_handler(500, lambda error: show(500))

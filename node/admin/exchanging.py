"""Lists of decisions as files: out as our JSON, in as our JSON or Mastodon's CSV, looked at before they are applied."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from node.actions import peers
from node.actions.peers import Report
from node.admin.words import explain
from node.database import db, transaction
from node.errors import ActionError
from node.runtime import current_node
from node.visitors import the_member

MOST_BYTES = 1_500_000
"""What a form may carry from the preview to the button; larger lists go through the command line."""
SHOWN = 500


def form() -> str:
    """Show both ways."""
    return _form("", {})


def preview() -> Any:
    """Read a file or what was pasted, and show what it would change. Nothing is written."""
    raw, field = _given()
    if len(raw) > MOST_BYTES:
        return _form(
            "", {"file": _("The file is too large for this page. Use the command line: courtyard peer import FILE")}
        ), 413
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _form("", {"file": _("The file is not text in UTF-8. Nothing was changed.")}), 422
    if not text.strip():
        return _form(text, {"file": _("Choose a file, or paste a list below.")}), 422
    try:
        report = _read(db.session(), text, is_dry_run=True)
    except ActionError as error:
        return _form(text, {field: explain(error)}), error.status
    db.session.rollback()
    return render_template("admin/exchange_preview.html", report=report, text=text, is_json=_is_json(text), shown=SHOWN)


def apply() -> Any:
    """Apply a list that was looked at."""
    text = request.form.get("text", "")
    try:
        with transaction() as session:
            report = _read(session, text, is_dry_run=False)
    except ActionError as error:
        return _form(text, {"text": explain(error)}), error.status
    number = len(report.changed)
    flash(
        ngettext("%(num)s decision was taken over.", "%(num)s decisions were taken over.", number), "good" if number else "info"
    )
    return redirect(url_for("admin.peers"), 303)


def export() -> Response:
    """Return all decisions as a file."""
    text = peers.export_json(db.session(), now=current_node().now())
    headers = {"Content-Disposition": 'attachment; filename="courtyard-peers.json"'}
    return Response(text, mimetype="application/json", headers=headers)


def _given() -> tuple[bytes, str]:
    """Return what was sent, at most one byte more than MOST_BYTES, and the field it came in."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return request.form.get("text", "").encode()[: MOST_BYTES + 1], "text"
    with upload.stream as stream:
        return stream.read(MOST_BYTES + 1), "file"


def _read(session: Any, text: str, *, is_dry_run: bool) -> Report:
    node = current_node()
    read = peers.import_json if _is_json(text) else peers.import_csv
    settings = node.settings
    return read(
        session, text, by=the_member(), now=node.now(), own_host=settings.host, allows_bare=settings.allow_private_addresses,
        is_dry_run=is_dry_run,
    )  # fmt: skip


def _is_json(text: str) -> bool:
    return text.lstrip().startswith("{")


def _form(text: str, errors: dict[str, str]) -> str:
    return render_template("admin/exchange.html", text=text, errors=errors)

"""Invitations: one-time links, shown once, taken back at any time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from node.actions import invitations
from node.actions.roles import ROLES
from node.admin.words import explain
from node.database import db, transaction
from node.errors import ActionError
from node.models import Invitation
from node.queries import members as query
from node.runtime import current_node
from node.visitors import the_member

SHOWN = 200


def index() -> str:
    """List invitations, newest first, with the form for a new one."""
    return _page(SimpleNamespace(email=request.args.get("email", ""), role="member", note=""), {})


def invite() -> Any:
    """Make an invitation. Its link stands on this answer and nowhere else: only a hash is kept."""
    node = current_node()
    typed = {name: request.form.get(name, "").strip() for name in ("email", "note")}
    form = SimpleNamespace(role=request.form.get("role", "member"), **typed)
    try:
        with transaction() as session:
            invitation, token = invitations.invite(
                session, by=the_member(), email=form.email or None, role=form.role, note=form.note, now=node.now()
            )
    except ActionError as error:
        return _page(form, {error.field: explain(error)}), error.status
    return render_template(
        "admin/invited.html",
        invitation=invitation,
        link=f"{node.settings.origin}/invitations/{token}",
        days=invitations.LAST.days,
    )


def revoke(invitation_id: int) -> Response:
    """Make a link useless."""
    with transaction() as session:
        row = session.get(Invitation, invitation_id) or abort(404)
        invitations.revoke(session, row, by=the_member(), now=current_node().now())
    flash(_("The invitation is taken back: its link no longer works."), "good")
    return redirect(url_for("admin.invitations"), 303)


def state_of(invitation: Invitation) -> str:
    """Return 'used', 'revoked', 'expired' or 'open'."""
    if invitation.used_at is not None:
        return "used"
    if invitation.revoked_at is not None:
        return "revoked"
    return "open" if invitation.expires_at > current_node().now() else "expired"


def _page(form: SimpleNamespace, errors: dict[str, str]) -> str:
    rows = query.invitations(db.session(), SHOWN)
    lines = [(row, state_of(row)) for row in rows]
    return render_template("admin/invitations.html", lines=lines, form=form, errors=errors, roles=ROLES, shown=SHOWN)

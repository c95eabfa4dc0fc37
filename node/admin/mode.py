"""The federation mode: closed, selective or open, each with what it means."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from node.actions import node_settings
from node.database import db, transaction
from node.policy import Mode
from node.queries import oversight
from node.runtime import current_node
from node.visitors import the_member

MODES = tuple(mode.value for mode in Mode)


def index() -> str:
    """Show the mode in force and the others."""
    return render_template("admin/mode.html", mode=_mode(), modes=MODES, states=oversight.peer_states(db.session()))


def ask(wish: str) -> str:
    """Say what another mode would change."""
    session = db.session()
    figures = oversight.figures(session, current_node().now())
    states = oversight.peer_states(session)
    return render_template("admin/mode_change.html", mode=_mode(), wish=wish, figures=figures, states=states)


def change(wish: str) -> Response:
    """Change it."""
    with transaction() as session:
        node_settings.set_mode(session, wish, by=the_member(), now=current_node().now())
    flash(_("The mode is changed. It holds from this moment on."), "good")
    return redirect(url_for("admin.mode"), 303)


def _mode() -> str:
    return current_node().rules(db.session()).mode.value

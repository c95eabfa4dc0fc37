"""The brake: what is stopped and by whom, what waits, one press to let go, and the statement that passes meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from node.actions import brakes as actions
from node.admin.words import brake_target, explain
from node.database import db, transaction
from node.errors import ActionError
from node.queries import brakes
from node.runtime import current_node
from node.visitors import the_member


def show() -> str:
    """Show the brakes that are on, what they hold, and the form to pull one."""
    return _page(SimpleNamespace(scope="node", subject="", why=""), {})


def pull() -> Any:
    """Pull a brake. It holds in every process within half a second."""
    form = SimpleNamespace(**{name: request.form.get(name, "").strip() for name in ("scope", "subject", "why")})
    node = current_node()
    try:
        with transaction() as session:
            brake = actions.pull(
                session, form.scope, form.subject, why=form.why, by=the_member(), now=node.now(), own_host=node.settings.host
            )
            target = brake_target(brake.scope, brake.subject)
    except ActionError as error:
        return _page(form, {error.field: explain(error)}), error.status
    flash(_("The brake is on: %(target)s. Nothing is lost; it goes on when the brake is released.", target=target), "good")
    return redirect(url_for("admin.brake"), 303)


def release() -> Response:
    """Let go."""
    scope, subject = request.form.get("scope", ""), request.form.get("subject", "")
    with transaction() as session:
        number = actions.release(session, scope, subject, by=the_member(), now=current_node().now())
    done = _("The brake is released: %(target)s.", target=brake_target(scope, subject))
    going = ngettext("What waited for %(num)s inbox goes on.", "What waited for %(num)s inboxes goes on.", number)
    flash(f"{done} {going}", "good")
    return redirect(url_for("admin.brake"), 303)


def let_pass(post_id: int) -> Response:
    """Let one post pass, as it stands."""
    with transaction() as session:
        actions.let_pass(session, post_id, by=the_member(), now=current_node().now())
    flash(_("This post goes out now. If it is edited, the edit waits again."), "good")
    return redirect(url_for("admin.brake"), 303)


def _page(form: SimpleNamespace, errors: dict[str, str]) -> str:
    session = db.session()
    held = brakes.held_posts(session, the_member().actor_id)
    return render_template("admin/brake.html", on=brakes.on(session), held=held, form=form, errors=errors)

"""Content rules: what is held or kept back by its words, what waits for a decision, and how the rules stood before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from node.actions import content_rules as actions
from node.admin.words import explain
from node.database import db, transaction
from node.errors import ActionError
from node.queries import posts
from node.queries import rules as query
from node.runtime import current_node
from node.visitors import the_member

FIELDS = ("name", "looks_for", "value", "verdict", "scope", "subject")


def index() -> str:
    """Show the rules, the posts they hold, the form for a new one and the latest versions."""
    return _page(SimpleNamespace(name="", looks_for="word", value="", verdict="hold", scope="node", subject=""), {})


def add() -> Any:
    """Make a rule."""
    form = SimpleNamespace(**{name: request.form.get(name, "").strip() for name in FIELDS})
    node = current_node()
    try:
        with transaction() as session:
            actions.add(
                session, form.name, form.looks_for, form.value, verdict=form.verdict, scope=form.scope, subject=form.subject,
                by=the_member(), now=node.now(), own_host=node.settings.host,
            )  # fmt: skip
    except ActionError as error:
        return _page(form, {error.field: explain(error)}), error.status
    flash(_("The rule is in force for what is said from now on."), "good")
    return redirect(url_for("admin.rules"), 303)


def remove(rule_id: int) -> Response:
    """Remove a rule."""
    with transaction() as session:
        actions.remove(session, rule_id, by=the_member(), now=current_node().now())
    flash(_("The rule is removed. What it holds stays held until somebody lets it go."), "good")
    return redirect(url_for("admin.rules"), 303)


def let_go(post_id: int) -> Response:
    """Let a held post go."""
    with transaction() as session:
        actions.let_go(session, post_id, by=the_member(), now=current_node().now())
    flash(_("The post goes out now, as it stands. An edit is asked again."), "good")
    return redirect(url_for("admin.rules"), 303)


def _page(form: SimpleNamespace, errors: dict[str, str]) -> str:
    session = db.session()
    content = current_node().rules(session).content
    held = [
        SimpleNamespace(post=post, reasons=query.names_of(content, post.findings))
        for post in posts.held(session, the_member().actor_id)
    ]
    return render_template(
        "admin/rules.html", rules=content.rules, held=held, versions=query.versions(session, 20), form=form, errors=errors
    )

"""What the node is called, how it looks, what it says about itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from node.actions import node_settings
from node.admin.words import explain
from node.database import db, transaction
from node.errors import ActionError
from node.queries import settings as query
from node.runtime import current_node
from node.visitors import DEFAULT_LANGUAGE, the_member

TEXTS = ("name", "description", "accent", "contact", "rules")


def show() -> str:
    """Show the form with what holds now."""
    now = query.public(db.session())
    default = query.get(db.session(), "default_language", DEFAULT_LANGUAGE)
    return _page(
        SimpleNamespace(languages=now.languages, default_language=default, **{name: getattr(now, name) for name in TEXTS}), {}
    )


def save() -> Any:
    """Save everything, or nothing and say what is wrong."""
    form = SimpleNamespace(
        languages=tuple(request.form.getlist("languages")),
        default_language=request.form.get("default_language") or query.get(db.session(), "default_language", DEFAULT_LANGUAGE),
        **{name: request.form.get(name, "") for name in TEXTS}
    )
    try:
        with transaction() as session:
            changed = node_settings.update(session, by=the_member(), now=current_node().now(), **vars(form))
    except ActionError as error:
        return _page(form, {error.field: explain(error)}), error.status
    flash(_("Saved.") if changed else _("Nothing was different."), "good")
    return redirect(url_for("admin.settings"), 303)


def _page(form: SimpleNamespace, errors: dict[str, str]) -> str:
    return render_template(
        "admin/settings.html", form=form, errors=errors, longest=node_settings.LONGEST, languages=query.LANGUAGES
    )

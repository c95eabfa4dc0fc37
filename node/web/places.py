"""Spaces: which there are, what is said in one, coming in and leaving."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from node.actions import spaces as actions
from node.database import db, transaction
from node.errors import ActionError
from node.models import Space
from node.queries import spaces as query
from node.queries import timelines
from node.runtime import current_node
from node.visitors import the_member
from node.web.drafts import composer_for
from node.web.errors import explain
from node.web.reading import page_keys, stream, viewer


def spaces() -> str:
    """List the spaces, and offer to make one."""
    return _list(SimpleNamespace(name="", title="", purpose=""), {})


def create() -> Any:
    """Make a space; whoever makes it is in it."""
    form = SimpleNamespace(**{name: request.form.get(name, "").strip() for name in ("name", "title", "purpose")})
    try:
        with transaction() as session:
            made = actions.create(session, the_member(), form.name, form.title, form.purpose, current_node().now())
    except ActionError as error:
        return _list(form, {error.field or "title": explain(error)}), error.status
    flash(_("The space is open. What is said in it stays in it."), "good")
    return redirect(url_for("web.space", name=made.name), 303)


def space(name: str) -> str:
    """Show a space: to those who are in it, what is said there."""
    found = _space_or_404(name)
    session = db.session()
    people = query.members(session, found.id)
    member = the_member()
    is_in = query.is_inside(session, found.id, member.actor_id)
    lines = timelines.space(session, viewer(), found.id, **page_keys()) if is_in else []
    composer = composer_for(member, space_id=found.id) if is_in else {}
    return render_template(
        "web/space.html", space=found, people=people, is_in=is_in, **stream(lines, "web.space", name=name), **composer
    )


def enter(name: str, verb: str) -> BaseResponse:
    """Join or leave a space."""
    actor = the_member().actor
    with transaction() as session:
        found = _space_or_404(name)
        if verb == "join":
            actions.join(session, found, actor, current_node().now())
        else:
            actions.leave(session, found, actor)
    return redirect(url_for("web.space", name=name), 303)


def _list(form: SimpleNamespace, errors: dict[str, str]) -> str:
    mine = {found.id for found in query.of(db.session(), the_member().actor_id)}
    return render_template(
        "web/spaces.html",
        spaces=query.every(db.session()),
        mine=mine,
        may_make=the_member().role != "member",
        form=form,
        errors=errors,
    )


def _space_or_404(name: str) -> Space:
    found = query.by_name(db.session(), name)
    if found is None:
        abort(404)
    return found

"""Would it leave, would it enter, and why: the gate's own function, asked with what somebody picks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from node.admin.hosts import read_host
from node.admin.rooms import asked
from node.database import db
from node.policy import Audience, Direction, Facts, decide
from node.queries import actors, audience
from node.runtime import current_node

KINDS = ("Create", "Update", "Delete", "Follow", "Accept", "Announce", "Like", "Undo", "Flag", "Move", "Read")
CARRY_POSTS = frozenset({"Create", "Update", "Announce", "Read"})
"""Types for which the audience of the post counts."""


def show() -> Any:
    """Show the form and, when a server is named, the decision with every reason."""
    form = SimpleNamespace(
        direction=_one_of(request.args.get("direction"), ("out", "in")),
        kind=_one_of(request.args.get("type"), KINDS),
        audience=_one_of(request.args.get("audience"), tuple(reversed(Audience))),
        host=asked("peer"),
        actor=asked("actor"),
        is_addressed_here="addressed" in request.args or "peer" not in request.args,
    )
    if "peer" not in request.args:
        return _page(form, {})
    host, problem = read_host(form.host)
    if problem:
        return _page(form, {"peer": problem}), 422
    session, node = db.session(), current_node()
    facts = Facts(
        direction=Direction(form.direction),
        host=host,
        kind=form.kind,
        now=node.now(),
        audience=Audience(form.audience) if form.direction == "out" and form.kind in CARRY_POSTS else None,
        actor=form.actor,
        is_addressed_here=form.is_addressed_here,
    )
    rules = node.rules(session)
    followers, errors = None, {}
    if form.actor and form.direction == "out":
        ours = actors.by_name(session, form.actor.removeprefix("@").partition("@")[0])
        if ours is None:
            errors = {"actor": _("There is nobody of this name here.")}
        else:
            followers = sum(1 for one in audience.followers_of(session, ours.id) if one.host == host)
    return _page(
        form, errors, decision=decide(facts, rules), facts=facts, rule=rules.peer_for(host), followers=followers, mode=rules.mode
    )


def _one_of(wish: str | None, allowed: tuple[str, ...]) -> str:
    return wish if wish in allowed else allowed[0]


def _page(form: SimpleNamespace, errors: dict[str, str], **found: Any) -> str:
    values = {"decision": None, "facts": None, "rule": None, "followers": None, "mode": None} | found
    return render_template("admin/explain.html", form=form, errors=errors, kinds=KINDS, audiences=[*reversed(Audience)], **values)

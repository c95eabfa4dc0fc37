"""Finding people and posts: among those known here at once, elsewhere only when the member says so."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _

from node import lookups
from node.database import db
from node.errors import ActionError, GateRefused
from node.models import Actor
from node.queries import actors, posts
from node.runtime import current_node
from node.visitors import the_member
from node.web.errors import explain
from node.web.limits import count_attempt
from node.web.looking_up import look_up_and_keep, why_not
from node.web.presenting import actor_url, post_url
from node.web.reading import marks_of, viewer

MOST = 40
HANDLE = re.compile(r"@?[\w.-]+@[\w.-]+(:\d+)?")


def search() -> Any:
    """Show the people and the post that fit what was typed; without a text, the people inside."""
    text = request.args.get("q", "").strip()[:500]
    return _show(text)


def look_up() -> Any:
    """Ask another server for an address or a link, keep what it answers, and show it."""
    text = request.form.get("q", "").strip()[:500]
    count_attempt("look-up", str(the_member().id))
    try:
        found = look_up_and_keep(text)
    except ActionError as error:
        return _show(text, problem=explain(error)), error.status
    if found is None:
        return _show(text, problem=_("There is nobody at %(text)s, or the server does not answer.", text=text)), 404
    return redirect(found, 303)


def follow_from_here() -> Any:
    """Lead to whom another server's page asked to follow from here (our WebFinger's subscribe template): to their profile,
    or to the search, where a button asks their server."""
    text = request.args.get("uri", "").strip().removeprefix("acct:")[:500]
    node = current_node()
    found = lookups.find_known(db.session(), text, node.settings)
    if isinstance(found, Actor) and found.suspended_at is None and found.deleted_at is None:
        return redirect(actor_url(found), 303)
    return redirect(url_for("web.search", q=text or None), 303)


def _show(text: str, problem: str = "") -> Any:
    session = db.session()
    member = the_member()
    is_link = text.startswith(("http://", "https://"))
    post = posts.by_uri(session, text, viewer()) if is_link else None
    actor = actors.by_uri(session, text) if is_link and post is None else None
    if post is not None and not problem:
        return redirect(post_url(post), 303)
    if actor is not None and actor.suspended_at is None and actor.deleted_at is None and not problem:
        return redirect(actor_url(actor), 303)
    after = request.args.get("after", "")[:64]
    people = [] if is_link else actors.search(session, text, MOST) if text else actors.directory(session, after, MOST)
    may_ask = not problem and (is_link or (bool(HANDLE.fullmatch(text)) and not people))
    relations = actors.relations(session, member.actor_id, [person.id for person in people])
    barred = why_not(text) if may_ask or problem else None
    return render_template(
        "web/search.html", text=text, people=people, relations=relations, post=None, marks=marks_of([]),
        may_ask=may_ask and barred is None, barred=_barred(barred) if barred else None, problem=problem, problem_kind="bad",
        older=url_for("web.search", after=people[-1].username) if not text and len(people) >= MOST else "",
    )  # fmt: skip


def _barred(refused: GateRefused) -> SimpleNamespace:
    """Return why the other server is not asked, and for an admin the address where that can be changed."""
    codes = {reason.code for reason in refused.reasons}
    if "node_closed" in codes:
        path = "/admin/mode"
    else:
        path = f"/admin/peers/at/{refused.values['host']}" + ("/allowed" if "peer_not_let_in" in codes else "")
    is_admin = the_member().role == "admin"
    return SimpleNamespace(words=explain(refused), is_closed="node_closed" in codes, decide_url=path if is_admin else "")

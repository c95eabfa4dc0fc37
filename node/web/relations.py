"""How the member stands to others: follow, block, mute, and answering who asks to follow."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from node.actions import relations
from node.database import db, row_id, transaction
from node.errors import GateRefused
from node.models import Actor
from node.queries import actors
from node.runtime import current_node
from node.visitors import the_member
from node.web.errors import explain
from node.web.presenting import actor_url, display_name
from node.web.surroundings import rules

VERBS = {
    "follow": relations.follow, "unfollow": relations.unfollow, "remove": relations.remove_follower, "block": relations.block,
    "unblock": relations.unblock, "mute": relations.mute, "unmute": relations.unmute,
}  # fmt: skip
PAGE = 40


def relate(actor_id: int, verb: str) -> BaseResponse:
    """Do `verb` towards somebody and go to their profile."""
    node = current_node()
    gate = rules()
    target = _living(actors.get(db.session(), actor_id))
    try:
        with transaction() as session:
            outcome = VERBS[verb](session, the_member().actor, target, settings=node.settings, rules=gate, now=node.now())
    except GateRefused as refusal:
        flash(explain(refusal), "outside")
        return redirect(actor_url(target), 303)
    _say(verb, target, getattr(outcome, "state", ""))
    return redirect(actor_url(target), 303)


def block_form(actor_id: int) -> str:
    """Ask before blocking, and say what it does."""
    return render_template("web/block.html", actor=_living(actors.get(db.session(), actor_id)))


def requests() -> str:
    """Show who asks to follow the member."""
    waiting = actors.follow_requests(db.session(), the_member().actor_id, request.args.get("older", type=row_id), PAGE)
    return render_template(
        "web/people.html", people=[follow.follower for follow in waiting], is_requests=True, heading=_("Who asks to follow you"),
        back=url_for("web.notifications"), back_words=_("Back to the notifications"),
        older=url_for("web.requests", older=waiting[-1].id) if len(waiting) >= PAGE else "",
        empty_title=_("Nobody is waiting"), empty_words=_("When you approve your followers, those who ask appear here."),
    )  # fmt: skip


def answer(actor_id: int, verb: str) -> Any:
    """Accept or decline a follow request."""
    node = current_node()
    gate = rules()
    act = relations.accept_follow if verb == "accept" else relations.reject_follow
    with transaction() as session:
        follow = actors.follow_between(session, actor_id, the_member().actor_id)
        if follow is None:
            abort(404)
        who = follow.follower
        act(session, follow, settings=node.settings, rules=gate, now=node.now())
    words = _("%(name)s follows you now.", name=display_name(who)) if verb == "accept" else _("Declined.")
    flash(words, "good")
    return redirect(url_for("web.requests"), 303)


def _say(verb: str, target: Actor, state: str) -> None:
    name = display_name(target)
    if verb == "follow" and state == "accepted":
        flash(_("You follow %(name)s now.", name=name), "good")
    elif verb == "follow":
        flash(_("You asked to follow %(name)s. They, or their server, answer.", name=name), "outside" if target.host else "info")
    elif verb == "block":
        flash(_("%(name)s is blocked.", name=name), "good")
    elif verb == "mute":
        flash(_("You will not be shown %(name)s any more. They are not told.", name=name), "good")


def _living(actor: Actor | None) -> Actor:
    if actor is None or actor.suspended_at is not None or actor.deleted_at is not None:
        abort(404)
    return actor

"""Deciding about one server: first what would change, then one button."""

from __future__ import annotations

from datetime import UTC, datetime, time
from types import SimpleNamespace
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from node.actions import peers
from node.admin.hosts import host_or_404, is_own
from node.admin.words import explain, peer_state
from node.database import db, transaction
from node.errors import ActionError
from node.models import Peer
from node.policy import Audience, PeerState
from node.queries import peers as query
from node.runtime import current_node
from node.visitors import the_member

OFFERED = (PeerState.ALLOWED, PeerState.PARTNER, PeerState.LIMITED, PeerState.BLOCKED)
WIDEST = (Audience.FOLLOWERS, Audience.PARTNERS, Audience.DIRECT)
"""Audiences one can stop at; without a limit public posts go too."""
TYPED = ("note", "public_reason", "expires", "widest")
STATES = tuple(state.value for state in PeerState)


def ask(host: str, state: str) -> str:
    """Say what putting a server into a state would change."""
    host = _host(host)
    peer = db.session.get(Peer, host)
    if peer is None:
        return _page(host, state, SimpleNamespace(**dict.fromkeys(TYPED, ""), no_media=False, no_reports=False), {})
    expires = peer.expires_at.date().isoformat() if peer.expires_at is not None else ""
    form = SimpleNamespace(
        note=peer.note, public_reason=peer.public_reason, expires=expires, widest=peer.widest_audience or "",
        no_media=not peer.allows_media, no_reports=not peer.allows_reports,
    )  # fmt: skip
    return _page(host, state, form, {})


def decide(host: str, state: str) -> Any:
    """Decide."""
    host = _host(host)
    typed = {name: request.form.get(name, "").strip() for name in TYPED}
    form = SimpleNamespace(**typed, no_media="no_media" in request.form, no_reports="no_reports" in request.form)
    now = current_node().now()
    expires_at, problem = _read_day(form.expires, now)
    if problem:
        return _page(host, state, form, {"expires": problem}), 422
    terms: dict[str, Any] = {"note": form.note, "public_reason": form.public_reason}
    if state in OFFERED and state != PeerState.BLOCKED:  # a block keeps the terms for the day it is lifted
        terms |= {"expires_at": expires_at, "widest_audience": form.widest or None}
        terms |= {"allows_media": not form.no_media, "allows_reports": not form.no_reports}
    own_host = current_node().settings.host
    try:
        with transaction() as session:
            peers.set_state(session, host, state, by=the_member(), now=now, own_host=own_host, **terms)
    except ActionError as error:
        return _page(host, state, form, {error.field: explain(error)}), error.status
    flash(_("%(host)s: %(state)s. It holds from this moment on.", host=host, state=peer_state(state)[0]), "good")
    return redirect(url_for("admin.peer", host=host), 303)


def ask_forget(host: str) -> str:
    """Say what it means to forget a decision."""
    host = _host(host)
    peer = db.session.get(Peer, host) or abort(404)
    return render_template("admin/peer_forget.html", host=host, peer=peer, mode=current_node().rules(db.session()).mode)


def forget(host: str) -> Any:
    """Forget what was decided about a server."""
    host = _host(host)
    with transaction() as session:
        peers.forget(session, host, by=the_member(), now=current_node().now())
    flash(_("The decision about %(host)s is forgotten.", host=host), "good")
    return redirect(url_for("admin.peers"), 303)


def _host(text: str) -> str:
    host = host_or_404(text)
    return abort(404) if is_own(host) else host


def _page(host: str, state: str, form: SimpleNamespace, errors: dict[str, str]) -> str:
    session = db.session()
    return render_template(
        "admin/peer_decide.html", host=host, state=state, before=db.session.get(Peer, host),
        impact=query.impact(session, host, state), form=form, errors=errors, mode=current_node().rules(session).mode,
        widest=WIDEST,
    )  # fmt: skip


def _read_day(text: str, now: datetime) -> tuple[datetime | None, str]:
    """Return the end (UTC) of the day somebody typed, None for none, or what is wrong with it."""
    if not text:
        return None, ""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None, _("Please write the day like 2027-12-31.")
    end = datetime.combine(day.date(), time(23, 59, 59), UTC)
    if end <= now:
        return None, _("This day is over. An agreement ends in the future.")
    return end, ""

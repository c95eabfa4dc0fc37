"""Deciding about one server: first what would change, then one button."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time
from types import SimpleNamespace
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from node.actions import peers
from node.actions.terms import TermsImpact, impact
from node.admin.hosts import host_or_404, is_own
from node.admin.words import explain, peer_state
from node.database import db, transaction
from node.errors import ActionError
from node.models import Peer
from node.policy import Audience, PeerRule, PeerState
from node.queries import peers as query
from node.runtime import current_node
from node.visitors import the_member

OFFERED = (PeerState.ALLOWED, PeerState.PARTNER, PeerState.LIMITED, PeerState.BLOCKED)
WIDEST = (Audience.FOLLOWERS, Audience.PARTNERS, Audience.DIRECT)
"""Audiences one can stop at; without a limit public posts go too."""
TYPED = ("note", "public_reason", "owner", "purpose", "expires", "review", "widest")
KINDS = (
    "Create", "Update", "Delete", "Announce", "Like", "Undo", "Follow", "Accept", "Reject", "Move", "Flag", "Block", "Add",
    "Remove",
)  # fmt: skip
"""Types of activity one can tick off; as long as all of them are ticked, others pass, too."""
STATES = tuple(state.value for state in PeerState)


def ask(host: str, state: str) -> str:
    """Say what putting a server into a state would change."""
    host = _host(host)
    peer = db.session.get(Peer, host)
    if peer is None:
        kinds = {"types_in": KINDS, "types_out": KINDS}
        return _page(host, state, SimpleNamespace(**dict.fromkeys(TYPED, ""), **kinds, no_media=False, no_reports=False), {})
    expires, review = (moment.date().isoformat() if moment is not None else "" for moment in (peer.expires_at, peer.review_at))
    form = SimpleNamespace(
        note=peer.note, public_reason=peer.public_reason, expires=expires, review=review, widest=peer.widest_audience or "",
        no_media=not peer.allows_media, no_reports=not peer.allows_reports, owner=peer.owner, purpose=peer.purpose,
        types_in=_ticked(peer.types_in), types_out=_ticked(peer.types_out),
    )  # fmt: skip
    return _page(host, state, form, {})


def decide(host: str, state: str) -> Any:
    """Decide."""
    host = _host(host)
    typed = {name: request.form.get(name, "").strip() for name in TYPED}
    kinds = {name: tuple(kind for kind in KINDS if kind in request.form.getlist(name)) for name in ("types_in", "types_out")}
    if "types_shown" not in request.form:
        kinds = dict.fromkeys(kinds, KINDS)
    form = SimpleNamespace(**typed, **kinds, no_media="no_media" in request.form, no_reports="no_reports" in request.form)
    now = current_node().now()
    expires_at, problem = _read_end(form.expires, now)
    if problem:
        return _page(host, state, form, {"expires": problem}), 422
    review_at, problem = _read_day(form.review)
    if problem:
        return _page(host, state, form, {"review": problem}), 422
    terms: dict[str, Any] = {name: typed[name] for name in ("note", "public_reason", "owner", "purpose") if name in request.form}
    if state in OFFERED and state != PeerState.BLOCKED:  # a block keeps the terms for the day it is lifted
        terms |= {"expires_at": expires_at, "widest_audience": form.widest or None}
        if "review" in request.form:
            terms["review_at"] = review_at
        terms |= {"allows_media": not form.no_media, "allows_reports": not form.no_reports}
        if "types_shown" in request.form:
            terms |= {name: _kept(name, ticked, db.session.get(Peer, host)) for name, ticked in kinds.items()}
        stops, seen = _stops(host, state, terms, now), _mark(state, terms)
        if request.form.get("do") == "look" or (stops and request.form.get("seen") != seen):
            return _page(host, state, form, {}, stops=stops, seen=seen, is_looked_at=True)
    settings = current_node().settings
    try:
        with transaction() as session:
            peers.set_state(
                session, host, state, by=the_member(), now=now, own_host=settings.host,
                allows_bare=settings.allow_private_addresses, **terms,
            )  # fmt: skip
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


def _ticked(types: list[str] | None) -> tuple[str, ...]:
    return KINDS if types is None else tuple(kind for kind in KINDS if kind in types)


def _kept(name: str, ticked: tuple[str, ...], peer: Peer | None) -> list[str] | None:
    """Return the list to keep: None (no limit) when everything is ticked; types that are not shown stay as they were."""
    if ticked == KINDS:
        return None
    before: list[str] = (getattr(peer, name) if peer is not None else None) or []
    return [*ticked, *(kind for kind in before if kind not in KINDS)]


def _stops(host: str, state: str, terms: dict[str, Any], now: datetime) -> TermsImpact:
    """Return what would no longer pass under these terms; what is wrong with them is said when they are saved."""
    widest = terms["widest_audience"]
    if widest not in (None, *Audience):
        return TermsImpact()
    peer = db.session.get(Peer, host)
    types = {
        name: None if (chosen := terms[name] if name in terms else getattr(peer, name, None)) is None else frozenset(chosen)
        for name in ("types_in", "types_out")
    }
    rule = PeerRule(
        host, PeerState(state), widest_audience=Audience(widest) if widest else None, allows_media=terms["allows_media"],
        allows_reports=terms["allows_reports"], expires_at=terms["expires_at"], **types,
    )  # fmt: skip
    return impact(db.session(), rule, current_node().rules(db.session()), now)


def _mark(state: str, terms: dict[str, Any]) -> str:
    """Return what stands for these terms in the form: it says for which ones the consequences were shown."""
    return hashlib.sha256(repr((state, sorted(terms.items()))).encode()).hexdigest()[:16]


def _page(
    host: str, state: str, form: SimpleNamespace, errors: dict[str, str], *, stops: TermsImpact | None = None, seen: str = "",
    is_looked_at: bool = False,
) -> str:  # fmt: skip
    session = db.session()
    return render_template(
        "admin/peer_decide.html", host=host, state=state, before=db.session.get(Peer, host),
        impact=query.impact(session, host, state), form=form, errors=errors, mode=current_node().rules(session).mode,
        widest=WIDEST, kinds=KINDS, stops=stops, seen=seen, is_looked_at=is_looked_at,
    )  # fmt: skip


def _read_end(text: str, now: datetime) -> tuple[datetime | None, str]:
    """Return the end (UTC) of the day somebody typed, None for none, or what is wrong with it."""
    day, problem = _read_day(text)
    if day is None:
        return None, problem
    end = datetime.combine(day.date(), time(23, 59, 59), UTC)
    if end <= now:
        return None, _("This day is over. An agreement ends in the future.")
    return end, ""


def _read_day(text: str) -> tuple[datetime | None, str]:
    """Return the beginning (UTC) of the day somebody typed, None for none, or what is wrong with it."""
    if not text:
        return None, ""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC), ""
    except ValueError:
        return None, _("Please write the day like 2027-12-31.")

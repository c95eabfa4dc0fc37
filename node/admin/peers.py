"""Servers: the list, one server's page, and the way to decide about one that is not known yet."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _

from node.admin.deciding import OFFERED
from node.admin.hosts import host_or_404, is_own, read_host
from node.admin.rooms import PAGE_SIZE, asked, cut
from node.database import db
from node.policy import PeerState
from node.queries import ledger, oversight, peers
from node.queries.peers import PeerLine
from node.runtime import current_node

UNDECIDED = "undecided"


def index() -> str:
    """List servers by name: those of one state, or those nobody decided about, found by a part of the name."""
    session = db.session()
    state, text, after = map(asked, ("state", "q", "after"))
    state = state if state in (*PeerState, UNDECIDED) else ""
    if state == UNDECIDED:
        rows = peers.strangers(session, after or None, limit=PAGE_SIZE + 1)
    else:
        rows = list(peers.list(session, state or None, text or None, after or None, limit=PAGE_SIZE + 1))
    lines, has_more = cut(rows)
    more = url_for("admin.peers", state=state or None, q=text or None, after=lines[-1].host) if has_more else ""
    states = oversight.peer_states(session)
    return render_template(
        "admin/peers.html",
        lines=lines,
        state=state,
        text=text,
        more=more,
        states=states,
        order=[*PeerState],
        undecided=UNDECIDED,
        is_filtered=bool(state or text),
    )


def add() -> Any:
    """Take a host and a wish, and lead to the page that says what the decision would do."""
    typed, state = request.args.get("host", ""), request.args.get("state", "")
    if "host" not in request.args:
        return render_template("admin/peer_add.html", host="", state=PeerState.ALLOWED, offered=OFFERED, problem="")
    host, problem = read_host(typed)
    if host and is_own(host):
        problem = _("This is our own name.")
    if problem:
        return render_template("admin/peer_add.html", host=typed, state=state, offered=OFFERED, problem=problem), 422
    return redirect(url_for("admin.decide", host=host, state=state if state in OFFERED else PeerState.ALLOWED), 303)


def show(host: str) -> Any:
    """Show what is known of a server, how the exchange goes, and what can be decided."""
    host = host_or_404(host)
    session = db.session()
    known = peers.get(session, host)
    line = known or PeerLine(host, None, None)
    rule = current_node().rules(session).peer_for(host)
    page = render_template(
        "admin/peer.html",
        line=line,
        is_known=known is not None,
        rule=rule,
        by_parent=rule is not None and rule.host != host,
        now=current_node().now(),
        state=line.peer.state if line.peer else "",
        offered=OFFERED,
        refusals=peers.refusals(session, host, limit=5),
        received=ledger.received_by(session, host),
    )
    return page if known else (page, 404)

"""The lobby: servers that asked for something and wait, and deciding about several at once."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from node.actions import peers
from node.admin.hosts import is_own, read_host
from node.database import db, transaction
from node.policy import PeerState
from node.queries import peers as query
from node.runtime import current_node
from node.visitors import the_member

STATES = (PeerState.ALLOWED, PeerState.PARTNER, PeerState.LIMITED, PeerState.BLOCKED)
TURN_AWAY = "turn_away"
"""Not a decision about the server: what it left is turned away, and it may ask again."""
SHOWN = 100
MOST = 100


def index() -> str:
    """List the servers that wait, the longest waiting first."""
    mode = current_node().rules(db.session()).mode
    return render_template("admin/lobby.html", lines=query.lobby(db.session(), SHOWN), shown=SHOWN, states=STATES, mode=mode)


def ask() -> Any:
    """Say what deciding about the chosen servers would change."""
    hosts, state = _wish(request.args)
    if not hosts:
        flash(_("Choose at least one server first."), "bad")
        return redirect(url_for("admin.lobby"), 303)
    # What a block would turn away is what waits: the same count answers both.
    impacts = [query.impact(db.session(), host, PeerState.BLOCKED if state == TURN_AWAY else state) for host in hosts]
    return render_template("admin/lobby_decide.html", impacts=impacts, state=state)


def decide() -> Any:
    """Decide about all of them, in one transaction."""
    hosts, state = _wish(request.form)
    if not hosts:
        abort(400)
    now = current_node().now()
    with transaction() as session:
        for host in hosts:
            if state == TURN_AWAY:
                peers.refuse_lobby(session, host, by=the_member(), now=now)
            else:
                peers.set_state(session, host, state, by=the_member(), now=now)
    said = {
        TURN_AWAY: ngettext(
            "What %(num)s server asked for is turned away.", "What %(num)s servers asked for is turned away.", len(hosts)
        ),
        PeerState.BLOCKED: ngettext("%(num)s server is blocked.", "%(num)s servers are blocked.", len(hosts)),
        PeerState.LIMITED: ngettext(
            "%(num)s server is let in, but limited.", "%(num)s servers are let in, but limited.", len(hosts)
        ),
    }
    usual = ngettext(
        "%(num)s server is let in. What it asked for takes effect now.",
        "%(num)s servers are let in. What they asked for takes effect now.",
        len(hosts),
    )
    flash(said.get(state, usual), "good")
    return redirect(url_for("admin.lobby"), 303)


def _wish(values: Any) -> tuple[list[str], str]:
    """Return the chosen hosts, each once, and what to do with them: a state, or TURN_AWAY."""
    state = values.get("state", "")
    if state not in (*STATES, TURN_AWAY):
        abort(400)
    found = (read_host(text)[0] for text in values.getlist("host")[:MOST])
    return [host for host in dict.fromkeys(found) if host and not is_own(host)], state

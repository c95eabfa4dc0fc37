"""Decisions about other servers. Each raises the rule set's version, so that every process obeys it at once, and leaves
an audit row. What a decision would change is counted by `node.queries.peers.impact`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.actions import audit, node_settings
from node.actions.decisions import check_host, check_state, check_terms, decide, enforce, settle_held, shut_out
from node.actions.peer_lists import Report, export_json, import_csv, import_json
from node.actions.roles import check_admin
from node.errors import N_, NotThere
from node.models import Member, Peer, Receipt
from node.policy import PeerState
from node.queries.peers import hosts_in, under

__all__ = [
    "Report", "check_host", "export_json", "forget", "import_csv", "import_json", "refuse_lobby", "release_lobby",
    "set_state",
]  # fmt: skip


def set_state(
    session: Session,
    host: str,
    state: str | PeerState,
    *,
    by: Member | None,
    now: datetime,
    own_host: str = "",
    allows_bare: bool = True,
    **terms: Any,
) -> Peer:
    """Decide about a host (any spelling) and its subdomains, and return the row.

    `terms`, those not given stay as they are: note, public_reason, owner, purpose (text), types_in, types_out (activity
    types or None), widest_audience, allows_media, allows_reports, expires_at, review_at (aware or None). `own_host` is
    this node's, about which nobody decides; without `allows_bare` a name without a dot is
    refused. Letting a host in releases what it left in the lobby; a block turns that
    away and withholds what waits to be sent. Raises Invalid beside its field, NotAllowed.
    """
    check_admin(by)
    host, state = check_host(host, own_host, allows_bare=allows_bare), check_state(state)
    checked = check_terms(terms, now)
    known = session.get(Peer, host)
    before = known.state if known is not None else None
    peer = decide(session, host, state, checked, now)
    node_settings.raise_version(session, now, by, f"peer.{state.value} {host}")
    effects = enforce(session, now, host)
    audit.record(session, by, f"peer.{state.value}", host, now=now, before=before, terms=sorted(checked), **effects)
    session.flush()
    return peer


def forget(session: Session, host: str, *, by: Member | None, now: datetime) -> None:
    """Take a decision back: the host is a stranger again. Raises NotThere, NotAllowed."""
    check_admin(by)
    peer = session.get(Peer, check_host(host))
    if peer is None:
        raise NotThere("peer_not_there", N_("Nothing was decided about this server."))
    session.delete(peer)
    session.flush()
    shut_out(session, peer.host)
    node_settings.raise_version(session, now, by, f"peer.forget {peer.host}")
    audit.record(session, by, "peer.forget", peer.host, now=now, before=peer.state)
    session.flush()


def release_lobby(session: Session, host: str) -> int:
    """Let in what a host and its subdomains left in the lobby, blocked subdomains left out; return how much."""
    held = _held_under(session, host)
    return settle_held(session, frozenset(held) - hosts_in(session, held, frozenset({PeerState.BLOCKED})), "new", "")


def refuse_lobby(session: Session, host: str, *, by: Member | None, now: datetime) -> int:
    """Turn away what a host and its subdomains left in the lobby, without deciding about them; return how much."""
    check_admin(by)
    number = settle_held(session, frozenset(_held_under(session, host)), "refused", "refused_by_admin")
    audit.record(session, by, "peer.refuse_lobby", host, now=now, refused=number)
    session.flush()
    return number


def _held_under(session: Session, host: str) -> list[str]:
    held = select(Receipt.host).where(Receipt.state == "held", under(Receipt.host, check_host(host)))
    return list(session.scalars(held.distinct()))

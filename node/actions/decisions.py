"""One decision about one host, checked and written; and what it means at once for whatever waits.

The verbs admins use are in `peers`, files of many decisions in `peer_lists`: both come through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from federation.errors import Malformed
from federation.origins import is_address, normalise_host
from federation.vocabulary import ACTIVITY_TYPES
from node.actions import deliveries
from node.database import ring, rows_of
from node.errors import N_, Invalid
from node.models import Actor, Lane, Peer, Receipt
from node.policy import Audience, PeerState
from node.queries.peers import hosts_in, under

LETS_IN = frozenset({PeerState.PARTNER, PeerState.ALLOWED, PeerState.LIMITED})
LONGEST_NOTE = 5_000
TEXTS = ("note", "public_reason", "owner", "purpose")
LISTS = ("types_in", "types_out")
SWITCHES = ("allows_media", "allows_reports")
TIMES = ("expires_at", "review_at")
TERMS = (*TEXTS, *LISTS, "widest_audience", *SWITCHES, *TIMES)
CHUNK = 500


def decide(session: Session, host: str, state: PeerState, terms: Mapping[str, Any], now: datetime) -> Peer:
    """Write a decision about a normalised host; `terms` as `check_terms` returned them. Terms not given stay."""
    peer = session.get(Peer, host)
    if peer is None:
        empty = dict.fromkeys(TEXTS, "")
        peer = Peer(host=host, created_at=now, allows_media=True, allows_reports=True, **empty)
        session.add(peer)
    peer.state, peer.updated_at = state.value, now
    for name, value in terms.items():
        setattr(peer, name, value)
    session.flush()
    return peer


def enforce(session: Session, now: datetime, host: str | None = None) -> dict[str, int]:
    """Do at once what the decisions mean for what waits: under `host`, or everywhere. Return the counts that are not 0.

    What servers that are let in left in the lobby is released, what blocked ones left there is turned away, and what
    waits to be sent to blocked ones is withheld. The gate asks again before anything is applied or sent.
    """
    held = select(Receipt.host).where(Receipt.state == "held")
    unsent = select(Lane.host).where(Lane.next_at.is_not(None))
    if host is not None:
        held, unsent = held.where(under(Receipt.host, host)), unsent.where(under(Lane.host, host))
    in_lobby = list(session.scalars(held.distinct()))
    blocked = frozenset({PeerState.BLOCKED})
    counts = {
        "released": settle_held(session, hosts_in(session, in_lobby, LETS_IN), "new", ""),
        "refused": settle_held(session, hosts_in(session, in_lobby, blocked), "refused", "peer_blocked"),
        "withheld": deliveries.withhold_waiting(
            session, hosts_in(session, list(session.scalars(unsent.distinct())), blocked), "peer_blocked", now
        ),
    }
    counts["hidden"] = shut_out(session, host)
    return {name: number for name, number in counts.items() if number}


def shut_out(session: Session, host: str | None) -> int:
    """Hide the actors of blocked servers under `host` (None: everywhere) and show those of others again (case L12).

    Return how many are newly hidden. Their rows stay, so that a block can be undone.
    """
    known = select(Actor.host).where(Actor.host != "")
    if host is not None:
        known = known.where(under(Actor.host, host))
    hosts = set(session.scalars(known.distinct()))
    blocked = hosts_in(session, list(hosts), frozenset({PeerState.BLOCKED}))
    _mark(session, sorted(hosts - blocked), is_out=False)
    return _mark(session, sorted(blocked), is_out=True)


def _mark(session: Session, hosts: list[str], *, is_out: bool) -> int:
    number = 0
    for start in range(0, len(hosts), CHUNK):
        others = update(Actor).where(Actor.host.in_(hosts[start : start + CHUNK]), Actor.is_shut_out.is_not(is_out))
        number += rows_of(session.execute(others.values(is_shut_out=is_out), execution_options={"synchronize_session": False}))
    return number


def settle_held(session: Session, hosts: frozenset[str], state: str, reason: str) -> int:
    """Take these hosts' activities out of the lobby: 'new' lets them in (workers are rung), 'refused' does not."""
    names, number = sorted(hosts), 0
    for start in range(0, len(names), CHUNK):
        waiting = update(Receipt).where(Receipt.state == "held", Receipt.host.in_(names[start : start + CHUNK]))
        settled = waiting.values(state=state, reason=reason, next_at=None, attempts=0)
        number += session.execute(settled, execution_options={"synchronize_session": False}).rowcount
    if state == "new" and number:
        ring(session, "inbound")
    return number


def is_bare(host: str) -> bool:
    """Say whether a normalised host is one word, as no server on the internet is called (loopback and addresses are not)."""
    name = host.partition(":")[0]
    return not is_address(host) and "." not in name and name != "localhost"


def check_host(host: str, own_host: str = "", *, allows_bare: bool = True) -> str:
    """Return the host in its one spelling; a URL or a handle is taken for its host. Raises Invalid.

    `allows_bare`: a name without a dot is taken, as one that is asked about, or of a node in an intranet.
    """
    text = host.strip()
    text = text.removeprefix("https://").removeprefix("http://").partition("/")[0]
    text = text.rpartition("@")[2].removeprefix("*.")
    try:
        name = normalise_host(text)
    except Malformed as error:
        raise Invalid("host_bad", N_("This is not the name of a server."), "host") from error
    if not allows_bare and is_bare(name):
        raise Invalid("host_bad", N_("This is not the name of a server."), "host")
    if own_host and name == own_host:
        raise Invalid("host_own", N_("This is our own server."), "host")
    return name


def check_state(state: str | PeerState) -> PeerState:
    """Return the state. Raises Invalid."""
    if state not in list(PeerState):
        raise Invalid("state_unknown", N_("A server is partner, allowed, limited, blocked or waiting."), "state")
    return PeerState(state)


def check_terms(terms: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the terms as they are kept. Raises Invalid beside the term's field."""
    return {name: _check_term(name, value, now) for name, value in terms.items()}


def _check_term(name: str, value: Any, now: datetime) -> Any:
    if name in TEXTS:
        text = str(value or "").replace("\0", "").strip()
        if len(text) > LONGEST_NOTE:
            raise Invalid("text_long", N_("That is too long: the limit is %(most)s characters."), name, most=LONGEST_NOTE)
        return text
    if name in LISTS:
        return _check_types(name, value)
    if name == "widest_audience":
        if value not in (None, "", *Audience):
            raise Invalid("audience_unknown", N_("There is no such audience."), name)
        return Audience(value).value if value else None
    if name in SWITCHES:
        return bool(value)
    if name in TIMES:
        if value is not None and name == "expires_at" and value <= now:
            raise Invalid("expires_past", N_("The end must lie in the future."), name)
        return value
    raise TypeError(f"a peer has no {name!r}")


def _check_types(name: str, value: Any) -> list[str] | None:
    if value is None:
        return None
    types = sorted(set(value))
    if not set(types) <= ACTIVITY_TYPES:
        raise Invalid("type_unknown", N_("There is no such activity type."), name)
    return types

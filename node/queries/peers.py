"""Other servers as admins see them: what was decided, what is known, what would change. Reads only.

The gate itself works on `node.queries.rules`; here are the lists and counts behind the admin pages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from node.models import Actor, Delivery, Follow, Host, Lane, Peer, Post, Receipt, Refusal
from node.policy import Mode, PeerRule, PeerState, Rules

CUT_OFF = frozenset({PeerState.BLOCKED, PeerState.WAITING})
"""States in which nothing is exchanged."""


@dataclass(frozen=True, slots=True)
class PeerLine:
    """A server with its counts. `peer` is None while nobody decided, `host_row` while nothing was exchanged.

    `followers_here`: its actors that follow somebody here; `following_there`: ours that follow somebody there.
    Counts are those of exactly this host; a decision covers its subdomains too.
    """

    host: str
    peer: Peer | None
    host_row: Host | None
    known_actors: int = 0
    followers_here: int = 0
    following_there: int = 0
    waiting_receipts: int = 0
    deliveries_waiting: int = 0


@dataclass(frozen=True, slots=True)
class Impact:
    """What a new state would change, subdomains included. What does not apply to that state is 0."""

    host: str
    state: str
    known_actors: int
    followers_lost: int
    """Follows of people here that will no longer be served."""
    follows_lost: int
    """Follows by members here that will no longer bring anything."""
    posts_hidden: int
    """Posts that leave the shared timelines; with a block, home timelines too."""
    receipts_released: int
    """Held activities that would be let in."""
    receipts_refused: int
    """Held activities that would be turned away for good."""
    deliveries_withheld: int
    """Waiting deliveries that would not be sent any more."""


@dataclass(frozen=True, slots=True)
class LobbyLine:
    """A server that waits for a decision: what it wants, of whom, since when."""

    host: str
    peer: Peer | None
    host_row: Host | None
    receipts: int
    kinds: Mapping[str, int]
    actors: tuple[str, ...]
    """URIs of those who ask, at most ten."""
    first_at: datetime | None
    last_at: datetime | None


def get(session: Session, host: str) -> PeerLine | None:
    """Return what is known of a host (normalised), or None when there is neither a decision nor a fact."""
    peer, host_row = session.get(Peer, host), session.get(Host, host)
    counts = _counts(session, [host])
    if peer is None and host_row is None and not any(host in column for column in counts.values()):
        return None
    return _line(host, peer, host_row, counts)


def strangers(session: Session, after_host: str | None = None, limit: int = 50) -> list[PeerLine]:
    """Return hosts that something was exchanged with and nobody decided about, by name."""
    found = select(Host).outerjoin(Peer, Peer.host == Host.host).where(Peer.host.is_(None))
    if after_host is not None:
        found = found.where(Host.host > after_host)
    rows = session.scalars(found.order_by(Host.host).limit(limit)).all()
    counts = _counts(session, [row.host for row in rows])
    return [_line(row.host, None, row, counts) for row in rows]


def lobby(session: Session, limit: int = 100) -> list[LobbyLine]:
    """Return the servers with held activities and those set to wait, the longest waiting first."""
    held = (
        select(Receipt.host, func.count(Receipt.id), func.min(Receipt.received_at), func.max(Receipt.received_at))
        .where(Receipt.state == "held")
        .group_by(Receipt.host)
        .order_by(func.min(Receipt.id))
        .limit(limit)
    )
    waiting = {host: (number, first, last) for host, number, first, last in session.execute(held)}
    decided = select(Peer.host).where(Peer.state == PeerState.WAITING, Peer.host.not_in([*waiting]))
    hosts = [*waiting, *session.scalars(decided.order_by(Peer.created_at).limit(max(0, limit - len(waiting))))]
    if not hosts:
        return []
    peers = {peer.host: peer for peer in session.scalars(select(Peer).where(Peer.host.in_(hosts)))}
    rows = {row.host: row for row in session.scalars(select(Host).where(Host.host.in_(hosts)))}
    kinds: dict[str, dict[str, int]] = {}
    grouped = select(Receipt.host, Receipt.kind, func.count(Receipt.id)).where(Receipt.state == "held", Receipt.host.in_(hosts))
    for host, kind, number in session.execute(grouped.group_by(Receipt.host, Receipt.kind)):
        kinds.setdefault(host, {})[kind] = number
    actors: dict[str, list[str]] = {}
    askers = select(Receipt.host, Receipt.actor_uri).where(Receipt.state == "held", Receipt.host.in_(hosts))
    for host, uri in session.execute(askers.distinct().order_by(Receipt.host, Receipt.actor_uri).limit(2000)):
        actors.setdefault(host, []).append(uri)
    return [
        LobbyLine(
            host, peers.get(host), rows.get(host), waiting.get(host, (0,))[0], kinds.get(host, {}),
            tuple(actors.get(host, ())[:10]), *(waiting[host][1:] if host in waiting else (None, None)),
        )
        for host in hosts
    ]  # fmt: skip


def refusals(
    session: Session,
    host: str | None = None,
    *,
    direction: str | None = None,
    post_id: int | None = None,
    older_than: int | None = None,
    limit: int = 50,
) -> Sequence[Refusal]:
    """Return what was turned away, newest first."""
    found = select(Refusal)
    if host is not None:
        found = found.where(Refusal.host == host)
    if direction is not None:
        found = found.where(Refusal.direction == direction)
    if post_id is not None:
        found = found.where(Refusal.post_id == post_id)
    if older_than is not None:
        found = found.where(Refusal.id < older_than)
    return session.scalars(found.order_by(Refusal.id.desc()).limit(limit)).all()


def impact(session: Session, host: str, state: str | PeerState) -> Impact:
    """Return what setting `host` (normalised) to `state` would change. Counted live; nothing is written."""
    state = PeerState(state)
    is_cut, is_quiet = state in CUT_OFF, state in (PeerState.LIMITED, PeerState.BLOCKED)
    here, there = aliased(Actor), aliased(Actor)
    follow = select(func.count(Follow.id)).join(here, here.id == Follow.follower_id).join(there, there.id == Follow.target_id)
    their_posts = select(func.count(Post.id)).join(Actor, Actor.id == Post.author_id).where(Post.deleted_at.is_(None))
    held = select(func.count(Receipt.id)).where(Receipt.state == "held", under(Receipt.host, host))
    unsent = select(func.count(Delivery.id)).join(Lane, Lane.id == Delivery.lane_id)

    def number(statement: Select[Any], applies: bool = True) -> int:
        return (session.scalar(statement) or 0) if applies else 0

    lets_in = state not in CUT_OFF
    return Impact(
        host=host,
        state=state.value,
        known_actors=number(select(func.count(Actor.id)).where(under(Actor.host, host), Actor.deleted_at.is_(None))),
        followers_lost=number(follow.where(under(here.host, host), there.host == "", Follow.state == "accepted"), is_cut),
        follows_lost=number(follow.where(here.host == "", under(there.host, host)), is_cut),
        posts_hidden=number(their_posts.where(under(Actor.host, host)), is_quiet),
        receipts_released=number(held, lets_in),
        receipts_refused=number(held, state is PeerState.BLOCKED),
        deliveries_withheld=number(unsent.where(under(Lane.host, host), Delivery.state == "waiting"), is_cut),
    )


def under(column: Any, host: str) -> ColumnElement[bool]:
    """Return the condition that `column` holds `host` or one of its subdomains, whatever the port of a subdomain."""
    name, _, port = host.partition(":")
    ways = [column == host, column.endswith(f".{host}", autoescape=True)]
    if not port:  # A rule without a port covers every port, as node.policy.Rules.peer_for reads it.
        ways += [column.startswith(f"{name}:", autoescape=True), column.like(f"%.{_literal(name)}:%", escape="/")]
    return or_(*ways)


def hosts_in(session: Session, hosts: Iterable[str], states: Collection[PeerState]) -> frozenset[str]:
    """Return those of these hosts whose nearest rule puts them into one of `states`. One statement."""
    wanted = {host for host in hosts if host}
    names = {name for host in wanted for name in _names(host)}
    if not names:
        return frozenset()
    rows = session.execute(select(Peer.host, Peer.state).where(Peer.host.in_(sorted(names))))
    rules = Rules(Mode.OPEN, {host: PeerRule(host, PeerState(state)) for host, state in rows})
    found = {host: rules.peer_for(host) for host in wanted}
    return frozenset(host for host, rule in found.items() if rule is not None and rule.state in states)


def _names(host: str) -> Iterable[str]:
    """Yield every name a rule for this host could stand under: itself, without port, and its parent domains."""
    yield host
    name = host.partition(":")[0]
    while name:
        yield name
        name = name.partition(".")[2]


def _counts(session: Session, hosts: Sequence[str]) -> dict[str, dict[str, int]]:
    if not hosts:
        return {}
    here, there = aliased(Actor), aliased(Actor)
    follows = select(here.host, func.count(Follow.id)).join(Follow, Follow.follower_id == here.id)
    follows = follows.join(there, there.id == Follow.target_id).where(Follow.state == "accepted")
    led = select(there.host, func.count(Follow.id)).join(Follow, Follow.target_id == there.id)
    led = led.join(here, here.id == Follow.follower_id).where(Follow.state == "accepted")
    unsent = select(Lane.host, func.count(Delivery.id)).join(Delivery, Delivery.lane_id == Lane.id)
    statements = {
        "known_actors": select(Actor.host, func.count(Actor.id)).where(Actor.host.in_(hosts)).group_by(Actor.host),
        "followers_here": follows.where(here.host.in_(hosts), there.host == "").group_by(here.host),
        "following_there": led.where(there.host.in_(hosts), here.host == "").group_by(there.host),
        "waiting_receipts": select(Receipt.host, func.count(Receipt.id))
        .where(Receipt.host.in_(hosts), Receipt.state == "held")
        .group_by(Receipt.host),
        "deliveries_waiting": unsent.where(Lane.host.in_(hosts), Delivery.state == "waiting").group_by(Lane.host),
    }
    return {name: dict(session.execute(statement).all()) for name, statement in statements.items()}


def _line(host: str, peer: Peer | None, host_row: Host | None, counts: Mapping[str, Mapping[str, int]]) -> PeerLine:
    return PeerLine(host, peer, host_row, **{name: column.get(host, 0) for name, column in counts.items()})


def _literal(text: str) -> str:
    """Escape what LIKE would read as a pattern (abuse case P16)."""
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def list(
    session: Session,
    state: str | None = None,
    text: str | None = None,
    after_host: str | None = None,
    limit: int = 50,
) -> Sequence[PeerLine]:
    """Return servers with a decision, by name. `text` is a part of the name, `after_host` the last one shown."""
    found = select(Peer, Host).outerjoin(Host, Host.host == Peer.host)
    if state:
        found = found.where(Peer.state == state)
    if text:
        found = found.where(Peer.host.contains(text.strip().lower(), autoescape=True))
    if after_host is not None:
        found = found.where(Peer.host > after_host)
    rows = session.execute(found.order_by(Peer.host).limit(limit)).all()
    counts = _counts(session, [peer.host for peer, _ in rows])
    return [_line(peer.host, peer, host_row, counts) for peer, host_row in rows]

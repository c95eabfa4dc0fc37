"""The admins' decisions, read into the snapshot that `node.policy.decide` takes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.models import Brake, BrakePass, NodeSetting, Peer
from node.policy import Audience, Brakes, BrakeScope, Mode, PeerRule, PeerState, Rules

VERSION = "policy_version"
MODE = "mode"


_changes = 0


def note_change() -> None:
    """Say that this process changes mode or peers: what it remembers of the rules is asked for anew."""
    global _changes
    _changes += 1


def changes() -> int:
    """Return how often this process changed the rules."""
    return _changes


def version(session: Session) -> int:
    """Return the number of the rule set in force; every change of mode or peers raises it."""
    value = session.scalar(select(NodeSetting.value).where(NodeSetting.name == VERSION))
    return int(value or 0)


def load(session: Session, default_mode: Mode) -> Rules:
    """Return all rules. `default_mode` is the setting for a node whose admins have not chosen a mode yet."""
    both = select(NodeSetting.name, NodeSetting.value).where(NodeSetting.name.in_((MODE, VERSION)))
    values: dict[str, Any] = {row.name: row.value for row in session.execute(both)}
    peers = session.scalars(select(Peer)).all()
    return Rules(
        mode=Mode(values.get(MODE, default_mode)),
        peers={peer.host: _rule(peer) for peer in peers},
        version=int(values.get(VERSION, 0)),
        brakes=_brakes(session),
    )


def _brakes(session: Session) -> Brakes:
    on: dict[str, set[str]] = {scope: set() for scope in BrakeScope}
    for scope, subject in session.execute(select(Brake.scope, Brake.subject)):
        on[scope].add(subject)
    if not any(on.values()):
        return Brakes()
    return Brakes(
        is_on_everywhere=bool(on[BrakeScope.NODE]),
        actors=frozenset(on[BrakeScope.ACTOR]),
        spaces=frozenset(on[BrakeScope.SPACE]),
        peers=frozenset(on[BrakeScope.PEER]),
        passes=frozenset(session.scalars(select(BrakePass.activity_id))),
    )


def _rule(peer: Peer) -> PeerRule:
    return PeerRule(
        host=peer.host,
        state=PeerState(peer.state),
        types_in=None if peer.types_in is None else frozenset(peer.types_in),
        types_out=None if peer.types_out is None else frozenset(peer.types_out),
        widest_audience=Audience(peer.widest_audience) if peer.widest_audience else None,
        allows_media=peer.allows_media,
        allows_reports=peer.allows_reports,
        expires_at=peer.expires_at,
    )

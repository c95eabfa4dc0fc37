"""The admins' decisions, read into the snapshot that `node.policy.decide` takes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from node.models import Actor, Brake, BrakePass, Member, NodeSetting, OutboundRule, Peer, RuleVersion
from node.policy import (
    Audience,
    Brakes,
    ContentRule,
    ContentRules,
    LooksFor,
    Mode,
    PeerRule,
    PeerState,
    Rules,
    Scope,
    Verdict,
)  # fmt: skip

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
        content=ContentRules(tuple(content_rule(row) for row in session.scalars(select(OutboundRule).order_by(OutboundRule.id)))),
    )


def content_rule(row: OutboundRule) -> ContentRule:
    """Return a row as the gate reads it."""
    return ContentRule(row.id, row.name, LooksFor(row.looks_for), row.value, Verdict(row.verdict), Scope(row.scope), row.subject)


def as_json(rules: Rules) -> str:
    """Return the rule set as canonical JSON: the same rules are the same text."""
    peers = [
        {
            "host": peer.host, "state": peer.state, "types_in": _sorted(peer.types_in), "types_out": _sorted(peer.types_out),
            "widest_audience": peer.widest_audience, "allows_media": peer.allows_media, "allows_reports": peer.allows_reports,
            "expires_at": peer.expires_at.isoformat() if peer.expires_at else None,
        }
        for peer in sorted(rules.peers.values(), key=lambda peer: peer.host)
    ]  # fmt: skip
    content = [
        {
            "id": str(rule.id), "name": rule.name, "looks_for": rule.looks_for, "value": rule.value, "verdict": rule.verdict,
            "scope": rule.scope, "subject": rule.subject,
        }
        for rule in sorted(rules.content.rules, key=lambda rule: rule.id)
    ]  # fmt: skip
    on = rules.brakes
    brakes = {
        "everything": on.is_on_everywhere, "actors": _sorted(on.actors), "spaces": _sorted(on.spaces), "peers": _sorted(on.peers),
        "passes": [str(one) for one in sorted(on.passes)],
    }  # fmt: skip
    whole = {"mode": rules.mode, "peers": peers, "content": content, "brakes": brakes}
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def snapshot(session: Session, number: int) -> dict[str, Any] | None:
    """Return the rule set as it stood under this number, None when there was none."""
    kept = session.scalar(select(RuleVersion.snapshot).where(RuleVersion.number == number))
    found: dict[str, Any] | None = None if kept is None else json.loads(zlib.decompress(kept))
    return found


def versions(session: Session, limit: int = 50) -> Sequence[tuple[RuleVersion, Actor | None]]:
    """Return the latest versions with who made them (None: the command line), newest first."""
    found = select(RuleVersion, Actor).outerjoin(Member, Member.id == RuleVersion.member_id)
    found = found.outerjoin(Actor, Actor.id == Member.actor_id).order_by(RuleVersion.number.desc()).limit(limit)
    return [(version, by) for version, by in session.execute(found.options(defer(RuleVersion.snapshot)))]


def names_of(content: ContentRules, stored: dict[str, Any] | None) -> list[str]:
    """Return the reasons of the rules that found something in a post (`Post.findings`), those that are gone left out."""
    if not stored:
        return []
    ids = [*stored["everywhere"], *(one for those in stored["by_peer"].values() for one in those)]
    return list(dict.fromkeys(content.by_id[one].name for one in ids if one in content.by_id))


def _sorted(names: Iterable[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _brakes(session: Session) -> Brakes:
    on: dict[str, set[str]] = {scope: set() for scope in Scope}
    for scope, subject in session.execute(select(Brake.scope, Brake.subject)):
        on[scope].add(subject)
    if not any(on.values()):
        return Brakes()
    return Brakes(
        is_on_everywhere=bool(on[Scope.NODE]),
        actors=frozenset(on[Scope.ACTOR]),
        spaces=frozenset(on[Scope.SPACE]),
        peers=frozenset(on[Scope.PEER]),
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

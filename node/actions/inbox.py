"""Keep what arrived. After the commit of these rows a peer may be told 202; the effects come later, in a job."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from federation.activities import Activity
from federation.signatures import Scheme, Verified
from node.actions import hosts
from node.actions.feeds import insert_ignoring
from node.database import new_id, ring
from node.models import Host, Lane, Receipt, Refusal
from node.policy import Decision, Verdict

SHARDS = 16
MOST_HELD_PER_HOST = 200
MOST_HELD = 20_000
LONGEST_NAME = 500
"""Bytes of an activity's id that are kept as they are: PostgreSQL indexes at most 2,704 bytes."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified activity at an inbox. `decision` is the gate's: accept or hold."""

    verified: Verified
    activity: Activity
    body: bytes
    host: str
    inbox_owner: int
    decision: Decision
    key_algorithm: str


@dataclass(frozen=True, slots=True)
class Turned:
    """An activity the gate refused, for the trace that admins read."""

    host: str
    kind: str
    actor_uri: str
    object_uri: str
    decision: Decision


def accept(session: Session, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Write a receipt for each arrival; one that is already there changes nothing (promise G2)."""
    for arrival in arrivals:
        if not isinstance(arrival.verified, Verified):
            raise TypeError("accept() takes only what signatures.verify has proven")
    insert_ignoring(session, Receipt, [_receipt(arrival, now) for arrival in arrivals])
    ring(session, "inbound")


def refuse(session: Session, turned: Sequence[Turned], now: datetime) -> None:
    """Keep why something was turned away."""
    rows = [
        {
            "id": new_id(now),
            "direction": "in",
            "host": one.host,
            "kind": one.kind,
            "actor_uri": one.actor_uri,
            "object_uri": one.object_uri,
            "verdict": one.decision.verdict.value,
            "reasons": [reason.as_json() for reason in one.decision.reasons if reason.verdict == one.decision.verdict],
            "created_at": now,
        }
        for one in turned
    ]
    insert_ignoring(session, Refusal, rows)


def lobby_has_room(session: Session, host: str) -> bool:
    """Say whether another activity of this unknown host may wait (D07: what strangers fill is capped)."""
    held = select(func.count(Receipt.id)).where(Receipt.state == "held")
    if (session.scalar(held.where(Receipt.host == host)) or 0) >= MOST_HELD_PER_HOST:
        return False
    return (session.scalar(held) or 0) < MOST_HELD


def shard_of(host: str) -> int:
    """Return the shard of a host: everything from one peer is worked on in order."""
    return crc32(host.encode()) % SHARDS


def _name_of(activity_uri: str | None, body: bytes) -> str:
    """Return what tells this activity from others: its id, or a digest where there is none or it is too long to index."""
    if activity_uri is not None and len(activity_uri.encode()) <= LONGEST_NAME:
        return activity_uri
    digest = hashlib.sha256(body if activity_uri is None else activity_uri.encode())
    return f"sha-256:{digest.hexdigest()}"


def learn(session: Session, arrivals: Sequence[Arrival], now: datetime) -> None:
    """A valid activity closes its host's breaker (promise G5); one signed with Ed25519 says what its host understands."""
    names = {arrival.host for arrival in arrivals}
    if not names:
        return
    hosts.heard_from(session, names, now)
    reopened = update(Lane).where(Lane.host.in_(names), Lane.is_closed.is_(True)).values(is_closed=False)
    session.execute(reopened, execution_options={"synchronize_session": False})
    modern = {
        arrival.host for arrival in arrivals
        if arrival.verified.scheme is Scheme.RFC9421 and arrival.key_algorithm == "ed25519"
    }  # fmt: skip
    if modern:
        modern -= set(session.scalars(select(Host.host).where(Host.host.in_(modern), Host.scheme == "ed25519")))
    for host in sorted(modern):
        insert_ignoring(session, Host, [{"host": host, "used_at": now}])
        session.execute(update(Host).where(Host.host == host).values(scheme="ed25519", used_at=now))


def _receipt(arrival: Arrival, now: datetime) -> dict[str, Any]:
    activity = arrival.activity
    return {
        "actor_uri": arrival.verified.owner,
        "activity_uri": _name_of(activity.id, arrival.body),
        "inbox_owner": arrival.inbox_owner,
        "host": arrival.host,
        "shard": shard_of(arrival.host),
        "kind": activity.type[:32],
        "body": arrival.body,
        "received_at": now,
        "state": "held" if arrival.decision.verdict is Verdict.HOLD else "new",
        "attempts": 0,
        "reason": "",
    }

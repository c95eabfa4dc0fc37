"""What deliveries put into the ledger: every try after which the peer has, or may have, what was sent.

A 2xx is `taken`. Any other answer is `refused`: a peer that says no has read the words. No answer after the request was
begun is `unknown`. A try that never reached the peer (no address, no connection, no TLS) disclosed nothing and leaves no row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.actions import ledger
from node.actions.tries import Lease, Result
from node.ledger import Channel, Line, State, version_of
from node.models import Activity, Actor, Delivery, Lane
from node.policy import Audience, Verdict

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A delivery of a worker that is gone: where it went, by which rule, and with which status it was taken (0: unknown)."""

    activity_id: int
    host: str
    inbox: str
    rules_version: int
    reasons: str
    status: int


def keep(session: Session, results: Sequence[Result], now: datetime) -> None:
    """Append what these tries handed over, or may have."""
    handed = [
        Found(
            result.claim.activity_id, result.claim.host.host, result.claim.inbox, result.claim.rules_version,
            result.claim.reasons, result.answer.status if result.answer else 0,
        )
        for result in results
        if result.may_have_arrived
    ]  # fmt: skip
    keep_found(session, handed, now)


def left_behind(session: Session, leases: Mapping[int, Lease], taken: Mapping[int, int], begun: Collection[int]) -> list[Found]:
    """Return what a worker that is gone handed over and did not record. Before its rows are changed."""
    wanted = sorted(set(taken) | (set(begun) & leases.keys()))
    found: list[Found] = []
    for start in range(0, len(wanted), CHUNK):
        rows = session.execute(
            select(Delivery.id, Delivery.activity_id, Delivery.state, Lane.host, Lane.inbox, Lane.lease_no, Lane.lease_until)
            .join(Lane, Lane.id == Delivery.lane_id)
            .where(Delivery.id.in_(wanted[start : start + CHUNK]))
            .order_by(Delivery.id)
            .with_for_update(of=Delivery)
        )
        for row in rows:
            lease, status = leases.get(row.id), taken.get(row.id, 0)
            if row.state == "delivered" or (lease is not None and _is_recorded(row, lease)):
                continue
            rules, reasons = (lease.rules_version, lease.reasons) if lease else (0, "")
            found.append(Found(row.activity_id, row.host, row.inbox, rules, reasons, status))
    return found


def keep_found(session: Session, found: Sequence[Found], now: datetime) -> None:
    """Append these deliveries."""
    if not found:
        return
    about = _activities(session, {one.activity_id for one in found})
    people = _people(session, [one for one in found if about[one.activity_id].audience == Audience.DIRECT])
    ledger.append(session, [_line(one, about[one.activity_id], people.get(one.inbox, "")) for one in found], now)


def _is_recorded(row: Any, lease: Lease) -> bool:
    """Whether the worker freed this lane itself: it does so in the transaction that records."""
    return row.lease_no == lease.lease_no and row.lease_until is None


def _line(one: Found, activity: Any, person: str) -> Line:
    state = State.UNKNOWN if not one.status else State.TAKEN if 200 <= one.status < 300 else State.REFUSED
    version, size = activity.version, activity.size
    if version is None or size is None:  # made before there was a ledger
        version, size = version_of(activity.document), len(activity.document)
    return Line(
        channel=Channel.DELIVERY, kind=activity.kind, object_uri=activity.object_uri or activity.uri, post_id=activity.post_id,
        version=bytes(version), activity_uri=activity.uri, host=one.host, verdict=Verdict.SEND, reasons=one.reasons,
        rules_version=one.rules_version, size=size, answer=one.status, state=state, actor_uri=person,
    )  # fmt: skip


def _activities(session: Session, ids: Iterable[int]) -> dict[int, Any]:
    columns = (Activity.id, Activity.uri, Activity.kind, Activity.object_uri, Activity.post_id, Activity.audience)
    rows = session.execute(select(*columns, Activity.version, Activity.size).where(Activity.id.in_(sorted(ids)))).all()
    found: dict[int, Any] = {row.id: row for row in rows}
    old = [row.id for row in rows if row.version is None]
    if old:
        more = select(*columns, Activity.version, Activity.size, Activity.document).where(Activity.id.in_(old))
        found.update((row.id, row) for row in session.execute(more))
    return found


def _people(session: Session, found: Sequence[Found]) -> dict[str, str]:
    """Return inbox -> actor of what went to people's own inboxes (direct messages)."""
    if not found:
        return {}
    hosts, inboxes = {one.host for one in found}, {one.inbox for one in found}
    rows = session.execute(select(Actor.inbox, Actor.uri).where(Actor.host.in_(hosts), Actor.inbox.in_(inboxes)))
    return dict(rows.all())

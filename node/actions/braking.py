"""Lanes that the brake holds: set aside without a try, with what they carry, until `brakes.wake` makes them due again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from node.models import Activity, Delivery, Lane, NodeSetting
from node.policy import Audience, Decision, Rules
from node.queries import rules as rules_query
from node.queries.audience import send_decision
from node.queries.scopes import speakers

QUIET = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Sorted:
    """Due lanes that may go on, and for some the delivery that passes before the first in line (lane id: delivery id)."""

    due: Sequence[Any]
    passing: Mapping[int, int] = field(default_factory=dict)
    set_aside: int = 0


def sort(session: Session, due: Sequence[Any], rules: Rules, now: datetime) -> Sorted:
    """Set those of the `due` lanes aside whose first delivery the brake holds. The caller has locked the rows.

    Costs nothing while no brake is on. Whoever releases the brake waits for this transaction, and then sees its lanes.
    """
    if not rules.brakes or not due:
        return Sorted(due)
    if not _is_in_force(session, rules):
        return Sorted((), {}, 0)  # the rules have changed at this moment: the next claim knows
    first = first_deliveries(session, [lane.id for lane in due])
    decided = decisions(session, {lane.id: lane.host for lane in due if lane.id in first}, first, rules, now)
    held = [lane_id for lane_id, decision in decided.items() if decision.is_braked]
    passing = _passing(session, held, rules)
    aside = [lane_id for lane_id in held if lane_id not in passing]
    if aside:
        session.execute(update(Lane).where(Lane.id.in_(aside)).values(next_at=None), execution_options=QUIET)
    gone = frozenset(aside)
    return Sorted([lane for lane in due if lane.id not in gone], passing, len(aside))


def first_deliveries(session: Session, lane_ids: Collection[int], passing: Mapping[int, int] | None = None) -> dict[int, Any]:
    """Return by lane the first delivery that waits, or the one that passes before it."""
    if not lane_ids:
        return {}
    ahead = passing or {}
    first = (
        select(func.min(Delivery.id))
        .where(Delivery.lane_id.in_([one for one in lane_ids if one not in ahead]), Delivery.state == "waiting")
        .group_by(Delivery.lane_id)
    )
    columns = (
        Delivery.id, Delivery.lane_id, Delivery.activity_id, Delivery.attempts, Delivery.refusals, Delivery.created_at,
        Delivery.answer,
        Activity.kind, Activity.audience, Activity.actor_id, Activity.post_id,
    )  # fmt: skip
    found = select(*columns).join(Activity, Activity.id == Delivery.activity_id)
    rows = list(session.execute(found.where(Delivery.id.in_(first))))
    if ahead:
        rows += session.execute(found.where(Delivery.id.in_(list(ahead.values())), Delivery.state == "waiting"))
    return {row.lane_id: row for row in rows}


def decisions(
    session: Session, hosts: Mapping[int, str], first: Mapping[int, Any], rules: Rules, now: datetime
) -> dict[int, Decision]:
    """Return the gate's word on each lane's first delivery. `hosts` and `first` by lane id."""
    who = speakers(session, {(first[lane_id].actor_id, first[lane_id].post_id) for lane_id in hosts}, rules)
    said: dict[int, Decision] = {}
    for lane_id, host in hosts.items():
        row = first[lane_id]
        audience = Audience(row.audience) if row.audience else None
        speaker = who.get((row.actor_id, row.post_id))
        said[lane_id] = send_decision(host, row.kind, audience, rules, now, speaker=speaker, activity_id=row.activity_id)
    return said


def _passing(session: Session, lane_ids: list[int], rules: Rules) -> dict[int, int]:
    """Return for those of these lanes that have one the first delivery that passes the brake."""
    if not lane_ids or not rules.brakes.passes:
        return {}
    mine = select(Delivery.lane_id, func.min(Delivery.id)).group_by(Delivery.lane_id)
    mine = mine.where(Delivery.lane_id.in_(lane_ids), Delivery.state == "waiting", Delivery.activity_id.in_(rules.brakes.passes))
    return dict(session.execute(mine).all())


def _is_in_force(session: Session, rules: Rules) -> bool:
    """Say whether these rules still hold, and see to it that they do until this transaction ends."""
    number = select(NodeSetting.value).where(NodeSetting.name == rules_query.VERSION).with_for_update(read=True)
    return int(session.scalar(number) or 0) == rules.version

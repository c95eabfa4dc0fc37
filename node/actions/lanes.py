"""The delivery queue's rows: claim lanes that are due, record what came of each try. Nothing is sent here.

A claim leases a lane; its number makes sure that only the last one to lease it writes the result. See promises G3-G7.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from federation.delivery import Outcome, has_expired, next_after_refusal, next_attempt
from federation.signatures import SigningKey
from node.actions import braking, evidence, hosts
from node.actions.feeds import insert_ignoring
from node.actions.hosts import QUIET
from node.actions.tries import Claim, HostState, Lease, Result
from node.database import new_id
from node.ledger import rule_names
from node.models import Activity, Actor, Delivery, Errand, Lane
from node.policy import Rules, Verdict
from node.queries.keys import signing

LEASE = timedelta(seconds=26)
"""A claim waits a few seconds for its turn and then takes at most two requests of ten seconds."""
LOOK_AHEAD = 2
"""How many due lanes are looked at for each one wanted: some belong to hosts that have enough under way."""
MOST_OWN_FAULTS = 5
MISSING_FOR = timedelta(hours=24)
"""An inbox that answers 404 is taken for gone only after this time: a proxy's mistake silences nobody."""
MOST_LOOKS = 4
"""How often a claim looks on when the lanes it found belong to hosts that have enough under way."""


BRAKED_LOOK = 0.02
"""What a look counts that found nothing but lanes to set aside: they are not met again."""


def claim(session: Session, most: int, rules: Rules, now: datetime) -> list[Claim]:
    """Lease up to `most` due lanes, each with its first waiting delivery; per host no more than it can take (G6)."""
    chosen: list[Any] = []
    known: dict[str, HostState] = {}
    busy: set[str] = set()
    passing: dict[int, int] = {}
    looks = 0.0
    while looks < MOST_LOOKS:
        due = _due(session, most * LOOK_AHEAD, busy, now)
        free = braking.sort(session, due, rules, now)
        passing.update(free.passing)
        chosen += _choose(session, free.due, most - len(chosen), known, busy, now)
        if len(chosen) >= most or len(due) < most * LOOK_AHEAD:
            break
        looks += 1.0 if free.set_aside < len(due) else BRAKED_LOOK  # what the brake holds must not stand before what it does not
    return _lease(session, chosen, passing, known, rules, now)


def _choose(
    session: Session, due: Sequence[Any], most: int, known: dict[str, HostState], busy: set[str], now: datetime
) -> list[Any]:
    """Return lanes whose hosts have room, at most `most`; hosts without room are added to `busy`, states to `known`."""
    if not due:
        return []
    fresh = hosts.host_states(session, {lane.host for lane in due} - known.keys())
    known.update(fresh)
    under_way = _under_way(session, {lane.host for lane in due}, now)
    chosen: list[Any] = []
    for lane in due:
        if len(chosen) >= most:
            break
        state = known[lane.host]
        pause = hosts.pause_of(state.breaker, now)
        limit = 1 if state.breaker.is_open else state.flow.in_flight_limit
        if pause is not None:
            hosts.postpone(session, lane.host, pause)
            busy.add(lane.host)
        elif under_way[lane.host] >= limit:
            busy.add(lane.host)
        else:
            under_way[lane.host] += 1
            chosen.append(lane)
            if state.breaker.is_open:
                known[lane.host] = hosts.book_probe(session, state, now)
    busy.update(lane.host for lane in chosen)
    return chosen


def record(session: Session, results: Sequence[Result], now: datetime) -> bool:
    """Write what came of claims. A result whose lease was lost changes its lane no more, but what a peer took stays taken.

    What a peer read, or may have read, stands in the ledger with the same commit. Return whether any of these lanes has more
    that is due now.
    """
    finished: list[tuple[Result, dict[str, Any], datetime | None]] = []
    waiting: list[tuple[Result, dict[str, Any], datetime | None]] = []
    for result in results:
        row, again_at = _judged(result, now)
        (waiting if again_at is not None else finished).append((result, row, again_at))
    _update_deliveries(session, [row for _, row, _ in finished + waiting])
    more = _free_lanes(session, [result.claim for result, _, _ in finished], now)
    for result, _, again_at in waiting:
        _free_lane_later(session, result.claim, again_at)
    for result in results:
        if result.outcome is Outcome.GONE:
            _close_lane(session, result.claim, now)
        elif result.outcome is Outcome.MISSING:
            _look_again(session, result.claim, now)
    hosts.learn(session, results, now)
    evidence.keep(session, results, now)
    return more


def release(session: Session, leases: Sequence[Claim | Lease]) -> None:
    """Give back what was leased and not begun: it is due as before."""
    rows = [{"b_id": lease.lane_id, "b_lease_no": lease.lease_no} for lease in leases]
    if rows:
        session.connection().execute(_RELEASE, rows)


def recover(
    session: Session, leases: Mapping[int, Lease], taken: Mapping[int, int], now: datetime, begun: Collection[int] = ()
) -> None:
    """Record what a worker that is gone had sent, and give back its other leases.

    leases: by delivery id. taken: delivery id to the status with which the peer took it. begun: deliveries whose request
    was begun. What the worker had recorded itself is not recorded again.
    """
    found = evidence.left_behind(session, leases, taken, begun)
    rows = [{"b_id": delivery_id, "b_answer": status, "b_now": now} for delivery_id, status in sorted(taken.items())]
    if rows:
        session.connection().execute(_TAKEN, rows)
    _free_lanes(session, [lease for delivery_id, lease in leases.items() if delivery_id in taken], now)
    release(session, [lease for delivery_id, lease in leases.items() if delivery_id not in taken])
    evidence.keep_found(session, found, now)


def is_anything_due(session: Session, now: datetime) -> bool:
    """Say whether a claim could find anything."""
    free = or_(Lane.lease_until.is_(None), Lane.lease_until <= now)
    return session.scalar(select(Lane.id).where(Lane.next_at <= now, free).limit(1)) is not None


def is_due_at(session: Session, names: Collection[str], now: datetime) -> bool:
    """Say whether anything waits that is due at one of these hosts and that nobody holds."""
    free = or_(Lane.lease_until.is_(None), Lane.lease_until <= now)
    return session.scalar(select(Lane.id).where(Lane.host.in_(names), Lane.next_at <= now, free).limit(1)) is not None


def bodies(session: Session, activity_ids: Collection[int]) -> dict[int, bytes]:
    """Return the documents to send, by activity id."""
    if not activity_ids:
        return {}
    rows = session.execute(select(Activity.id, Activity.document).where(Activity.id.in_(activity_ids)))
    return dict(rows.all())


def keys(session: Session, actor_id: int) -> dict[str, SigningKey]:
    """Return our actor's signing keys by algorithm."""
    return signing(session, actor_id)


def _due(session: Session, most: int, busy: Collection[str], now: datetime) -> Sequence[Any]:
    free = or_(Lane.lease_until.is_(None), Lane.lease_until <= now)
    lanes = select(Lane.id, Lane.actor_id, Lane.inbox, Lane.host, Lane.lease_no).where(Lane.next_at <= now, free)
    if busy:
        lanes = lanes.where(Lane.host.not_in(busy))
    lanes = lanes.order_by(Lane.next_at, Lane.id).limit(most).with_for_update(skip_locked=True)
    return session.execute(lanes).all()


def _under_way(session: Session, names: Collection[str], now: datetime) -> Counter[str]:
    leased = select(Lane.host, func.count(Lane.id)).where(Lane.host.in_(names), Lane.lease_until > now).group_by(Lane.host)
    return Counter(dict(session.execute(leased).all()))


def _lease(
    session: Session, lanes: Sequence[Any], passing: dict[int, int], known: dict[str, HostState], rules: Rules, now: datetime
) -> list[Claim]:
    first = braking.first_deliveries(session, [lane.id for lane in lanes], passing)
    decided = braking.decisions(session, {lane.id: lane.host for lane in lanes if lane.id in first}, first, rules, now)
    claims = []
    emptied = []
    withheld, held = [], []
    for lane in lanes:
        row = first.get(lane.id)
        if row is None:
            emptied.append(lane.id)
            continue
        decision = decided[lane.id]
        if decision.is_braked:
            continue
        if decision.verdict is Verdict.HOLD:
            held.append(row.id)  # a content rule found something in an edit meanwhile
            continue
        if not decision.is_yes:
            withheld.append(row.id)  # the gate has changed its mind since this was queued
            continue
        state = known[lane.host]
        claims.append(
            Claim(
                lane.id,
                lane.lease_no + 1,
                row.id,
                row.activity_id,
                lane.actor_id,
                lane.inbox,
                state,
                row.attempts,
                row.created_at,
                row.answer == 404 and row.created_at <= now - MISSING_FOR,
                decision.rules_version,
                rule_names(decision.reasons),
                row.refusals,
            )
        )
    if claims:
        lease = update(Lane).where(Lane.id.in_([one.lane_id for one in claims]))
        session.execute(lease.values(lease_until=now + LEASE, lease_no=Lane.lease_no + 1), execution_options=QUIET)
    if emptied:
        session.execute(update(Lane).where(Lane.id.in_(emptied)).values(next_at=None), execution_options=QUIET)
    if held:
        session.execute(update(Delivery).where(Delivery.id.in_(held)).values(state="held"), execution_options=QUIET)
    if withheld:
        gone = update(Delivery).where(Delivery.id.in_(withheld))
        session.execute(
            gone.values(state="withheld", reason="the gate no longer lets it go", finished_at=now), execution_options=QUIET
        )
    return claims


def _judged(result: Result, now: datetime) -> tuple[dict[str, Any], datetime | None]:
    """Return the delivery's new values, and when it is tried again (None: never)."""
    claim, tries = result.claim, result.claim.attempts + 1
    refusals = claim.refusals + (result.outcome is Outcome.REFUSED)
    jitter = random.uniform(-1, 1)  # noqa: S311 - spreads load, guards nothing
    again_at: datetime | None = None
    match result.outcome:
        case Outcome.RETRY | Outcome.MISSING:
            retry_after = result.answer.retry_after if result.answer else None
            again_at = next_attempt(tries, now, jitter=jitter, retry_after=retry_after)
            if result.is_our_fault and tries >= MOST_OWN_FAULTS:
                again_at = None
        case Outcome.REFUSED:
            again_at = next_after_refusal(refusals, now, jitter=jitter)
        case _:
            pass
    if again_at is not None and has_expired(claim.created_at, now):
        again_at = None
    state = "delivered" if result.outcome is Outcome.DELIVERED else "waiting" if again_at is not None else "failed"
    row = {
        "b_id": claim.delivery_id,
        "b_state": state,
        "b_attempts": tries,
        "b_refusals": refusals,
        "b_answer": result.answer.status if result.answer else 0,
        "b_reason": result.reason[:500],
        "b_attempted_at": now,
        "b_finished_at": None if again_at is not None else now,
    }
    return row, again_at


_DELIVERY_UPDATE = (
    update(Delivery)
    .where(Delivery.id == bindparam("b_id"))
    .values(
        state=bindparam("b_state"), attempts=bindparam("b_attempts"), refusals=bindparam("b_refusals"),
        answer=bindparam("b_answer"), reason=bindparam("b_reason"),
        attempted_at=bindparam("b_attempted_at"), finished_at=bindparam("b_finished_at"),
    )
)  # fmt: skip


_STILL_WAITING = _DELIVERY_UPDATE.where(Delivery.state == "waiting")


def _update_deliveries(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write the rows. What was cancelled or withheld meanwhile stays so, unless the peer took it after all."""
    for statement, is_delivered in ((_DELIVERY_UPDATE, True), (_STILL_WAITING, False)):
        chosen = [row for row in rows if (row["b_state"] == "delivered") is is_delivered]
        if chosen:
            session.connection().execute(statement, chosen)


_TAKEN = (
    update(Delivery)
    .where(Delivery.id == bindparam("b_id"), Delivery.state != "delivered")
    .values(
        state="delivered", attempts=Delivery.attempts + 1, answer=bindparam("b_answer"), reason="",
        attempted_at=bindparam("b_now", type_=Delivery.attempted_at.type), finished_at=bindparam("b_now"),
    )
)  # fmt: skip
_RELEASE = update(Lane).where(Lane.id == bindparam("b_id"), Lane.lease_no == bindparam("b_lease_no")).values(lease_until=None)
_MORE = exists().where(Delivery.lane_id == Lane.id, Delivery.state == "waiting")
_LANE_FREE = (
    update(Lane)
    .where(Lane.id == bindparam("b_id"), Lane.lease_no == bindparam("b_lease_no"))
    .values(lease_until=None, next_at=case((_MORE, bindparam("b_now", type_=Lane.next_at.type)), else_=None))
)


def _free_lanes(session: Session, claims: Sequence[Claim | Lease], now: datetime) -> bool:
    """Give lanes back whose delivery is over; the next one, if any, is due at once. Say whether there is any."""
    if not claims:
        return False
    if session.get_bind().dialect.name == "postgresql":  # else a delivery queued at this moment could be overlooked
        mine = select(Lane.id).where(Lane.id.in_([claim.lane_id for claim in claims]))
        session.execute(mine.order_by(Lane.id).with_for_update())
    rows = [{"b_id": claim.lane_id, "b_lease_no": claim.lease_no, "b_now": now} for claim in claims]
    session.connection().execute(_LANE_FREE, rows)
    more = select(Lane.id).where(Lane.id.in_([claim.lane_id for claim in claims]), Lane.next_at.is_not(None)).limit(1)
    return session.scalar(more) is not None


def _free_lane_later(session: Session, claim: Claim, again_at: datetime | None) -> None:
    """Give a lane back whose first delivery is tried again later: all behind it wait, order holds."""
    mine = update(Lane).where(Lane.id == claim.lane_id, Lane.lease_no == claim.lease_no)
    session.execute(mine.values(lease_until=None, next_at=again_at), execution_options=QUIET)


def _close_lane(session: Session, claim: Claim, now: datetime) -> None:
    """The peer says this inbox is gone: nothing more goes there (G4)."""
    lane = update(Lane).where(Lane.id == claim.lane_id)
    session.execute(lane.values(is_closed=True, next_at=None, lease_until=None), execution_options=QUIET)
    rest = update(Delivery).where(Delivery.lane_id == claim.lane_id, Delivery.state == "waiting")
    session.execute(rest.values(state="failed", reason="the inbox is gone", finished_at=now), execution_options=QUIET)


def _look_again(session: Session, claim: Claim, now: datetime) -> None:
    """A first 404: the peer's actors may have moved to another inbox. Have them fetched before the next try."""
    uris = session.scalars(
        select(Actor.uri)
        .where(or_(Actor.inbox == claim.inbox, Actor.shared_inbox == claim.inbox), Actor.host == claim.host.host)
        .limit(5)
    )
    rows = [{"id": new_id(now), "kind": "actor", "uri": uri, "budget": 0, "attempts": 0, "due_at": now} for uri in uris]
    insert_ignoring(session, Errand, rows)

"""What has to be swept now and then: expired rows, lanes that lost their bell, lists that must not grow for ever."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from node.actions import decisions, dormancy
from node.database import id_floor, ring, rows_of, transaction
from node.models import AuthorizationCode, Delivery, Errand, Host, Invitation, Lane, LoginSession, Receipt, Refusal
from node.policy import Mode
from node.runtime import current_node

KEEP_RECEIPTS = timedelta(days=90)
KEEP_DELIVERIES = timedelta(days=30)
KEEP_REFUSALS = timedelta(days=30)
KEEP_HELD = timedelta(days=30)
KEEP_PARKED = timedelta(days=30)
"""Then an errand that fails by our own fault may be asked for anew."""
MOST_HOSTS = 50_000
MOST_REFUSALS = 100_000
BATCH = 5_000

log = logging.getLogger("courtyard.housekeeping")


def sweep(app: Flask) -> None:
    """Do all of it, in short transactions: nobody waits long for the database."""
    del app
    now = current_node().now()
    with transaction() as session:
        wake_lanes(session, now)
    for step in (_lobby, _receipts, _errands, _dormant, _deliveries, _refusals, _accounts, _hosts):
        try:
            with transaction(is_durable=False) as session:
                step(session, now)
        except Exception:  # the kind of error is in the log, and the other steps are not kept from theirs
            log.exception("housekeeping failed at %s", step.__name__.strip("_"))


def wake_lanes(session: Session, now: datetime) -> int:
    """Give every lane with waiting deliveries a time: none is forgotten, whatever race or crash there was."""
    waiting = exists().where(Delivery.lane_id == Lane.id, Delivery.state == "waiting")
    woken = session.execute(
        update(Lane).where(Lane.next_at.is_(None), Lane.is_closed.is_(False), waiting).values(next_at=now),
        execution_options={"synchronize_session": False},
    )
    number = rows_of(woken)
    if number:
        ring(session, "outbound")
        log.info("%s lanes had lost their bell", number)
    return number


def _lobby(session: Session, now: datetime) -> None:
    """Release what came into the lobby at the moment its server was let in: the one who decided did not see it."""
    rules = current_node().rules(session)
    if rules.mode is Mode.CLOSED:
        return
    waiting = session.scalars(select(Receipt.host).where(Receipt.state == "held").distinct()).all()
    peers = [(host, rules.peer_for(host)) for host in waiting]
    let_in = {host for host, peer in peers if peer and peer.state in decisions.LETS_IN and not peer.has_expired(now)}
    number = decisions.settle_held(session, frozenset(let_in), "new", "")
    if number:
        log.info("%s activities in the lobby were of servers that are let in", number)


def _receipts(session: Session, now: datetime) -> None:
    finished = Receipt.state.in_(("done", "ignored", "refused", "parked"))
    old = or_(
        finished & (Receipt.received_at < now - KEEP_RECEIPTS),
        (Receipt.state == "held") & (Receipt.received_at < now - KEEP_HELD),
    )
    session.execute(delete(Receipt).where(Receipt.id.in_(select(Receipt.id).where(old).limit(BATCH))))


def _errands(session: Session, now: datetime) -> None:
    """Forget what was parked a long time ago."""
    old = select(Errand.id).where(Errand.due_at.is_(None), Errand.id < id_floor(now - KEEP_PARKED)).limit(BATCH)
    session.execute(delete(Errand).where(Errand.id.in_(old)))


def _dormant(session: Session, now: datetime) -> None:
    dormancy.compact(session, now)


def _deliveries(session: Session, now: datetime) -> None:
    old = select(Delivery.id).where(Delivery.state != "waiting", Delivery.finished_at < now - KEEP_DELIVERIES).limit(BATCH)
    session.execute(delete(Delivery).where(Delivery.id.in_(old)))


def _refusals(session: Session, now: datetime) -> None:
    session.execute(
        delete(Refusal).where(Refusal.id.in_(select(Refusal.id).where(Refusal.created_at < now - KEEP_REFUSALS).limit(BATCH)))
    )
    surplus = (session.scalar(select(func.count(Refusal.id))) or 0) - MOST_REFUSALS
    if surplus > 0:
        oldest = select(Refusal.id).order_by(Refusal.id).limit(min(surplus, BATCH))
        session.execute(delete(Refusal).where(Refusal.id.in_(oldest)))


def _accounts(session: Session, now: datetime) -> None:
    session.execute(delete(LoginSession).where(LoginSession.expires_at < now))
    session.execute(delete(AuthorizationCode).where(AuthorizationCode.created_at < now - timedelta(days=1)))
    session.execute(delete(Invitation).where(Invitation.expires_at < now - timedelta(days=90), Invitation.used_at.is_(None)))


def _hosts(session: Session, _now: datetime) -> None:
    """Forget what we learned of hosts nobody here has anything to do with any more (D07)."""
    surplus = (session.scalar(select(func.count(Host.host))) or 0) - MOST_HOSTS
    if surplus > 0:
        oldest = select(Host.host).order_by(Host.used_at).limit(min(surplus, BATCH))
        session.execute(delete(Host).where(Host.host.in_(oldest)))

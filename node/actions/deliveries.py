"""What admins and authors do about deliveries: send again, try a server now, take back what waits."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from node.actions import audit
from node.database import ring
from node.errors import N_, GateRefused, NotAllowed, NotThere
from node.models import Delivery, Host, Lane, Member
from node.policy import Audience, Mode, Rules
from node.queries import deliveries as query
from node.queries import rules as rules_query
from node.queries.audience import send_decision

CHUNK = 500
RESENDABLE = frozenset({"failed", "withheld"})


def resend(
    session: Session, delivery_id: int, now: datetime, *, rules: Rules | None = None, by: Member | None = None
) -> Delivery:
    """Queue a delivery again that failed or was withheld, if the gate lets it go now.

    Without `rules` they are read here, and a node whose admins chose no mode counts as selective.
    Raises NotThere, NotAllowed (it is not over yet, it arrived, the inbox is gone), GateRefused.
    """
    delivery = query.get(session, delivery_id)
    if delivery is None:
        raise NotThere("delivery_not_there", N_("This delivery is not there any more."))
    if delivery.state not in RESENDABLE:
        raise NotAllowed("delivery_not_failed", N_("Only a delivery that failed can be sent again."))
    if delivery.lane.is_closed:
        raise NotAllowed("inbox_gone", N_("The other server said that this inbox is gone."))
    rules = rules or rules_query.load(session, Mode.SELECTIVE)
    kind, audience = delivery.activity.kind, delivery.activity.audience
    decision = send_decision(delivery.lane.host, kind, Audience(audience) if audience else None, rules, now)
    if not (decision.is_yes or decision.is_braked):
        text = N_("The gate does not let anything go to %(host)s now.")
        raise GateRefused("gate_refused", text, reasons=decision.reasons, host=delivery.lane.host)
    delivery.state, delivery.attempts, delivery.reason, delivery.finished_at = "waiting", 0, "", None
    delivery.lane.next_at = now
    if by is not None:
        audit.record(session, by, "delivery.resend", str(delivery_id), now=now, host=delivery.lane.host)
    session.flush()
    ring(session, "outbound")
    return delivery


def retry_host(session: Session, host: str, now: datetime, *, by: Member | None = None) -> int:
    """Try a server now: forget that it was in trouble and make its waiting lanes due. Return how many."""
    session.execute(update(Host).where(Host.host == host).values(breaker={}, closed_until=None))
    waiting = select(Delivery.lane_id).where(Delivery.state == "waiting")
    due = update(Lane).where(Lane.host == host, Lane.is_closed.is_(False), Lane.id.in_(waiting))
    number = session.execute(due.values(next_at=now), execution_options={"synchronize_session": False}).rowcount
    audit.record(session, by, "delivery.retry", host, now=now, lanes=number)
    if number:
        ring(session, "outbound")
    session.flush()
    return number


def withhold_waiting(session: Session, hosts: Collection[str], reason: str, now: datetime) -> int:
    """Withhold what waits to be sent to these hosts, and return how much. `resend` can queue it again later."""
    names, number = sorted(hosts), 0
    for start in range(0, len(names), CHUNK):
        theirs = Lane.host.in_(names[start : start + CHUNK])
        unsent = update(Delivery).where(Delivery.state == "waiting", Delivery.lane_id.in_(select(Lane.id).where(theirs)))
        withheld = unsent.values(state="withheld", reason=reason, finished_at=now)
        number += session.execute(withheld, execution_options={"synchronize_session": False}).rowcount
        session.execute(update(Lane).where(theirs).values(next_at=None), execution_options={"synchronize_session": False})
    return number

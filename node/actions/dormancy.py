"""Hosts that have been dead for a week: what waits for them is reduced to the newest state of each object (promise G5).

A deleted post needs its Delete alone; of several edits the last one is enough. Follows, answers to follows and everything
else that is no state of a post wait as they are: when the host is back, they go out in order.
"""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from federation.delivery import is_dormant
from node.actions.hosts import read_breaker
from node.database import rows_of
from node.models import Activity, Delivery, Host, Lane

BATCH = 5_000

log = logging.getLogger("courtyard.dormancy")


def dormant_hosts(session: Session, now: datetime) -> list[str]:
    """Return the hosts that have answered nothing for seven days or more."""
    troubled = session.execute(select(Host.host, Host.breaker).where(Host.closed_until.is_not(None)).order_by(Host.host))
    return [host for host, breaker in troubled if is_dormant(read_breaker(breaker), now)]


def compact(session: Session, now: datetime) -> int:
    """Cancel what newer waiting activities have made pointless for dormant hosts. Return how many deliveries that were."""
    number = 0
    for host in dormant_hosts(session, now):
        outdated = update(Delivery).where(Delivery.id.in_(_superseded(session, host, now)))
        values = {"state": "cancelled", "reason": "a newer state took its place", "finished_at": now}
        number += rows_of(session.execute(outdated.values(**values), execution_options={"synchronize_session": False}))
    if number:
        log.info("%s deliveries to dormant hosts gave way to newer ones", number)
    return number


def _superseded(session: Session, host: str, now: datetime) -> list[int]:
    """Return waiting Creates and Updates in free lanes behind which waits a Delete, or for an Update a later Update."""
    later, news = aliased(Delivery), aliased(Activity)
    is_newer = or_(news.kind == "Delete", and_(news.kind == "Update", Activity.kind == "Update"))
    overtaken = exists().where(
        later.lane_id == Delivery.lane_id, later.state == "waiting", later.id > Delivery.id,
        news.id == later.activity_id, news.object_uri == Activity.object_uri, is_newer,
    )  # fmt: skip
    waiting = (
        select(Delivery.id)
        .join(Lane, Lane.id == Delivery.lane_id)
        .join(Activity, Activity.id == Delivery.activity_id)
        .where(
            Lane.host == host,
            or_(Lane.lease_until.is_(None), Lane.lease_until <= now),
            Delivery.state == "waiting",
            Activity.kind.in_(("Create", "Update")),
            overtaken,
        )
    )
    return list(session.scalars(waiting.limit(BATCH)))

"""Inbound activities that were given up are tried again, when an admin says so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.actions import audit
from node.actions.roles import check_admin
from node.database import ring
from node.errors import N_, NotThere
from node.models import Member, Receipt


def retry(session: Session, receipt_id: int, *, by: Member | None, now: datetime) -> Receipt:
    """Put a parked receipt back among the new ones, its tries uncounted. Raises NotAllowed, and NotThere if it is not parked."""
    check_admin(by)
    receipt = session.scalar(select(Receipt).where(Receipt.id == receipt_id, Receipt.state == "parked"))
    if receipt is None:
        raise NotThere("not_parked", N_("This is not waiting for a decision any more."))
    receipt.state, receipt.attempts, receipt.next_at, receipt.reason = "new", 0, None, ""
    audit.record(session, by, "receipt.retry", receipt.activity_uri, now=now, host=receipt.host)
    session.flush()
    ring(session, "inbound")
    return receipt

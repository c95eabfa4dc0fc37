"""What new terms with a server would change, by the gate's own word: for what waits now, and for the last 30 days' traffic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from node.models import Activity, Actor, Attachment, Delivery, Lane, Post, Receipt
from node.policy import Audience, Direction, Facts, PeerRule, Rules, decide
from node.queries.peers import under

LOOKED_BACK = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TermsImpact:
    """What passes under the rules in force and would not under the new terms; subdomains included."""

    withheld: int = 0
    """Deliveries that wait and would not be sent."""
    unsent: int = 0
    """Of what was delivered in the last 30 days."""
    unaccepted: int = 0
    """Of what was accepted in the last 30 days."""
    files_hidden: int = 0

    def __bool__(self) -> bool:
        return bool(self.withheld or self.unsent or self.unaccepted or self.files_hidden)


def impact(session: Session, rule: PeerRule, rules: Rules, now: datetime) -> TermsImpact:
    """Return what would change if `rule` held for its host in place of what holds now. Reads only."""
    after = replace(rules, peers={**rules.peers, rule.host: rule})

    def stops(direction: Direction, host: str, kind: str, audience: str | None) -> bool:
        chosen = Audience(audience) if audience in list(Audience) else None
        facts = Facts(direction, host, kind, now, audience=chosen, is_addressed_here=True)
        return decide(facts, rules).is_yes and not decide(facts, after).is_yes

    def stopped(direction: Direction, rows: Iterable[Any]) -> int:
        return sum(number for host, kind, audience, number in rows if stops(direction, host, kind, audience))

    sent = select(Lane.host, Activity.kind, Activity.audience, func.count(Delivery.id)).select_from(Delivery)
    sent = sent.join(Lane, Lane.id == Delivery.lane_id).join(Activity, Activity.id == Delivery.activity_id)
    sent = sent.where(under(Lane.host, rule.host)).group_by(Lane.host, Activity.kind, Activity.audience)
    came = select(Receipt.host, Receipt.kind, func.count(Receipt.id)).group_by(Receipt.host, Receipt.kind)
    came = came.where(under(Receipt.host, rule.host), Receipt.state.not_in(("held", "refused")))
    since = now - LOOKED_BACK
    delivered = sent.where(Delivery.state == "delivered", Delivery.created_at >= since)
    arrived = [(host, kind, None, number) for host, kind, number in session.execute(came.where(Receipt.received_at >= since))]
    return TermsImpact(
        withheld=stopped(Direction.OUT, session.execute(sent.where(Delivery.state == "waiting"))),
        unsent=stopped(Direction.OUT, session.execute(delivered)),
        unaccepted=stopped(Direction.IN, arrived),
        files_hidden=_files(session, rule, rules),
    )


def _files(session: Session, rule: PeerRule, rules: Rules) -> int:
    before = rules.peer_for(rule.host)
    if rule.allows_media or (before is not None and not before.allows_media):
        return 0
    shown = select(func.count(Attachment.id)).join(Post, Post.id == Attachment.post_id).join(Actor, Actor.id == Post.author_id)
    return session.scalar(shown.where(under(Actor.host, rule.host), Post.deleted_at.is_(None))) or 0

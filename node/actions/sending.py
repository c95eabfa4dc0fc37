"""Hand an activity of ours to the gate and to the lanes that lead to other servers.

The activity and its deliveries are rows of the caller's transaction; workers are rung after the commit. Nothing is
signed here and nothing is sent: see `node.jobs.delivery`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, insert, or_, select, update
from sqlalchemy.orm import Session

from federation.addressing import strip_private
from node import uris
from node.actions.feeds import insert_ignoring
from node.config import Settings
from node.database import new_id, ring, rows_of
from node.ledger import version_of
from node.models import Activity, Actor, Delivery, Lane, Refusal
from node.policy import Audience, Decision, Rules, Verdict
from node.queries.audience import Recipient, send_decision
from node.queries.scopes import Speaker, speaker

CHUNK = 500
"""Rows named in one statement: below every database's limit of parameters."""

Build = Callable[[str], dict[str, Any]]


def send(
    session: Session,
    actor: Actor,
    kind: str,
    build: Build,
    recipients: Iterable[Recipient],
    *,
    audience: Audience | None,
    object_uri: str | None = None,
    post_id: int | None = None,
    is_personal: bool = False,
    settings: Settings,
    rules: Rules,
    now: datetime,
) -> Activity:
    """Keep an activity of `actor` and queue it for every recipient the gate lets it go to.

    What the brake holds is queued like the rest and waits in its lane. `build(activity_uri)` returns its document.
    `audience` is that of the post it carries, None when it carries none. `is_personal` sends to each actor's own inbox
    instead of the server's shared one (direct messages).
    Recipients of ours (host '') are ignored: what happens here needs no wire.
    """
    activity = keep_activity(
        session, actor, kind, build, audience=audience, object_uri=object_uri, post_id=post_id, settings=settings, now=now
    )
    who = speaker(session, actor.id, post_id, rules)
    allowed, held, withheld = _ask_gate(kind, audience, recipients, rules, now, who)
    inboxes = _inboxes(allowed, is_personal)
    _queue(session, actor.id, activity.id, inboxes, now)
    _hold(session, actor.id, activity.id, _inboxes(held, is_personal), now)
    _record_withheld(session, activity, withheld, now)
    if inboxes:
        ring(session, "outbound")
    return activity


def keep_activity(
    session: Session,
    actor: Actor,
    kind: str,
    build: Build,
    *,
    audience: Audience | None,
    object_uri: str | None,
    post_id: int | None,
    settings: Settings,
    now: datetime,
) -> Activity:
    """Write the activity exactly as it will be signed and served: without bto and bcc (ActivityPub 6)."""
    activity_id = new_id(now)
    uri = uris.activity_uri(settings.origin, activity_id)
    document = strip_private(build(uri))
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    activity = Activity(
        id=activity_id,
        uri=document.get("id", uri),
        kind=kind,
        actor_id=actor.id,
        object_uri=object_uri,
        post_id=post_id,
        audience=audience or "",
        document=body,
        version=version_of(document),
        size=len(body),
        created_at=now,
    )
    session.add(activity)
    session.flush()
    return activity


def pass_on(
    session: Session,
    actor: Actor,
    *,
    uri: str,
    kind: str,
    body: bytes,
    object_uri: str | None,
    post_id: int,
    audience: Audience | None,
    recipients: Iterable[Recipient],
    rules: Rules,
    now: datetime,
) -> bool:
    """Queue another's activity, its `body` unchanged, in the lanes of our `actor`. Return False when it was done before.

    What the gate does not let go leaves no trace: the words are not ours.
    """
    who = speaker(session, actor.id, post_id, rules)
    allowed, _, _ = _ask_gate(kind, audience, recipients, rules, now, who)
    inboxes = _inboxes(allowed, is_personal=False)
    if not inboxes:
        return False
    activity_id = new_id(now)
    row = {"id": activity_id, "uri": uri, "kind": kind, "actor_id": actor.id, "object_uri": object_uri, "post_id": post_id}
    row |= {"audience": audience or "", "document": body, "version": version_of(body), "size": len(body), "created_at": now}
    insert_ignoring(session, Activity, [row])
    if session.scalar(select(Activity.id).where(Activity.uri == uri)) != activity_id:
        return False
    _queue(session, actor.id, activity_id, inboxes, now)
    ring(session, "outbound")
    return True


def cancel_waiting(session: Session, object_uri: str, now: datetime) -> int:
    """Cancel what still waits of the Creates and Updates of an object that is being deleted (promise G3)."""
    about = select(Activity.id).where(Activity.object_uri == object_uri, Activity.kind.in_(("Create", "Update")))
    cancelled = session.execute(
        update(Delivery)
        .where(Delivery.activity_id.in_(about), Delivery.state.in_(("waiting", "held")))
        .values(state="cancelled", reason="deleted before it arrived", finished_at=now)
    )
    return rows_of(cancelled)


def former_recipients(session: Session, post_id: int) -> list[Recipient]:
    """Return one recipient for every inbox that was ever to get something about this post: whom a Delete must reach."""
    rows = session.execute(
        select(Lane.host, Lane.inbox)
        .join(Delivery, Delivery.lane_id == Lane.id)
        .join(Activity, Activity.id == Delivery.activity_id)
        .where(Activity.post_id == post_id, or_(Delivery.attempts > 0, Delivery.state == "waiting"))
        .distinct()
    )
    return [Recipient(0, host, inbox, None) for host, inbox in rows]


def keepers(session: Session, post_id: int) -> list[Recipient]:
    """Return one recipient for every inbox that has this post, or is about to: the last word there was not a Delete."""
    rows = session.execute(
        select(Lane.host, Lane.inbox, func.max(Delivery.id), func.max(case((Activity.kind == "Delete", Delivery.id), else_=0)))
        .join(Delivery, Delivery.lane_id == Lane.id)
        .join(Activity, Activity.id == Delivery.activity_id)
        .where(Activity.post_id == post_id, or_(Delivery.attempts > 0, Delivery.state == "waiting"))
        .group_by(Lane.host, Lane.inbox)
    )
    return [Recipient(0, host, inbox, None) for host, inbox, last, deleted in rows if last != deleted]


def _ask_gate(
    kind: str, audience: Audience | None, recipients: Iterable[Recipient], rules: Rules, now: datetime, who: Speaker
) -> tuple[list[Recipient], list[Recipient], dict[str, Decision]]:
    """Return to whom it goes (at once, or when the brake is released), for whom it is held, and why others do not get it."""
    decisions: dict[str, Decision] = {}
    allowed, held = [], []
    for recipient in recipients:
        if not recipient.host or not recipient.inbox:
            continue
        decision = decisions.get(recipient.host)
        if decision is None:
            decision = decisions[recipient.host] = send_decision(recipient.host, kind, audience, rules, now, speaker=who)
        if decision.is_yes or decision.is_braked:
            allowed.append(recipient)
        elif decision.verdict is Verdict.HOLD:
            held.append(recipient)
    withheld = {host: one for host, one in decisions.items() if not (one.is_yes or one.is_braked)}
    return allowed, held, withheld


def _inboxes(recipients: Sequence[Recipient], is_personal: bool) -> dict[str, str]:
    """Return inbox -> host, each inbox once (ActivityPub 7.1.3: shared inboxes are used)."""
    if is_personal:
        return {recipient.inbox: recipient.host for recipient in recipients}
    return {recipient.shared_inbox or recipient.inbox: recipient.host for recipient in recipients}


def _queue(session: Session, actor_id: int, activity_id: int, inboxes: dict[str, str], now: datetime) -> None:
    lanes, closed = _lanes(session, actor_id, inboxes)
    rows = [{"lane_id": lane_id, "activity_id": activity_id, "state": "waiting", "created_at": now} for lane_id in lanes]
    if rows:
        session.execute(insert(Delivery), rows)
    if closed:
        why = {"state": "failed", "reason": "the inbox is gone"}
        gone = {"activity_id": activity_id, "created_at": now, "finished_at": now, **why}
        session.execute(insert(Delivery), [{"lane_id": lane_id, **gone} for lane_id in closed])
    for start in range(0, len(lanes), CHUNK):
        # Every lane, not only the idle: the row's lock keeps a worker from putting it to sleep at this moment.
        awake = update(Lane).where(Lane.id.in_(lanes[start : start + CHUNK])).values(next_at=func.coalesce(Lane.next_at, now))
        session.execute(awake, execution_options={"synchronize_session": False})


def _hold(session: Session, actor_id: int, activity_id: int, inboxes: dict[str, str], now: datetime) -> None:
    """Keep deliveries that a content rule holds: beside the lane, so that nothing waits behind them."""
    lanes, _ = _lanes(session, actor_id, inboxes)
    rows = [{"lane_id": lane_id, "activity_id": activity_id, "state": "held", "created_at": now} for lane_id in lanes]
    if rows:
        session.execute(insert(Delivery), rows)


def _lanes(session: Session, actor_id: int, inboxes: dict[str, str]) -> tuple[list[int], list[int]]:
    """Return the ids of the open and of the closed lanes from this actor to these inboxes, making those that are missing."""
    names = list(inboxes)
    known = _known_lanes(session, actor_id, names)
    missing = [name for name in names if name not in known]
    if missing:
        insert_ignoring(
            session,
            Lane,
            [{"actor_id": actor_id, "inbox": name, "host": inboxes[name], "lease_no": 0, "is_closed": False} for name in missing],
        )
        known.update(_known_lanes(session, actor_id, missing))
    open_ones = [lane_id for lane_id, is_closed in known.values() if not is_closed]
    return open_ones, [lane_id for lane_id, is_closed in known.values() if is_closed]


def _known_lanes(session: Session, actor_id: int, names: list[str]) -> dict[str, tuple[int, bool]]:
    known: dict[str, tuple[int, bool]] = {}
    for start in range(0, len(names), CHUNK):
        rows = session.execute(
            select(Lane.inbox, Lane.id, Lane.is_closed).where(
                Lane.actor_id == actor_id, Lane.inbox.in_(names[start : start + CHUNK])
            )
        )
        known.update((inbox, (lane_id, is_closed)) for inbox, lane_id, is_closed in rows)
    return known


def _record_withheld(session: Session, activity: Activity, withheld: dict[str, Decision], now: datetime) -> None:
    """Keep why a server did not get it: the author and admins ask later."""
    rows = [
        {
            "id": new_id(now),
            "direction": "out",
            "host": host,
            "kind": activity.kind,
            "object_uri": activity.object_uri or "",
            "post_id": activity.post_id,
            "verdict": decision.verdict.value,
            "reasons": [reason.as_json() for reason in decision.reasons if reason.verdict == decision.verdict],
            "created_at": now,
        }
        for host, decision in withheld.items()
    ]
    if rows:
        session.execute(insert(Refusal), rows)

"""How our people stand to others: follow, accept, block, mute, and the end of each.

Every verb may run twice with the same effect; counters move only when something changed. What others do to our people
is in `receive`. What leaves goes through `sending.send`, and so past the gate.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from federation import activities
from node import uris
from node.actions import feeds
from node.actions.errands import want
from node.actions.sending import send
from node.actions.withdrawing import cut_off
from node.config import Settings
from node.database import new_id
from node.errors import N_, GateRefused, NotAllowed, NotThere
from node.models import Activity, Actor, Block, Follow, Mute, Notification
from node.policy import Rules
from node.queries import actors as query
from node.queries.audience import recipient_of, send_decision

NOT_LET_IN = N_("%(host)s has not been let in, so nothing can be sent there. An admin decides about other servers.")
CLOSED = N_("This node is closed: it exchanges nothing with other servers.")
BLOCKED = N_("%(host)s is blocked here, so nothing can be sent there.")
EXPIRED = N_("The agreement with %(host)s has expired, so nothing can be sent there.")
NOT_SENT = N_("By its rules this node does not send this to %(host)s.")
WHY = {
    "node_closed": CLOSED, "peer_blocked": BLOCKED, "agreement_expired": EXPIRED, "peer_not_let_in": NOT_LET_IN,
    "type_not_sent": NOT_SENT,
}  # fmt: skip


def follow(session: Session, actor: Actor, target: Actor, *, settings: Settings, rules: Rules, now: datetime) -> Follow:
    """Follow somebody and return the follow, both actors loaded: 'accepted' at once when they are ours and not locked.

    Elsewhere the other server answers. Raises NotAllowed (oneself, blocked), NotThere, GateRefused.
    """
    if actor.id == target.id:
        raise NotAllowed("follow_self", N_("You cannot follow yourself."))
    if target.suspended_at is not None or target.deleted_at is not None or (target.is_local and target.kind == "Application"):
        raise NotThere("actor_not_there", N_("This person is not there any more."))
    _check_blocks(session, actor, target)
    known = query.follow_between(session, actor.id, target.id)
    if known is not None:
        return known
    if not target.is_local:
        check_gate(target.host, "Follow", rules, now)
    made = _insert_follow(session, actor, target, settings, now)
    if made is None:  # the same request, at the same time
        return _loaded(session, actor.id, target.id)
    if target.is_local and not target.is_locked:
        mark_accepted(session, made, now)
        feeds.notify(session, target.id, "follow", from_actor_id=actor.id, now=now)
    elif target.is_local:
        feeds.notify(session, target.id, "follow_request", from_actor_id=actor.id, now=now)
    else:
        ask = _send(session, actor, "Follow", _writer(activities.follow, actor, target, target.uri), target, settings, rules, now)
        made.uri = ask.uri
        session.flush()
        if target.featured_uri:
            want(session, "featured", target.uri, now)
    return made


def unfollow(session: Session, actor: Actor, target: Actor, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """End a follow or take the wish for one back. The other server is told (Undo)."""
    known = query.follow_between(session, actor.id, target.id)
    if known is None:
        return
    wish = _wire(known)
    end(session, known)
    if not target.is_local:
        _send(session, actor, "Undo", _writer(activities.undo, actor, target, wish), target, settings, rules, now)


def accept_follow(session: Session, follow: Follow, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Say yes to who asks to follow one of ours; twice is once. `follow` comes with both actors loaded."""
    if not mark_accepted(session, follow, now):
        return
    _untell(session, follow, "follow_request")
    _answer(session, "Accept", follow, settings, rules, now)


def reject_follow(session: Session, follow: Follow, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Say no to who asks to follow one of ours, or end a follow that was accepted. The follower's server is told.

    What waits for the follower alone is cancelled.
    """
    if not end(session, follow):
        return
    if not follow.follower.is_local:
        cut_off(session, follow.target_id, follow.follower, now)
    _answer(session, "Reject", follow, settings, rules, now)


def remove_follower(session: Session, actor: Actor, follower: Actor, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Stop `follower` from following `actor`."""
    known = query.follow_between(session, follower.id, actor.id)
    if known is not None:
        reject_follow(session, known, settings=settings, rules=rules, now=now)


def block(session: Session, actor: Actor, target: Actor, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Want nothing to do with somebody: both follows end, nothing of theirs is shown, nothing of ours served.

    The block itself is never sent (ActivityPub 6.9); the end of the follows is, and what waits for them is not.
    Raises NotAllowed (oneself).
    """
    if actor.id == target.id:
        raise NotAllowed("block_self", N_("You cannot block yourself."))
    row = {"id": new_id(now), "actor_id": actor.id, "target_id": target.id, "created_at": now}
    feeds.insert_ignoring(session, Block, [row])
    unfollow(session, actor, target, settings=settings, rules=rules, now=now)
    remove_follower(session, actor, target, settings=settings, rules=rules, now=now)
    if not target.is_local:
        cut_off(session, actor.id, target, now)
    told = delete(Notification).where(Notification.actor_id == actor.id, Notification.from_actor_id == target.id)
    session.execute(told)
    feeds.empty_home(session, actor.id, target.id)
    if target.is_local:
        feeds.empty_home(session, target.id, actor.id)


def unblock(session: Session, actor: Actor, target: Actor, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Take a block back. Follows do not come back by themselves."""
    session.execute(delete(Block).where(Block.actor_id == actor.id, Block.target_id == target.id))


def mute(session: Session, actor: Actor, target: Actor, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Stop seeing somebody without their knowing. Raises NotAllowed (oneself)."""
    if actor.id == target.id:
        raise NotAllowed("mute_self", N_("You cannot mute yourself."))
    feeds.insert_ignoring(session, Mute, [{"id": new_id(now), "actor_id": actor.id, "target_id": target.id, "created_at": now}])


def unmute(session: Session, actor: Actor, target: Actor, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """See somebody again."""
    session.execute(delete(Mute).where(Mute.actor_id == actor.id, Mute.target_id == target.id))


def check_gate(host: str, kind: str, rules: Rules, now: datetime) -> None:
    """Raise GateRefused, saying why, when an activity of this type may not go to `host` at all."""
    decision = send_decision(host, kind, None, rules, now)
    if decision.is_yes or decision.is_braked:
        return
    codes = [reason.code for reason in decision.reasons if reason.verdict == decision.verdict]
    text = next((WHY[code] for code in codes if code in WHY), NOT_SENT)
    raise GateRefused(codes[0] if codes else "gate_refused", text, reasons=decision.reasons, host=host)


def mark_accepted(session: Session, follow: Follow, now: datetime) -> bool:
    """Make a pending follow count, and fill the follower's home when they are ours. Say whether it was pending."""
    waiting = update(Follow).where(Follow.id == follow.id, Follow.state == "pending")
    if session.execute(waiting.values(state="accepted", accepted_at=now)).rowcount == 0:
        return False
    _count(session, follow, 1)
    if follow.follower.is_local:
        feeds.fill_home(session, follow.follower_id, follow.target_id)
        if follow.target.is_locked or not follow.target.is_local:
            feeds.notify(session, follow.follower_id, "follow_accepted", from_actor_id=follow.target_id, now=now)
    return True


def end(session: Session, follow: Follow) -> bool:
    """Delete a follow in any state and put the counters and homes right. Say whether it was there. Sends nothing."""
    accepted = delete(Follow).where(Follow.id == follow.id, Follow.state == "accepted")
    was_accepted = session.execute(accepted).rowcount == 1
    was_there = was_accepted or session.execute(delete(Follow).where(Follow.id == follow.id)).rowcount == 1
    if was_accepted:
        _count(session, follow, -1)
    if was_there:
        _untell(session, follow, "follow_request")
        if follow.follower.is_local:
            feeds.empty_home(session, follow.follower_id, follow.target_id)
    return was_there


def _insert_follow(session: Session, actor: Actor, target: Actor, settings: Settings, now: datetime) -> Follow | None:
    """Insert a pending follow; None when it is there already."""
    follow_id = new_id(now)
    row = {
        "id": follow_id, "follower_id": actor.id, "target_id": target.id, "state": "pending", "created_at": now,
        "uri": uris.follow_uri(settings.origin, follow_id),
    }  # fmt: skip
    feeds.insert_ignoring(session, Follow, [row])
    return query.follow(session, follow_id)


def _loaded(session: Session, follower_id: int, target_id: int) -> Follow:
    found = query.follow_between(session, follower_id, target_id)
    if found is None:
        raise RuntimeError("a follow vanished inside its own transaction")
    return found


def _check_blocks(session: Session, actor: Actor, target: Actor) -> None:
    mine = exists().where(Block.actor_id == actor.id, Block.target_id == target.id)
    theirs = exists().where(Block.actor_id == target.id, Block.target_id == actor.id)
    is_mine, is_theirs = session.execute(select(mine, theirs)).one()
    if is_mine:
        raise NotAllowed("blocking", N_("You block this person. Take the block back first."))
    if is_theirs:  # L16: no more is said than that it cannot be done
        raise NotAllowed("follow_refused", N_("This person cannot be followed."))


def _count(session: Session, follow: Follow, by: int) -> None:
    """Add `by` (1 or -1) to both sides' numbers, in the database, so that two changes at once both count."""
    followers = update(Actor).where(Actor.id == follow.target_id, Actor.followers_count + by >= 0)
    session.execute(followers.values(followers_count=Actor.followers_count + by))
    following = update(Actor).where(Actor.id == follow.follower_id, Actor.following_count + by >= 0)
    session.execute(following.values(following_count=Actor.following_count + by))


def _untell(session: Session, follow: Follow, kind: str) -> None:
    told = delete(Notification).where(Notification.actor_id == follow.target_id, Notification.kind == kind)
    session.execute(told.where(Notification.from_actor_id == follow.follower_id))


def _wire(follow: Follow) -> dict[str, Any]:
    """Return the Follow as it stands inside an Accept, Reject or Undo (Mastodon wants it embedded)."""
    uri = follow.uri or f"{follow.follower.uri}#follows/{follow.id}"
    return activities.follow(id=uri, actor=follow.follower.uri, object=follow.target.uri)


def _answer(session: Session, kind: str, follow: Follow, settings: Settings, rules: Rules, now: datetime) -> None:
    follower, target = follow.follower, follow.target
    if follower.is_local or not target.is_local:
        return
    writer = activities.accept if kind == "Accept" else activities.reject
    _send(session, target, kind, _writer(writer, target, follower, _wire(follow)), follower, settings, rules, now)


def _writer(writer: Callable[..., dict[str, Any]], actor: Actor, to: Actor, thing: Any) -> Callable[[str], dict[str, Any]]:
    return lambda uri: writer(id=uri, actor=actor.uri, object=thing, to=(to.uri,))


def _send(
    session: Session, actor: Actor, kind: str, build: Callable[[str], dict[str, Any]], to: Actor,
    settings: Settings, rules: Rules, now: datetime,
) -> Activity:  # fmt: skip
    return send(
        session, actor, kind, build, [recipient_of(to)], audience=None, object_uri=to.uri, is_personal=True,
        settings=settings, rules=rules, now=now,
    )  # fmt: skip

"""Stop what leaves, let it go again, and let a statement pass meanwhile. Nothing is lost and nothing counts as a try.

What is held stays in its lane, in order (`node.actions.braking`); a release makes every such lane due again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from node.actions import audit, node_settings
from node.actions.decisions import LONGEST_NOTE, check_host
from node.actions.feeds import insert_ignoring
from node.actions.roles import check_admin
from node.database import ring, rows_of
from node.errors import N_, Invalid, NotThere
from node.models import Activity, Brake, BrakePass, Delivery, Lane, Member
from node.policy import Scope
from node.queries import published, spaces

PASSING = ("Create", "Update")


def pull(
    session: Session, scope: str, subject: str = "", *, why: str = "", by: Member | None, now: datetime, own_host: str = ""
) -> Brake:
    """Hold everything within `scope` (a Scope; `subject` names its actor, space or host) until `release`.

    Pulled again it stays as it was. Raises Invalid beside `subject` or `why`, NotAllowed.
    """
    check_admin(by)
    scope, subject = check_scope(scope), check_subject(session, scope, subject, own_host)
    why = why.replace("\0", "").strip()
    if len(why) > LONGEST_NOTE:
        raise Invalid("text_long", N_("That is too long: the limit is %(most)s characters."), "why", most=LONGEST_NOTE)
    found = session.get(Brake, (scope, subject))
    if found is not None:
        return found
    brake = Brake(scope=scope, subject=subject, why=why, member_id=by.id if by else None, pulled_at=now)
    session.add(brake)
    session.flush()
    node_settings.raise_version(session, now, by, f"brake.on {scope} {subject}".strip())
    audit.record(session, by, "brake.on", subject, now=now, scope=scope, why=why)
    session.flush()
    return brake


def release(session: Session, scope: str, subject: str = "", *, by: Member | None, now: datetime) -> int:
    """Let go again; return how many lanes go on now. Raises NotThere, NotAllowed."""
    check_admin(by)
    brake = session.get(Brake, (scope, subject.strip().lower()))
    if brake is None:
        raise NotThere("brake_not_on", N_("This brake is not on."))
    session.delete(brake)
    session.flush()
    change = f"brake.off {scope} {subject}".strip()
    node_settings.raise_version(session, now, by, change)  # before the lanes: a worker that is holding some is waited for
    number = wake(session, now)
    audit.record(session, by, "brake.off", brake.subject, now=now, scope=brake.scope, lanes=number)
    session.flush()
    return number


def let_pass(session: Session, post_id: int, *, by: Member | None, now: datetime) -> int:
    """Let what waits of a post pass every brake, as it stands; a later edit is held again. Return how many activities.

    Raises NotThere (nothing of it waits), NotAllowed.
    """
    check_admin(by)
    waits = exists().where(Delivery.activity_id == Activity.id, Delivery.state == "waiting")
    about = select(Activity.id).where(Activity.post_id == post_id, Activity.kind.in_(PASSING), waits)
    ids = list(session.scalars(about))
    if not ids:
        raise NotThere("nothing_waits", N_("Nothing of this post waits to be sent."))
    member_id = by.id if by else None
    insert_ignoring(session, BrakePass, [{"activity_id": one, "member_id": member_id, "created_at": now} for one in ids])
    node_settings.raise_version(session, now, by, f"brake.pass {post_id}")
    audit.record(session, by, "brake.pass", str(post_id), now=now)
    wake(session, now, ids)
    session.flush()
    return len(ids)


def wake(session: Session, now: datetime, activity_ids: list[int] | None = None) -> int:
    """Make lanes due that were set aside with something waiting in them (of these activities); return how many."""
    waiting = exists().where(Delivery.lane_id == Lane.id, Delivery.state == "waiting")
    if activity_ids is not None:
        waiting = waiting.where(Delivery.activity_id.in_(activity_ids))
    lanes = update(Lane).where(Lane.next_at.is_(None), Lane.is_closed.is_(False), waiting)
    number = rows_of(session.execute(lanes.values(next_at=now), execution_options={"synchronize_session": False}))
    ring(session, "outbound")
    return number


def check_scope(scope: str) -> str:
    """Return the scope. Raises Invalid."""
    if scope not in list(Scope):
        raise Invalid("scope_unknown", N_("A brake is for everything, an actor, a space or a server."), "scope")
    return str(scope)


def check_subject(session: Session, scope: str, subject: str, own_host: str = "") -> str:
    """Return the subject in its one spelling: '' for the node, the name of an actor or space of ours, a host. Raises Invalid."""
    subject = subject.replace("\0", "").strip()
    match scope:
        case Scope.NODE:
            return ""
        case Scope.PEER:
            try:
                return check_host(subject, own_host)
            except Invalid as error:
                raise Invalid(error.code, error.text, "subject") from error
        case Scope.ACTOR:
            actor = published.local_actor(session, subject.removeprefix("@"))
            if actor is None:
                raise Invalid("actor_unknown", N_("There is nobody of this name here."), "subject")
            return actor.username
    space = spaces.by_name(session, subject)
    if space is None:
        raise Invalid("space_unknown", N_("There is no space of this name here."), "subject")
    return space.name

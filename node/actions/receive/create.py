"""Create: a new post, or a vote in a poll of ours."""

from __future__ import annotations

from sqlalchemy.orm import Session

from federation.activities import Activity
from federation.objects import RemoteObject, read_object
from node.actions.receive import votes
from node.actions.receive.context import Context, Outcome, done, ignored
from node.actions.receive.forwarding import pass_on_reply
from node.actions.remote import take_post


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Keep the post. One that came by its id alone is read at its id; one that is known stays as it is (case A15)."""
    remote = object_of(activity, context)
    if remote is None:
        return ignored("object_not_there")
    if votes.is_vote(remote):
        context.memory.forget()
        return votes.apply(session, remote, context)
    reply = take_post(context.memory, remote, context.sender, inbox_owner=context.inbox_owner)
    pass_on_reply(session, activity, remote, reply, context)
    return done()


def object_of(activity: Activity, context: Context) -> RemoteObject | None:
    """Return the activity's object, embedded or fetched. Raises Needs, and FederationError when it makes no sense."""
    if activity.object is not None:
        return read_object(activity.object, fallback=activity.addressing)
    if activity.object_uri is None:
        return None
    known = context.memory.post(activity.object_uri)
    if known is not None and activity.type == "Create":
        return None
    return context.read_object(activity.object_uri)

"""What an accepted activity does. One module for each family of verbs; each may run twice with the same effect.

The inbox has verified who sent it; that the sender may do this to that object is checked here again, because whoever
calls could be wrong and rules may have changed since. Nothing is fetched here: what is missing is asked for with Needs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy.orm import Session

from federation.activities import Activity, require_own
from federation.errors import FederationError, NotAuthorized
from node import uris
from node.actions.receive import announce, answers, block, create, delete, featured, flag, follow, like, move, undo, update
from node.actions.receive.context import Context, Needs, Outcome, ignored, refused
from node.actions.remote import Buried, Known, NotAPost
from node.policy import Direction, Facts, Verdict, decide

__all__ = ["HANDLERS", "Context", "Needs", "Outcome", "apply"]

security_log = logging.getLogger("courtyard.security")

Handler = Callable[[Session, Activity, Context], Outcome]

HANDLERS: dict[str, Handler] = {
    "Accept": answers.accept,
    "Add": featured.add,
    "Announce": announce.apply,
    "Block": block.apply,
    "Create": create.apply,
    "Delete": delete.apply,
    "EmojiReact": like.apply,
    "Flag": flag.apply,
    "Follow": follow.apply,
    "Like": like.apply,
    "Move": move.apply,
    "Reject": answers.reject,
    "Remove": featured.remove,
    "Undo": undo.apply,
    "Update": update.apply,
}

GATHERING = frozenset({"Create"})
"""Verbs that only add to `Known`; all others need what was gathered before them to be written."""


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Do what `activity` says, as far as its sender may. Raises Needs before it has changed anything.

    With `context.known` the caller flushes it at the end of its batch; without, everything is written on return.
    """
    handler = HANDLERS.get(activity.type)
    if handler is None:
        return ignored("type_unknown")
    outcome = _standing(activity, context) or _handled(session, activity, context, handler)
    if outcome.state == "refused":
        # What the door took and is refused here leaves the same line in the log as what the door refuses.
        security_log.info("refused %s code=%s host=%s", activity.type, outcome.reason, context.sender.host)
    return outcome


def _handled(session: Session, activity: Activity, context: Context, handler: Handler) -> Outcome:
    known = context.known or Known(session, context.settings.host, context.now)
    own = replace(context, known=known)
    if activity.type not in GATHERING:
        known.forget()
    try:
        outcome = handler(session, activity, own)
    except NotAuthorized as error:
        outcome = refused(error.code)
    except FederationError as error:
        outcome = ignored(error.code)
    except Buried:
        outcome = ignored("gone")
    except NotAPost:
        outcome = ignored("kind_not_kept")
    if activity.type not in GATHERING or context.known is None:
        session.flush()
        known.forget()
    return outcome


def _standing(activity: Activity, context: Context) -> Outcome | None:
    """Return why nothing happens, or None when the sender may speak at all and speaks of its own."""
    sender = context.sender
    if sender.uri != activity.actor or sender.is_local:
        return refused("not_the_sender")
    if sender.deleted_at is not None and activity.type != "Update":
        return ignored("sender_gone")
    if sender.suspended_at is not None:
        return refused("sender_suspended")
    try:
        require_own(activity)
    except NotAuthorized as error:
        return refused(error.code)
    if any(uris.is_ours(uri, context.settings.origin) for uri in activity.claimed_ids):
        return refused("id_of_ours")
    facts = Facts(Direction.IN, sender.host, activity.type, context.now, actor=sender.uri, is_addressed_here=True)
    decision = decide(facts, context.rules)
    if decision.is_yes:
        return None
    code = next(reason.code for reason in decision.reasons if reason.verdict == decision.verdict)
    return Outcome("held" if decision.verdict is Verdict.HOLD else "refused", code)

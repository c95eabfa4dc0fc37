"""Undo: the sender takes back its own follow, like, boost or block."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from federation.activities import Activity
from federation.origins import same_origin
from node.actions import feeds
from node.actions.receive.context import Context, Outcome, done, ignored, refused
from node.actions.receive.follow import count_follow
from node.actions.remote import bury
from node.models import Actor, Block, Boost, Follow, Like, Notification, Post

Undone = Follow | Like | Boost | Block
_TABLES: dict[str, Any] = {"Follow": Follow, "Like": Like, "EmojiReact": Like, "Announce": Boost, "Block": Block}
_QUIET = {"synchronize_session": False}


def apply(session: Session, activity: Activity, context: Context) -> Outcome:
    """Take back what the sender did, by its id or by what it says (cases A09, A14: never another's).

    An id we do not know leaves a tombstone: what it undoes may still be on its way.
    """
    embedded, sender = activity.object, context.sender
    if embedded is not None and embedded.uri("actor") not in (None, sender.uri):
        return refused("of_another_actor")
    row = _by_uri(session, activity.object_uri, sender) or _by_meaning(session, activity, sender)
    if row is None:
        uri = activity.object_uri
        if uri is not None and same_origin(uri, sender.uri) and (embedded is None or embedded.is_a(*_TABLES)):
            if session.scalar(select(Post.id).where(Post.uri == uri)) is not None:
                return refused("not_an_activity")
            if _is_known(session, uri):
                return refused("of_another_actor")
            bury(session, uri, "Activity", context.now)
        return ignored("not_done_here")
    _take_back(session, row)
    return done()


def _by_uri(session: Session, uri: str | None, sender: Actor) -> Undone | None:
    if uri is None:
        return None
    tables: tuple[Any, ...] = (Follow, Like, Boost, Block)
    found = (session.scalar(select(table).where(table.uri == uri, _doer(table) == sender.id)) for table in tables)
    return next((row for row in found if row is not None), None)


def _is_known(session: Session, uri: str) -> bool:
    """Say whether somebody did this: then it is not for others to take back, nor to bury."""
    tables: tuple[Any, ...] = (Follow, Like, Boost, Block)
    return any(session.scalar(select(table.id).where(table.uri == uri)) is not None for table in tables)


def _by_meaning(session: Session, activity: Activity, sender: Actor) -> Undone | None:
    """Find it by who did it to what: some servers make up a new id when they undo."""
    embedded = activity.object
    table = next((_TABLES[name] for name in embedded.types if name in _TABLES), None) if embedded is not None else None
    about = embedded.uri("object") if embedded is not None else None
    if table is None or about is None:
        return None
    if table in (Follow, Block):
        target_id = session.scalar(select(Actor.id).where(Actor.uri == about))
        return session.scalar(select(table).where(_doer(table) == sender.id, table.target_id == target_id))
    post_id = session.scalar(select(Post.id).where(Post.uri == about))
    return session.scalar(select(table).where(_doer(table) == sender.id, table.post_id == post_id))


def _doer(table: Any) -> Any:
    return table.follower_id if table is Follow else table.actor_id


def _take_back(session: Session, row: Undone) -> None:
    if isinstance(row, Follow):
        if row.state == "accepted":
            count_follow(session, row.follower_id, row.target_id, -1)
        _untell(session, row.target_id, "follow_request", row.follower_id, None)
    elif isinstance(row, Like | Boost):
        column = Post.likes_count if isinstance(row, Like) else Post.boosts_count
        fewer = update(Post).where(Post.id == row.post_id, column > 0).values({column: column - 1})
        session.execute(fewer, execution_options=_QUIET)
        author_id = session.scalar(select(Post.author_id).where(Post.id == row.post_id)) or 0
        _untell(session, author_id, "like" if isinstance(row, Like) else "boost", row.actor_id, row.post_id)
        if isinstance(row, Boost):
            feeds.withdraw_boost(session, row.id)
    session.delete(row)
    session.flush()


def _untell(session: Session, actor_id: int, kind: str, from_actor_id: int, post_id: int | None) -> None:
    told = (Notification.actor_id == actor_id, Notification.kind == kind, Notification.from_actor_id == from_actor_id)
    about = Notification.post_id.is_(None) if post_id is None else Notification.post_id == post_id
    session.execute(delete(Notification).where(*told, about), execution_options=_QUIET)

"""Notifications, and how far they and the home timeline have been read."""

from __future__ import annotations

from typing import Any

from flask import Response

from node.actions import markers as marks
from node.actions import notices as actions
from node.api.entities.notifications import TYPES
from node.api.entities.values import moment
from node.api.found import nothing
from node.api.given import Given, given
from node.api.guards import Caller
from node.api.paging import Page, page, paged, sifted
from node.api.shown import notifications_of
from node.database import db, transaction
from node.errors import N_, Invalid
from node.models import Notification
from node.queries import members, notifications
from node.runtime import current_node

TIMELINES = ("home", "notifications")


def show(caller: Caller) -> Response:
    """GET /api/v1/notifications"""
    wanted = given()
    kinds = _kinds(wanted)
    sender = wanted.number("account_id")
    rows = sifted(
        lambda part: _fetch(caller, part, kinds),
        lambda row: row.id,
        lambda row: sender is None or row.from_actor_id == sender,
        page(wanted, 40, 80),
    )
    return paged(notifications_of(caller, rows), [row.id for row in rows])


def show_one(caller: Caller, notification_id: int) -> dict[str, Any]:
    """GET /api/v1/notifications/:id"""
    rows = notifications.list(db.session(), caller.actor_id, notification_id + 1, 1, tuple(TYPES))
    entities = notifications_of(caller, [row for row in rows if row.id == notification_id])
    if not entities:
        raise nothing()
    return entities[0]


def unread_count(caller: Caller) -> dict[str, int]:
    """GET /api/v1/notifications/unread_count"""
    return {"count": notifications.unread_count(db.session(), caller.member)}


def clear(caller: Caller) -> dict[str, Any]:
    """POST /api/v1/notifications/clear"""
    with transaction() as session:
        actions.clear(session, caller.actor_id)
    return {}


def dismiss(caller: Caller, notification_id: int) -> dict[str, Any]:
    """POST /api/v1/notifications/:id/dismiss"""
    with transaction() as session:
        actions.dismiss(session, caller.actor_id, notification_id)
    return {}


def show_markers(caller: Caller) -> dict[str, Any]:
    """GET /api/v1/markers?timeline[]="""
    wanted = [name for name in given().texts("timeline") if name in TIMELINES]
    return {name: _marker(found) for name, found in marks.of(caller.member, caller.actor).items() if name in wanted}


def save_markers(caller: Caller) -> dict[str, Any]:
    """POST /api/v1/markers"""
    wanted = given()
    positions = {name: _last_read(wanted.part(name)) for name in TIMELINES if name in wanted}
    with transaction() as session:
        member = members.get(session, caller.member.id)
        if member is None:
            raise nothing()
        for name, last_read_id in positions.items():
            marks.move(session, member, name, last_read_id, current_node().now())
        found = marks.of(member, member.actor)
    return {name: _marker(found[name]) for name in positions if name in found}


def _fetch(caller: Caller, part: Page, kinds: tuple[str, ...]) -> list[Notification]:
    session = db.session()
    if not kinds:
        return []
    return list(notifications.list(session, caller.actor_id, part.older_than, part.limit, kinds, part.newer_than))


def _kinds(wanted: Given) -> tuple[str, ...]:
    """Return our kinds for the types the client wants."""
    types = set(wanted.texts("types")) or set(TYPES.values())
    types -= set(wanted.texts("exclude_types"))
    return tuple(kind for kind, name in TYPES.items() if name in types)


def _last_read(part: Given) -> int:
    last_read_id = part.number("last_read_id")
    if last_read_id is None:
        raise Invalid("last_read_id", N_("Say up to which id it was read."), "last_read_id")
    return last_read_id


def _marker(found: marks.Marker) -> dict[str, Any]:
    return {"last_read_id": str(found.last_read_id), "version": found.version, "updated_at": moment(found.updated_at)}

"""The way around the administration: five rooms, their pages, and who may enter which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _

from node.admin import words
from node.runtime import current_node
from node.visitors import ROLES, visitor

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Door:
    """A link to a page: its endpoint (without the blueprint), its words, its address."""

    name: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Room:
    """Pages that belong together. Its own link leads to the first page one may enter."""

    words: str
    doors: tuple[Door, ...]

    @property
    def url(self) -> str:
        return self.doors[0].url

    def holds(self, name: str) -> bool:
        return any(door.name == name for door in self.doors)


def rooms(role: str) -> list[Room]:
    """Return the rooms and pages for a role, in the reader's language."""
    plan = (
        (_("Overview"), (("overview", _("Overview"), "moderator"),)),
        (
            _("People"),
            (
                ("members", _("Members"), "admin"),
                ("invitations", _("Invitations"), "admin"),
                ("reports", _("Reports"), "moderator"),
            ),
        ),
        (
            _("Servers"),
            (
                ("peers", _("All servers"), "admin"),
                ("lobby", _("Lobby"), "moderator"),
                ("mode", _("Federation mode"), "admin"),
                ("rules", _("Content rules"), "admin"),
                ("exchange", _("Import and export"), "admin"),
            ),
        ),
        (
            _("Traffic"),
            (
                ("deliveries", _("Deliveries"), "admin"),
                ("brake", _("Brake"), "admin"),
                ("jobs", _("Work"), "admin"),
                ("refusals", _("Turned away"), "moderator"),
                ("ledger", _("Ledger"), "admin"),
                ("explain", _("Explain"), "admin"),
            ),
        ),
        (_("This node"), (("settings", _("Name and looks"), "admin"), ("audit", _("Who did what"), "admin"))),
    )
    rank = ROLES.index(role)
    found = []
    for title, doors in plan:
        open_to = tuple(Door(name, text, url_for(f"admin.{name}")) for name, text, least in doors if ROLES.index(least) <= rank)
        if open_to:
            found.append(Room(title, open_to))
    return found


def surround() -> dict[str, Any]:
    """Return what every admin template may use besides what all pages have."""
    member = visitor()
    if member is None or member.role not in ("moderator", "admin"):
        return {}
    is_braked = bool(current_node().recent_rules().brakes)
    return {"rooms": rooms(member.role), "is_admin": member.role == "admin", "is_braked": is_braked} | words.FOR_TEMPLATES


def cut(rows: Any, size: int = PAGE_SIZE) -> tuple[list[Any], bool]:
    """Return the first `size` of `size + 1` rows, and whether there is more."""
    rows = list(rows)
    return rows[:size], len(rows) > size


def asked(name: str) -> str:
    """Return what stands under `name` in the address, without spaces around and without NUL, which PostgreSQL does not take."""
    return request.args.get(name, "").replace("\0", "").strip()

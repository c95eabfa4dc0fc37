"""What every page stands in: the house, the visitor, the language, the numbers in the margin. For all doors that show pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Flask, g, request
from flask_babel import get_locale

from node.database import db
from node.models import Member
from node.policy import Rules
from node.queries import members, notifications, settings
from node.queries.settings import NodeProfile
from node.runtime import current_node
from node.visitors import ROLES, visitor


@dataclass
class Page:
    """What base.html asks for. The numbers are counted only when a template shows them."""

    member: Member | None
    mode: str
    is_indexable: bool = False
    """Whether search engines may list it; `node.web.finding` decides."""

    @property
    def language(self) -> str:
        locale = get_locale()
        return locale.language if locale else "en"

    @property
    def theme(self) -> str:
        return self.member.theme if self.member else "auto"

    @property
    def is_public(self) -> bool:
        return self.mode != "closed"

    @property
    def admin_url(self) -> str:
        return "/admin/" if self.member and ROLES.index(self.member.role) > 0 else ""

    @cached_property
    def unread(self) -> int:
        return notifications.unread_count(db.session(), self.member) if self.member else 0

    @cached_property
    def members_count(self) -> int:
        return members.count(db.session()) if self.member else 0


def rules() -> Rules:
    """Return the gate's rules for this request."""
    if "rules" not in g:
        g.rules = current_node().rules(db.session())
    return g.rules  # type: ignore[no-any-return]


def house() -> NodeProfile:
    """Return how the node introduces itself."""
    if "house" not in g:
        g.house = settings.public(db.session(), current_node().settings.federation)
    return g.house  # type: ignore[no-any-return]


def surround() -> dict[str, Any]:
    """Return what every template may use. Without the database (`g.is_in_trouble`), and for a file that is not there, it
    is the bare walls."""
    if g.get("is_in_trouble") or request.endpoint == "static":
        return {"house": NodeProfile(), "page": Page(None, "closed"), "visitor": None, "domain": ""}
    return {
        "house": house(),
        "page": Page(visitor(), house().mode, g.get("is_indexable", False)),
        "visitor": visitor(),
        "domain": current_node().settings.host,
    }


def init_app(app: Flask) -> None:
    """Put every page of every door into these surroundings."""
    app.context_processor(surround)

"""What admins can change while the node runs, and what of it everybody may know. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.models import NodeSetting

DEFAULT_NAME = "Courtyard"
DEFAULT_ACCENT = "#2f6f5e"
LANGUAGES = ("de", "en")


@dataclass(frozen=True, slots=True)
class NodeProfile:
    """The node as it introduces itself. `mode` is '' until an admin has chosen: then the settings' mode holds."""

    name: str = DEFAULT_NAME
    description: str = ""
    accent: str = DEFAULT_ACCENT
    languages: tuple[str, ...] = LANGUAGES
    mode: str = ""
    contact: str = ""
    rules: str = ""


PUBLIC = ("name", "description", "accent", "languages", "mode", "contact", "rules")


def get(session: Session, name: str, default: Any = None) -> Any:
    """Return one value, `default` when it was never set."""
    row = session.execute(select(NodeSetting.value).where(NodeSetting.name == name)).first()
    return default if row is None else row[0]


def public(session: Session, default_mode: str = "") -> NodeProfile:
    """Return what the node says about itself. `default_mode` stands in while no admin has chosen a mode."""
    chosen = select(NodeSetting.name, NodeSetting.value).where(NodeSetting.name.in_(PUBLIC))
    values: dict[str, Any] = {"mode": default_mode}
    for name, value in session.execute(chosen):
        values[name] = tuple(value) if name == "languages" else value
    return NodeProfile(**values)

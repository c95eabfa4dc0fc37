"""What admins change while the node runs: its mode, its name, its looks, its rules. Each change leaves an audit row."""

from __future__ import annotations

import re
import zlib
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from node.actions import audit
from node.actions.members import check_email
from node.actions.roles import check_admin
from node.errors import N_, Invalid
from node.models import Member, NodeSetting, RuleVersion
from node.policy import Mode
from node.queries import rules as rules_query
from node.queries import settings as query
from node.queries.settings import LANGUAGES

LONGEST = {"name": 80, "description": 2_000, "rules": 20_000}
_ACCENT = re.compile(r"#[0-9a-f]{6}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def set_mode(session: Session, mode: str | Mode, by: Member | None, now: datetime) -> None:
    """Set the federation mode; it holds at once in every process. Raises Invalid, NotAllowed."""
    check_admin(by)
    if mode not in list(Mode):
        raise Invalid("mode_unknown", N_("The mode is closed, selective or open."), "mode")
    mode = Mode(mode)
    before = query.get(session, rules_query.MODE)
    if before == mode:
        return
    put(session, rules_query.MODE, mode.value, now)
    raise_version(session, now, by, f"node.mode {mode.value}")
    audit.record(session, by, "node.mode", mode.value, now=now, before=before)
    session.flush()


def update(session: Session, by: Member | None, now: datetime, **values: Any) -> list[str]:
    """Set any of name, description, accent, contact, rules, languages, default_language; return the names of what changed.

    Raises Invalid beside the field before anything is changed, NotAllowed.
    """
    check_admin(by)
    checked = {name: _checked(name, value) for name, value in values.items()}
    changed = [name for name, value in checked.items() if query.get(session, name) != value]
    for name in changed:
        put(session, name, checked[name], now)
    if changed:
        audit.record(session, by, "node.settings", ", ".join(sorted(changed)), now=now)
        session.flush()
    return changed


def raise_version(session: Session, now: datetime, by: Member | None = None, change: str = "") -> int:
    """Give the rule set its next number and keep it as it stands now: every process then reads the rules anew.

    Two changes at once count as two. `by` None is the command line; `change` says what was done.
    """
    row = session.get(NodeSetting, rules_query.VERSION, with_for_update=True, populate_existing=True)
    number = (int(row.value) if row is not None else 0) + 1
    put(session, rules_query.VERSION, number, now)
    rules_query.note_change()
    whole = rules_query.as_json(rules_query.load(session, Mode.SELECTIVE)).encode()
    session.add(
        RuleVersion(
            number=number, made_at=now, member_id=by.id if by else None, change=change[:300], snapshot=zlib.compress(whole, 1)
        )
    )
    return number


def put(session: Session, name: str, value: Any, now: datetime) -> None:
    """Write one value, unchecked."""
    row = session.get(NodeSetting, name)
    if row is None:
        session.add(NodeSetting(name=name, value=value, updated_at=now))
    else:
        row.value, row.updated_at = value, now
    session.flush()


def _checked(name: str, value: Any) -> Any:
    match name:
        case "name" | "description" | "rules":
            return _text(name, value)
        case "accent":
            return _accent(value)
        case "contact":
            return check_contact(value)
        case "default_language":
            return _language(value)
        case "languages":
            return _languages(value)
    raise Invalid("setting_unknown", N_("There is no such setting: %(name)s"), name, name=name)


def _text(name: str, value: Any) -> str:
    text = _CONTROL.sub("", str(value).replace("\r\n", "\n")).strip()
    if name == "name":
        text = " ".join(text.split())
        if not text:
            raise Invalid("name_empty", N_("The node needs a name."), "name")
    if len(text) > LONGEST[name]:
        raise Invalid("text_long", N_("That is too long: the limit is %(most)s characters."), name, most=LONGEST[name])
    return text


def _accent(value: Any) -> str:
    colour = str(value).strip().lower()
    if not _ACCENT.fullmatch(colour):
        raise Invalid("accent_bad", N_("A colour is written like #2f6f5e."), "accent")
    return colour


def check_contact(value: Any) -> str:
    """Return the contact address, '' for none. Raises Invalid beside `contact`."""
    if not str(value).strip():
        return ""
    try:
        return check_email(str(value))
    except Invalid as error:
        raise Invalid(error.code, error.text, "contact") from error


def _language(value: Any) -> str:
    if value not in LANGUAGES:
        raise Invalid("language_unknown", N_("Please choose German or English."), "default_language")
    return str(value)


def _languages(value: Any) -> list[str]:
    wanted = [value] if isinstance(value, str) else list(value)
    chosen = [language for language in LANGUAGES if language in wanted]
    if not chosen or set(wanted) - set(LANGUAGES):
        raise Invalid("languages_bad", N_("Please choose German, English or both."), "languages")
    return chosen

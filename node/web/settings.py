"""A member's settings in four pages: profile, reading, posting, account."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import refresh
from werkzeug.wrappers import Response as BaseResponse

from node.actions import profile
from node.database import transaction
from node.errors import ActionError
from node.models import Member
from node.policy import Mode
from node.runtime import current_node
from node.visitors import the_member
from node.web import account
from node.web.drafts import INSIDE_ONLY, ORDER
from node.web.errors import explain
from node.web.surroundings import rules
from node.web.wording import audience_name

PARTS = ("profile", "reading", "posting", "account")
FIELD_ROWS = 4
Errors = dict[str, str]


def show(part: str = "profile") -> Any:
    """Show one page of settings."""
    member = the_member()
    return account.show(member) if part == "account" else _render(part, member, FORMS[part](member), {})


def save(part: str) -> Any:
    """Keep one page of settings, or say beside each field what is wrong."""
    member = the_member()
    return account.change_password(member) if part == "account" else SAVERS[part](member)


def _render(part: str, member: Member, form: SimpleNamespace, errors: Errors) -> str:
    possible = INSIDE_ONLY if rules().mode is Mode.CLOSED else ORDER
    audiences = [(audience.value, audience_name(audience)) for audience in possible]
    return render_template(f"web/settings/{part}.html", part=part, form=form, errors=errors, audiences=audiences)


def _saved(part: str) -> BaseResponse:
    flash(_("Saved."), "good")
    return redirect(url_for("web.settings", part=part), 303)


def _profile_form(member: Member) -> SimpleNamespace:
    actor = member.actor
    fields = [list(pair) for pair in actor.fields][:FIELD_ROWS]
    return SimpleNamespace(
        name=actor.name, summary=actor.summary_source, fields=fields + [["", ""]] * (FIELD_ROWS - len(fields)),
        is_locked=actor.is_locked, is_discoverable=actor.is_discoverable, is_indexable=actor.is_indexable,
    )  # fmt: skip


def _save_profile(member: Member) -> Any:
    pairs = [[label.strip()[:100], content.strip()[:400]] for label, content in zip(
        request.form.getlist("label"), request.form.getlist("content"), strict=False)][:FIELD_ROWS]  # fmt: skip
    form = SimpleNamespace(
        name=request.form.get("name", "").strip(), summary=request.form.get("summary", ""), fields=pairs + [["",
        ""]] * (FIELD_ROWS - len(pairs)),
        is_locked=request.form.get("locked") == "yes", is_discoverable=request.form.get("discoverable") == "yes",
        is_indexable=request.form.get("indexable") == "yes",
    )  # fmt: skip
    if not form.name:
        return _render("profile", member, form, {"name": _("Please tell us your name.")}), 422
    try:
        _update(
            member, name=form.name, summary=form.summary, fields=[tuple(pair) for pair in pairs],
            is_locked=form.is_locked, is_discoverable=form.is_discoverable, is_indexable=form.is_indexable,
        )  # fmt: skip
    except ActionError as error:
        field = {"display_name": "name"}.get(error.field, error.field)
        return _render("profile", member, form, {field or "name": explain(error)}), error.status
    return _saved("profile")


def _reading_form(member: Member) -> SimpleNamespace:
    return SimpleNamespace(language=member.language, address="informal" if member.is_informal else "formal", theme=member.theme)


def _save_reading(member: Member) -> Any:
    form = SimpleNamespace(**{name: request.form.get(name, "") for name in ("language", "address", "theme")})
    try:
        _update(member, language=form.language, theme=form.theme, is_informal=form.address == "informal")
    except ActionError as error:
        return _render("reading", member, form, {error.field: explain(error)}), error.status
    g.is_informal = form.address == "informal"
    refresh()  # the words of "Saved" are already in the new language
    return _saved("reading")


def _posting_form(member: Member) -> SimpleNamespace:
    return SimpleNamespace(audience=member.default_audience)


def _save_posting(member: Member) -> Any:
    try:
        _update(member, default_audience=request.form.get("audience", ""))
    except ActionError as error:
        return _render("posting", member, _posting_form(member), {"audience": explain(error)}), error.status
    return _saved("posting")


def _update(member: Member, **values: Any) -> None:
    node = current_node()
    gate = rules()
    with transaction() as session:
        profile.update(session, session.merge(member), **values, settings=node.settings, rules=gate, now=node.now())


FORMS: dict[str, Callable[[Member], SimpleNamespace]] = {
    "profile": _profile_form,
    "reading": _reading_form,
    "posting": _posting_form,
}
SAVERS: dict[str, Callable[[Member], Any]] = {"profile": _save_profile, "reading": _save_reading, "posting": _save_posting}

"""The ledger: who has a post and by which rule, what a server received, what left last. Looking changes nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _

from node.admin.hosts import read_host
from node.admin.rooms import PAGE_SIZE, asked, cut
from node.database import db, row_id
from node.ledger import read_rule_names
from node.queries import ledger as query
from node.runtime import current_node


def index() -> str:
    """Show the newest lines; those of one server with ?host=; every holder of one post or other object with ?object=."""
    name = asked("object")
    if not name:
        return _lines(asked("host"))
    uri = query.object_of(db.session(), name)
    if query.is_known(db.session(), uri):
        return _holders(name, uri)
    return _lines("", name, _("Nothing of this name is known here. Give the number of a post, or its whole address."))


def state_words(state: str) -> tuple[str, str]:
    """Return (words, tone) for what is known of the other side."""
    return {
        "taken": (_("has it"), "outside"),
        "refused": (_("read and refused it"), ""),
        "unknown": (_("may have it"), "waiting"),
    }.get(state, (state, ""))


def channel_words(channel: str) -> str:
    """Return by which way something left."""
    return {
        "delivery": _("sent"),
        "get": _("fetched, signed"),
        "export": _("exported"),
        "webhook": _("by webhook"),
        "mail": _("by mail"),
        "page": _("page"),
        "api": _("client API"),
        "public": _("fetched, unsigned"),
        "feed": _("feed"),
    }.get(channel, channel)


def _lines(typed: str, name: str = "", name_problem: str = "") -> str:
    session = db.session()
    host, problem = read_host(typed) if typed else ("", "")
    older_than = request.args.get("before", type=row_id)
    if problem or name_problem:
        rows: list[Any] = []
    elif host:
        rows = query.received(session, host, older_than, PAGE_SIZE + 1)
    else:
        rows = query.newest(session, older_than, PAGE_SIZE + 1)
    found, has_more = cut(rows)
    return _page(
        "admin/ledger.html",
        lines=[_line(row) for row in found],
        received=query.received_by(session, host) if host else None,
        head=query.head(session)[0],
        host=typed,
        found_host=host,
        is_known=bool(rows) or not host or query.is_known_host(session, host),
        problem=problem,
        name=name,
        name_problem=name_problem,
        more=url_for("admin.ledger", host=host or None, before=found[-1].number) if has_more else "",
    )


def _holders(name: str, uri: str) -> str:
    session = db.session()
    found, has_more = cut(query.holders(session, uri, asked("after"), PAGE_SIZE + 1))
    post_id = query.post_id_of(session, uri)
    return _page(
        "admin/ledger_object.html",
        uri=uri,
        holders=[SimpleNamespace(held=one, reasons=read_rule_names(one.last.reasons)) for one in found],
        number=query.holders_count(session, uri),
        reads=query.reads(session, post_id) if post_id is not None else {},
        name=name,
        more=url_for("admin.ledger", object=name, after=found[-1].host) if has_more else "",
    )


def _page(template: str, **values: Any) -> str:
    return render_template(template, state_words=state_words, channel_words=channel_words, **values)


def _line(row: Any) -> SimpleNamespace:
    name = row.object_uri.removeprefix(current_node().settings.origin)
    return SimpleNamespace(row=row, name=name, reasons=read_rule_names(row.reasons))

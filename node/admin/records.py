"""What was turned away and why, and who did what here: the two records one looks things up in."""

from __future__ import annotations

from flask import render_template, request, url_for

from node.admin.hosts import read_host
from node.admin.rooms import PAGE_SIZE, asked, cut
from node.database import db, row_id
from node.queries import audit as audit_query
from node.queries import peers


def refusals() -> str:
    """List what the gate turned away or kept back, newest first, for one server and direction if asked."""
    typed = asked("host")
    host, problem = read_host(typed) if typed else ("", "")
    direction = request.args.get("direction", "")
    direction = direction if direction in ("in", "out") else ""
    older_than = request.args.get("before", type=row_id)
    rows = peers.refusals(db.session(), host or None, direction=direction or None, older_than=older_than, limit=PAGE_SIZE + 1)
    found, has_more = cut([] if problem else rows)
    more = url_for("admin.refusals", host=host or None, direction=direction or None, before=found[-1].id) if has_more else ""
    return render_template(
        "admin/refusals.html",
        refusals=found,
        host=typed,
        problem=problem,
        direction=direction,
        more=more,
        is_filtered=bool(typed or direction),
    )


def audit() -> str:
    """List what admins and moderators did, newest first, found by kind and by what it was done to."""
    kind, subject = asked("kind"), asked("q")
    verb = f"{kind}." if kind.isalpha() else ""
    older_than = request.args.get("before", type=row_id)
    lines, has_more = cut(audit_query.list(db.session(), verb=verb, subject=subject, older_than=older_than, limit=PAGE_SIZE + 1))
    more = url_for("admin.audit", before=lines[-1].entry.id, kind=kind or None, q=subject or None) if has_more else ""
    return render_template("admin/audit.html", lines=lines, kind=kind, text=subject, more=more)

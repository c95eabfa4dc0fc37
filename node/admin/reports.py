"""Reports: what people, here or elsewhere, ask us to look at."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from node.actions import reports
from node.admin.rooms import PAGE_SIZE, cut
from node.database import db, row_id, transaction
from node.models import Report
from node.queries import posts
from node.queries import reports as query
from node.queries.audience import viewer_member
from node.runtime import current_node
from node.visitors import the_member


def index() -> str:
    """List open reports, or with ?state=closed those that were closed, newest first."""
    is_open = request.args.get("state") != "closed"
    older_than = request.args.get("before", type=row_id)
    rows, has_more = cut(query.list(db.session(), is_open=is_open, older_than=older_than, limit=PAGE_SIZE + 1))
    more = url_for("admin.reports", before=rows[-1].id, state=None if is_open else "closed") if has_more else ""
    return render_template("admin/reports.html", reports=rows, is_open=is_open, more=more)


def show(report_id: int) -> str:
    """Show a report with those of its posts that the reader may see: a report opens nobody's letters."""
    report = _report(report_id)
    member = the_member()
    seen = posts.many(db.session(), report.post_ids, viewer_member(member.actor_id))
    found = [seen[post_id] for post_id in report.post_ids if post_id in seen]
    marks = posts.marks(db.session(), member.actor_id, list(seen))
    return render_template("admin/report.html", report=report, posts=found, marks=marks, unseen=len(report.post_ids) - len(found))


def handle(report_id: int, verb: str) -> Response:
    """Close a report or open it again."""
    with transaction() as session:
        action = reports.close if verb == "close" else reports.reopen
        action(session, _report(report_id), by=the_member(), now=current_node().now())
    if verb == "close":
        flash(_("The report is closed. Thank you for looking."), "good")
        return redirect(url_for("admin.reports"), 303)
    flash(_("The report is open again."), "good")
    return redirect(url_for("admin.report", report_id=report_id), 303)


def _report(report_id: int) -> Report:
    return query.get(db.session(), report_id) or abort(404)

"""Work: what the workers have before them, whether they are there, and what was given up."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from node.actions import parked as actions
from node.admin import queues
from node.admin.rooms import PAGE_SIZE, cut
from node.database import db, row_id, transaction
from node.queries import jobs as query
from node.runtime import current_node
from node.visitors import the_member


def show() -> str:
    """Show queues, workers, what arrived by state, and what was given up, newest first."""
    session, node = db.session(), current_node()
    parked, has_more = cut(query.parked(session, request.args.get("before", type=row_id), PAGE_SIZE + 1))
    return render_template(
        "admin/jobs.html",
        overview=query.overview(session, node.now()),
        bench=queues.look(node.settings.redis_url),
        parked=parked,
        parked_errands=query.parked_errands(session),
        more=url_for("admin.jobs", before=parked[-1].id) if has_more else "",
    )


def retry(receipt_id: int) -> Response:
    """Try something again that was given up."""
    with transaction() as session:
        actions.retry(session, receipt_id, by=the_member(), now=current_node().now())
    flash(_("It is tried again now."), "good")
    return redirect(url_for("admin.jobs"), 303)

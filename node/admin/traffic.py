"""Deliveries: how they stand, which servers do not take them, what was given up, and trying again."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from node.actions import deliveries as actions
from node.admin.hosts import read_host
from node.admin.rooms import PAGE_SIZE, asked, cut
from node.database import db, row_id, transaction
from node.queries import deliveries as query
from node.queries import oversight
from node.runtime import current_node
from node.visitors import the_member

LISTS = {"failed": query.failed, "waiting": query.waiting}


def deliveries() -> str:
    """Show the overview and a list: failed deliveries, or with ?state=waiting those that wait."""
    session, now = db.session(), current_node().now()
    typed = asked("host")
    host, problem = read_host(typed) if typed else ("", "")
    state = request.args.get("state", "failed")
    state = state if state in LISTS else "failed"
    rows = [] if problem else LISTS[state](session, host or None, request.args.get("before", type=row_id), PAGE_SIZE + 1)
    found, has_more = cut(rows)
    more = url_for("admin.deliveries", state=state, host=host or None, before=found[-1].id) if has_more else ""
    return render_template(
        "admin/deliveries.html",
        overview=query.overview(session, now),
        sent=oversight.sent_by_day(session, now),
        days=oversight.DAYS,
        deliveries=found,
        state=state,
        host=typed,
        problem=problem,
        more=more,
        now=now,
    )


def resend(delivery_id: int) -> Response:
    """Queue a failed delivery once more."""
    node = current_node()
    with transaction() as session:
        delivery = actions.resend(session, delivery_id, rules=node.rules(session), now=node.now(), by=the_member())
        host = delivery.lane.host
    flash(_("It is on its way to %(host)s again.", host=host), "good")
    return redirect(url_for("admin.deliveries"), 303)


def retry_host() -> Response:
    """Try a server now that was left alone for a while."""
    host, problem = read_host(request.form.get("host", ""))
    if problem:
        flash(problem, "bad")
        return redirect(url_for("admin.deliveries"), 303)
    with transaction() as session:
        number = actions.retry_host(session, host, now=current_node().now(), by=the_member())
    if number:
        flash(
            ngettext(
                "%(host)s is tried now: %(num)s inbox has something waiting.",
                "%(host)s is tried now: %(num)s inboxes have something waiting.",
                number,
                host=host,
            ),
            "good",
        )
    else:
        flash(_("Nothing waits for %(host)s.", host=host), "info")
    back = url_for("admin.peer", host=host) if request.form.get("back") == "peer" else url_for("admin.deliveries")
    return redirect(back, 303)

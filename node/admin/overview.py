"""The first page: how the node stands, and what waits for a decision."""

from __future__ import annotations

from flask import render_template

from node.database import db
from node.queries import oversight
from node.runtime import current_node
from node.visitors import the_member


def show() -> str:
    """Show the figures. A moderator sees those of a moderator's pages."""
    session, now = db.session(), current_node().now()
    is_admin = the_member().role == "admin"
    return render_template(
        "admin/overview.html",
        figures=oversight.figures(session, now),
        sent=oversight.sent_by_day(session, now) if is_admin else [],
        refused=oversight.refused_by_day(session, now),
        days=oversight.DAYS,
    )

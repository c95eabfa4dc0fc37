"""The door for those who run the node. Every page and button is a line of ROUTES, with the least role that may use it.

Moderators see reports, the lobby and what was refused; admins see and decide everything. Strangers are asked to sign in,
other members get 403. State changes only by POST, with a CSRF token, and each one leaves an audit entry (the actions write
it). Before a change that touches others stands a page that says what it does.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from node.admin import (
    brake,
    content,
    deciding,
    exchanging,
    explaining,
    invitations,
    jobs,
    ledger,
    lobby,
    members,
    mode,
    overview,
    peers,
    records,
    reports,
    rooms,
    settings,
    traffic,
    words,
)
from node.errors import ActionError
from node.visitors import role_required

MODERATOR, ADMIN = "moderator", "admin"
MEMBER_CHANGES = f"<any({', '.join(members.CHANGES)}):change>"
STATES = f"<any({', '.join(deciding.STATES)}):state>"

ROUTES = (
    ("GET", "/", MODERATOR, "overview", overview.show),
    ("GET", "/members", ADMIN, "members", members.index),
    ("GET", "/members/<int:member_id>", ADMIN, "member", members.show),
    ("POST", "/members/<int:member_id>/role", ADMIN, "role", members.set_role),
    ("GET", f"/members/<int:member_id>/{MEMBER_CHANGES}", ADMIN, "change", members.ask),
    ("POST", f"/members/<int:member_id>/{MEMBER_CHANGES}", ADMIN, "change", members.change),
    ("GET", "/invitations", ADMIN, "invitations", invitations.index),
    ("POST", "/invitations", ADMIN, "invitations", invitations.invite),
    ("POST", "/invitations/<int:invitation_id>/revoke", ADMIN, "revoke", invitations.revoke),
    ("GET", "/reports", MODERATOR, "reports", reports.index),
    ("GET", "/reports/<int:report_id>", MODERATOR, "report", reports.show),
    ("POST", "/reports/<int:report_id>/<any(close, reopen):verb>", MODERATOR, "handle", reports.handle),
    ("GET", "/peers", ADMIN, "peers", peers.index),
    ("GET", "/peers/add", ADMIN, "add_peer", peers.add),
    ("GET", "/peers/move", ADMIN, "exchange", exchanging.form),
    ("POST", "/peers/move", ADMIN, "exchange", exchanging.preview),
    ("POST", "/peers/move/apply", ADMIN, "import_peers", exchanging.apply),
    ("GET", "/peers/move/courtyard-peers.json", ADMIN, "export_peers", exchanging.export),
    ("GET", "/peers/at/<host>", ADMIN, "peer", peers.show),
    ("GET", f"/peers/at/<host>/{STATES}", ADMIN, "decide", deciding.ask),
    ("POST", f"/peers/at/<host>/{STATES}", ADMIN, "decide", deciding.decide),
    ("GET", "/peers/at/<host>/forget", ADMIN, "forget", deciding.ask_forget),
    ("POST", "/peers/at/<host>/forget", ADMIN, "forget", deciding.forget),
    ("GET", "/lobby", MODERATOR, "lobby", lobby.index),
    ("GET", "/lobby/decide", ADMIN, "decide_lobby", lobby.ask),
    ("POST", "/lobby/decide", ADMIN, "decide_lobby", lobby.decide),
    ("GET", "/mode", ADMIN, "mode", mode.index),
    ("GET", f"/mode/<any({', '.join(mode.MODES)}):wish>", ADMIN, "set_mode", mode.ask),
    ("POST", f"/mode/<any({', '.join(mode.MODES)}):wish>", ADMIN, "set_mode", mode.change),
    ("GET", "/deliveries", ADMIN, "deliveries", traffic.deliveries),
    ("POST", "/deliveries/<int:delivery_id>/resend", ADMIN, "resend", traffic.resend),
    ("POST", "/deliveries/retry", ADMIN, "retry_host", traffic.retry_host),
    ("GET", "/brake", ADMIN, "brake", brake.show),
    ("POST", "/brake", ADMIN, "brake", brake.pull),
    ("POST", "/brake/release", ADMIN, "release_brake", brake.release),
    ("POST", "/brake/pass/<int:post_id>", ADMIN, "pass_brake", brake.let_pass),
    ("GET", "/rules", ADMIN, "rules", content.index),
    ("POST", "/rules", ADMIN, "rules", content.add),
    ("POST", "/rules/<int:rule_id>/remove", ADMIN, "remove_rule", content.remove),
    ("POST", "/rules/let-go/<int:post_id>", ADMIN, "let_go", content.let_go),
    ("GET", "/jobs", ADMIN, "jobs", jobs.show),
    ("POST", "/jobs/receipts/<int:receipt_id>/retry", ADMIN, "retry_receipt", jobs.retry),
    ("GET", "/refusals", MODERATOR, "refusals", records.refusals),
    ("GET", "/explain", ADMIN, "explain", explaining.show),
    ("GET", "/ledger", ADMIN, "ledger", ledger.index),
    ("GET", "/audit", ADMIN, "audit", records.audit),
    ("GET", "/settings", ADMIN, "settings", settings.show),
    ("POST", "/settings", ADMIN, "settings", settings.save),
)

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
blueprint.context_processor(rooms.surround)


@blueprint.after_request
def keep_private(response: Response) -> Response:
    """Keep these pages out of every cache (abuse case L13)."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.errorhandler(ActionError)
def refused(error: ActionError) -> tuple[str, int]:
    """Show what an action refused where no field stands beside it."""
    return render_template("admin/refused.html", happened=words.explain(error)), error.status


_seen: set[str] = set()
for _method, _rule, _role, _name, _view in ROUTES:
    # The button of a page has the page's address; its endpoint is told apart so that url_for needs no method.
    _endpoint = f"{_name}_post" if _name in _seen else _name
    _seen.add(_name)
    blueprint.add_url_rule(_rule, endpoint=_endpoint, view_func=role_required(_role)(_view), methods=[_method])

"""The door for pictures of other servers: fetched by us, kept for a while, shown from here.

Nobody's browser tells another server that its owner is reading here, and nothing but a picture comes through: what is
in the file decides, not what its server calls it. Bytes are passed on unchanged, under a type of our own choosing and a
policy that lets them do nothing; decoding strangers' files in the web process would be the larger risk.
"""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, request

from node import visitors
from node.database import db
from node.media import addresses
from node.media.pictures import NotAPicture, Pictures, Unavailable
from node.policy import Direction, Facts, Mode, decide
from node.queries import attachments
from node.queries.attachments import Source
from node.queries.audience import ANONYMOUS, Viewer, viewer_member
from node.reading import never_asked
from node.runtime import current_node

blueprint = Blueprint("media", __name__)

POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
_PICTURES = "courtyard.pictures"


def init_app(app: Flask) -> None:
    """Prepare this process's store of pictures."""
    with app.app_context():
        app.extensions[_PICTURES] = Pictures(current_node().settings.media_dir / "remote", held=current_node().slots)


@blueprint.get("/media/<int:attachment_id>")
def attachment(attachment_id: int) -> Response:
    """Show a post's picture to whoever may see the post: by cookie, or by an address that we have signed."""
    node = current_node()
    is_signed = addresses.is_signed(node.settings.secret_key, attachment_id, request.args.get("key", ""), node.now())
    viewer = None if is_signed else _viewer()
    return _answer(attachments.for_viewer(db.session(), attachment_id, viewer))


@blueprint.get("/media/icon/<int:actor_id>")
def icon(actor_id: int) -> Response:
    """Show somebody's picture; on a closed node to members alone."""
    node = current_node()
    if node.rules(db.session()).mode is Mode.CLOSED and visitors.visitor() is None:
        return _refuse(404)
    return _answer(attachments.icon(db.session(), actor_id))


def _viewer() -> Viewer:
    member = visitors.visitor()
    return ANONYMOUS if member is None else viewer_member(member.actor_id)


def _answer(source: Source | None) -> Response:
    if source is None or not _is_let_in(source):
        return _refuse(404)
    node = current_node()
    check = never_asked(node.rules(db.session()), node.settings.host)
    db.session.rollback()  # Read, fetch: no transaction is open while another server is asked.
    pictures: Pictures = current_app.extensions[_PICTURES]
    try:
        body, media_type = pictures.get(source.url, node.client, own_host=node.settings.host, check=check)
    except NotAPicture:
        return _refuse(415)
    except Unavailable:
        return _refuse(404)
    response = Response(body, content_type=media_type)
    response.headers["Cache-Control"] = "private, max-age=86400"
    return _locked(response)


def _is_let_in(source: Source) -> bool:
    """Ask the gate: a peer may be let in without its media."""
    node = current_node()
    rules = node.rules(db.session())
    rule = rules.peer_for(source.host)
    if rule is not None and not rule.allows_media:
        return False
    return decide(Facts(Direction.IN, source.host, "Create", node.now()), rules).is_yes


def _refuse(status: int) -> Response:
    response = Response("", status)
    response.headers["Cache-Control"] = "private, no-store"
    return _locked(response)


def _locked(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = "inline"
    return response

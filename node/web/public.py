"""What the street may see besides profiles and posts: the page about this place, feeds, following from elsewhere, the accent."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, abort, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from federation.discovery import parse_handle
from federation.errors import FederationError
from node import reads
from node.database import db
from node.ledger import Channel
from node.models import Actor
from node.queries import actors, timelines
from node.queries.audience import ANONYMOUS
from node.runtime import current_node
from node.version import VERSION
from node.web import colour as colours
from node.web.limits import address as visitor_address
from node.web.limits import count_attempt
from node.web.looking_up import subscribe_address
from node.web.reading import is_street_open
from node.web.surroundings import house

FEED_LENGTH = 30
NO_SERVERS = (".invalid", ".localhost")
"""RFC 6761: names under these never lead to another server."""


def about() -> str:
    """Say what this place is and what its gate does."""
    return render_template("web/about.html", version=VERSION)


def accent(colour: str) -> Response:
    """Serve the stylesheet that sets the company's colour, in shades that can be read. The address names its content."""
    sheet = colours.stylesheet(colour)
    if sheet is None:
        abort(404)
    response = make_response(sheet)
    response.mimetype = "text/css"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def feed(name: str) -> Response:
    """Serve a member's public posts as Atom (RFC 4287): the same to everybody, whoever is signed in."""
    actor = _person_or_404(name)
    if not is_street_open():
        abort(404)
    lines = timelines.profile(db.session(), ANONYMOUS, actor.id, with_boosts=False, limit=FEED_LENGTH)
    shown = [line.post for line in lines if line.post.audience == "public"]
    reads.note(Channel.FEED, shown)
    newest = max([post.edited_at or post.published_at for post in shown], default=actor.created_at)
    response = make_response(
        render_template("web/feed.xml", actor=actor, posts=shown, updated=newest, origin=current_node().settings.origin)
    )
    response.mimetype = "application/atom+xml"
    response.headers["Cache-Control"] = "public, max-age=300"
    if not actor.is_indexable:
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def remote_follow_form(name: str) -> Any:
    """Ask somebody from elsewhere for their address."""
    actor = _person_or_404(name)
    if not is_street_open():
        return redirect(url_for("web.sign_in"), 303)
    return _show(actor)


def remote_follow(name: str) -> Any:
    """Find where their own server takes follows, and show the way there: a link, never a redirect to another site."""
    actor = _person_or_404(name)
    if not is_street_open():
        abort(404)
    count_attempt("remote-follow", visitor_address())
    address = request.form.get("address", "").strip()[:300]
    try:
        handle = parse_handle(address)
    except FederationError:
        return _show(actor, address, _("An address looks like @you@example.social.")), 422
    if handle.host == current_node().settings.host:
        return _show(actor, address, _("This is an address of this place: sign in here to follow.")), 422
    name, is_intranet = handle.host.partition(":")[0], current_node().settings.allow_private_addresses
    if not is_intranet and ("." not in name or name.endswith(NO_SERVERS)):
        return _show(actor, address, _("There can be no server named %(host)s.", host=handle.host)), 422
    template = subscribe_address(handle)
    target = f"{actor.username}@{current_node().settings.host}"
    onward = (
        template.replace("{uri}", quote(target, safe=""))
        if template
        else f"https://{handle.host}/authorize_interaction?uri={quote(target, safe='')}"
    )
    return _show(actor, address, onward=onward, host=handle.host)


def _show(actor: Actor, address: str = "", error: str = "", onward: str = "", host: str = "") -> str:
    return render_template(
        "web/remote_follow.html", actor=actor, address=address, error=error, onward=onward, host=host, place=house().name
    )


def _person_or_404(name: str) -> Actor:
    actor = actors.by_name(db.session(), name)
    if actor is None or actor.kind == "Application":
        abort(404)
    return actor

"""How others find us: WebFinger, NodeInfo, host-meta."""

from __future__ import annotations

import json
from datetime import timedelta

from flask import Response, request

from federation import discovery
from federation.errors import FederationError
from federation.origins import normalise_host
from node import uris
from node.activitypub import blueprint
from node.activitypub.problems import NotThere, problem
from node.activitypub.readers import insist_open
from node.database import db
from node.models import Actor
from node.policy import Mode
from node.queries import published
from node.queries import settings as node_settings
from node.runtime import current_node
from node.version import VERSION


@blueprint.get("/.well-known/webfinger")
def webfinger() -> Response:
    """Answer for `acct:name@our.host` and for the URLs of our actors (RFC 7033)."""
    node = current_node()
    resource = request.args.get("resource", "")
    if not resource:
        return problem(400, "no_resource", "Say which resource: ?resource=acct:name@host")
    actor = _find(resource)
    if actor is None:
        raise NotThere
    settings = node.settings
    is_node = actor.uri == uris.node_actor_uri(settings.origin)
    document = discovery.webfinger_document(
        discovery.Handle(actor.username, settings.host),
        actor.uri,
        profile_url=None if is_node else actor.url or actor.uri,
        subscribe_template=None if is_node else f"{settings.origin}/follow?uri={{uri}}",
    )
    response = Response(json.dumps(document), content_type="application/jrd+json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@blueprint.get("/.well-known/host-meta")
def host_meta() -> Response:
    """Point to WebFinger (RFC 6415)."""
    return Response(discovery.host_meta_xml(current_node().settings.origin), content_type="application/xrd+xml")


@blueprint.get("/.well-known/nodeinfo")
def nodeinfo_links() -> Response:
    node = current_node()
    insist_open(node.rules(db.session()))
    return Response(json.dumps(discovery.nodeinfo_links(node.settings.origin)), content_type="application/json")


@blueprint.get("/nodeinfo/2.1")
def nodeinfo() -> Response:
    """Say what we run (FEP-f1d5). Numbers are told only by an open node; they are left out, never invented (FEP-0151)."""
    node = current_node()
    session = db.session()
    rules = node.rules(session)
    insist_open(rules)
    profile = node_settings.public(session)
    counts = published.counts(session, node.now() - timedelta(days=30)) if rules.mode is Mode.OPEN else None
    document = discovery.nodeinfo_21(
        name="courtyard",
        version=VERSION,
        open_registrations=False,
        node_name=profile.name,
        node_description=profile.description,
        users_total=counts.members if counts else None,
        users_active_month=counts.active if counts else None,
        local_posts=counts.public_posts if counts else None,
    )
    return Response(
        json.dumps(document), content_type='application/json; profile="http://nodeinfo.diaspora.software/ns/schema/2.1#"'
    )


def _find(resource: str) -> Actor | None:
    actor = _by_url(resource) if resource.lower().startswith(("http://", "https://")) else _by_account(resource)
    if actor is None or actor.deleted_at is not None or actor.suspended_at is not None or not actor.is_local:
        return None
    return actor


def _by_url(url: str) -> Actor | None:
    node = current_node()
    if not uris.is_ours(url, node.settings.origin):
        return None
    path = uris.path_of(url)
    if path in ("/", "/actor"):
        return published.actor_by_uri(db.session(), uris.node_actor_uri(node.settings.origin))
    return published.local_actor(db.session(), path.removeprefix("/users/")) if path.startswith("/users/") else None


def _by_account(resource: str) -> Actor | None:
    node = current_node()
    try:
        handle = discovery.parse_handle(resource, allow_address=True)  # our own host may be one, in tests
        host = normalise_host(handle.host, scheme=node.settings.scheme)
    except FederationError:
        return None
    if host != node.settings.host:
        return None
    return published.local_actor(db.session(), handle.username)

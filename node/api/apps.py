"""Client apps: registered by anybody, trusted by nobody until a member lets them in (`oauth`)."""

from __future__ import annotations

from typing import Any

from node.actions import clients
from node.api import limits
from node.api.answers import Refused
from node.api.entities.apps import application
from node.api.given import given
from node.api.guards import Caller
from node.database import transaction
from node.runtime import current_node


def register(caller: Caller) -> dict[str, Any]:
    """POST /api/v1/apps. The secret is told once."""
    limits.count("app", limits.address())
    wanted = given()
    addresses = "\n".join(wanted.texts("redirect_uris"))
    with transaction() as session:
        made = clients.register_app(
            session, wanted.text("client_name", most=1000), addresses, wanted.text("scopes", "read", most=2000) or "read",
            wanted.text("website", most=4000) or None, now=current_node().now(),
        )  # fmt: skip
    secrets = {"client_id": made.app.client_id, "client_secret": made.secret, "client_secret_expires_at": 0}
    return application(made.app) | secrets


def verify_credentials(caller: Caller) -> dict[str, Any]:
    """GET /api/v1/apps/verify_credentials"""
    app = caller.token.app
    if app is None:
        raise Refused(422, "This token belongs to no app: it was made on the command line")
    return application(app)

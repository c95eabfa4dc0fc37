"""The door for Mastodon's clients: REST under /api/v1 and /api/v2, OAuth 2 under /oauth. Every route is a line of `routes`.

"Status" and "account" are words of this package alone. Requests prove themselves by a bearer token; only the page on
which a member lets an app in knows the login cookie, and has its own CSRF token.
"""

from __future__ import annotations

import re

from flask import Blueprint

from node.api import answers, oauth, refusals
from node.api.guards import STREET, guard
from node.api.routes import ROUTES

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

blueprint = Blueprint("api", __name__)
answers.init_blueprint(blueprint)


def _add_routes() -> None:
    """Register the table; `:name_id` becomes the text of a number, which the guard reads."""
    for method, path, who, scope, view in ROUTES:
        rule = re.sub(r":(\w+_id)", r"<string(maxlength=19):\1>", path)
        endpoint = f"{method}:{path}".replace(".", "_")
        blueprint.add_url_rule(rule, endpoint, guard(who, scope, view), methods=[method])
    blueprint.add_url_rule("/oauth/authorize", "authorize", oauth.authorize, methods=["GET"])
    blueprint.add_url_rule("/oauth/authorize", "decide", oauth.decide, methods=["POST"])
    nowhere = guard(STREET, "", refusals.nowhere)
    for prefix in ("/api", "/oauth"):
        blueprint.add_url_rule(f"{prefix}/<path:rest>", f"nowhere {prefix}", nowhere, methods=METHODS)


_add_routes()

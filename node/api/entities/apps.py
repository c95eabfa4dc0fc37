"""Client apps."""

from __future__ import annotations

from typing import Any

from node.models import ClientApp


def application(app: ClientApp) -> dict[str, Any]:
    """Return the Application entity, which tells no secret."""
    addresses = app.redirect_uris.split("\n")
    return {
        "id": str(app.id),
        "name": app.name,
        "website": app.website,
        "scopes": app.scopes.split(),
        "redirect_uri": "\n".join(addresses),
        "redirect_uris": addresses,
        "vapid_key": "",
    }

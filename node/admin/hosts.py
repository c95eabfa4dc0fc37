"""Host names as people type them."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import abort
from flask_babel import gettext as _

from federation.errors import Malformed
from federation.origins import normalise_host
from node.runtime import current_node


def read_host(text: str) -> tuple[str, str]:
    """Return (host, '') for what somebody typed (a host, a URL, a handle), or ('', what is wrong with it)."""
    text = text.strip()
    if "://" in text:
        text = urlsplit(text).netloc
    text = text.rpartition("@")[2].strip("/")
    try:
        return normalise_host(text), ""
    except Malformed:
        return "", _("This is not the name of a server. It looks like social.example.")


def host_or_404(text: str) -> str:
    """Return the host of an address that must already be spelled as we spell it."""
    host, _problem = read_host(text)
    return host if host and host == text else abort(404)


def is_own(host: str) -> bool:
    """Say whether a host is this node itself."""
    return host == current_node().settings.host

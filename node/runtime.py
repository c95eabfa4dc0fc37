"""What a running node holds besides its database: settings, clock, the guarded client, a snapshot of the rules.

Doors get it with `current_node()`; nothing below a door does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import cast

from flask import current_app
from sqlalchemy.orm import Session

from federation.addresses import AddressPolicy, Endpoint, hosts_resolver
from federation.client import Client, SystemResolver
from node.config import Settings
from node.policy import Mode, Rules
from node.queries import rules as rules_query
from node.slots import Slots
from node.version import VERSION

EXTENSION = "courtyard"


class Node:
    """The parts of one process. Thread-safe."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], client: Client) -> None:
        self.settings = settings
        self.client = client
        self.slots = Slots(settings.web_threads)
        self._clock = clock
        self._rules: Rules | None = None
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time by the node's clock (aware, UTC)."""
        return self._clock()

    def rules(self, session: Session) -> Rules:
        """Return the rules in force. One small query finds out whether the snapshot is still good."""
        current = rules_query.version(session)
        with self._lock:
            known = self._rules
        if known is not None and known.version == current:
            return known
        fresh = rules_query.load(session, Mode(self.settings.federation))
        with self._lock:
            self._rules = fresh
        return fresh


def current_node() -> Node:
    """Return the running app's Node. Needs an app context."""
    return cast(Node, current_app.extensions[EXTENSION])


def make_client(settings: Settings, clock: Callable[[], datetime]) -> Client:
    """Return the one client through which a process reaches the network."""
    listed = frozenset(Endpoint(*address) for address in settings.allowed_addresses)
    resolve = None
    if settings.hosts_file is not None:
        resolve = hosts_resolver(settings.hosts_file.read_text(encoding="utf-8"), SystemResolver())
    return Client(
        AddressPolicy(allow_private=settings.allow_private_addresses, allow_listed=listed),
        f"Courtyard/{VERSION} (+{settings.origin}/)",
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
        allow_http=settings.allow_private_addresses,
        resolve=resolve,
        now=clock,
    )

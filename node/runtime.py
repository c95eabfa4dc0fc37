"""What a running node holds besides its database: settings, clock, the guarded client, a snapshot of the rules.

Doors get it with `current_node()`; nothing below a door does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import cast

from flask import current_app
from sqlalchemy.orm import Session

from federation.addresses import AddressPolicy, Endpoint, hosts_resolver
from federation.client import Client, SystemResolver
from node.config import Settings
from node.database import db
from node.policy import Mode, Rules
from node.queries import rules as rules_query
from node.slots import Slots
from node.version import VERSION

EXTENSION = "courtyard"
RECENT = 0.2
"""Seconds the inbox door uses the rules without asking the database again."""


class Node:
    """The parts of one process. Thread-safe."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], client: Client) -> None:
        self.settings = settings
        self.client = client
        self.slots = Slots(settings.web_threads)
        self._clock = clock
        self._rules: Rules | None = None
        self._checked = (-1, 0.0)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time by the node's clock (aware, UTC)."""
        return self._clock()

    def rules(self, session: Session) -> Rules:
        """Return the rules in force. One small query finds out whether the snapshot is still good."""
        epoch, moment = rules_query.changes(), time.monotonic()
        current = rules_query.version(session)
        with self._lock:
            known = self._rules
            self._checked = (epoch, moment)
        if known is not None and known.version == current:
            return known
        fresh = rules_query.load(session, Mode(self.settings.federation))
        with self._lock:
            self._rules = fresh
        return fresh


    def recent_rules(self) -> Rules:
        """Return the rules in force, as they were at most RECENT seconds ago if another process changed them.

        For the inbox door, which asks for every request: the effects ask again before anything happens.
        """
        epoch, moment = self._checked
        if self._rules is not None and epoch == rules_query.changes() and time.monotonic() - moment < RECENT:
            return self._rules
        return self.rules(db.session())


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

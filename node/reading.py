"""Read documents of other servers, past our own gate. The one way by which doors and jobs fetch ActivityStreams.

The gate is asked for every host before it is contacted, and what lies in our own namespace is never fetched. No
transaction may be open (design: read, fetch, write).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from federation.actors import RemoteActor, read_actor
from federation.client import Client, Fetched
from federation.document import Document
from federation.errors import FederationError, FetchFailed
from federation.objects import RemoteObject, read_object
from federation.origins import host_of
from federation.signatures import SigningKey
from federation.vocabulary import ACTOR_TYPES
from node.config import Settings
from node.database import db
from node.errors import N_, GateRefused
from node.policy import Decision, Direction, Facts, PeerState, Rules, decide
from node.queries import keys

if TYPE_CHECKING:
    from node.runtime import Node


@dataclass(frozen=True)
class Reader:
    """Reads with the node actor's `key`. Thread-safe; lives no longer than its `rules` are in force."""

    client: Client
    settings: Settings
    rules: Rules
    now: datetime
    key: SigningKey | None

    def require_gate(self, host: str) -> None:
        """Raise GateRefused unless what this host says may come in: then nobody asks it anything either."""
        decision = gate_decision(host, self.now, self.rules)
        if not decision.is_yes:
            raise refusal(host, decision)

    def document(self, url: str) -> Fetched:
        """Return the document at `url`. Raises GateRefused and FederationError (Malformed, FetchFailed, AddressRefused)."""
        self.require_foreign(url)
        return self.client.get_document(url.partition("#")[0], key=self.key, check=self.require_foreign)

    def json(self, url: str) -> Fetched:
        """Return JSON that is no ActivityStreams document (WebFinger, NodeInfo). Errors as `document`."""
        self.require_foreign(url)
        return self.client.get_json(url, check=self.require_foreign)

    def require_foreign(self, url: str) -> None:
        """Raise unless `url` is on another host (case F18), and one that the gate lets in."""
        host = host_of(url)
        if host == self.settings.host:
            raise FetchFailed("that is our own address", code="ours", url=url, reason="ours")
        self.require_gate(host)

    def thing(self, url: str) -> RemoteActor | RemoteObject:
        """Return the actor or object whose document `url` leads to; its id is the URL that finally answered."""
        fetched = self.document(url)
        if fetched.document.is_a(*ACTOR_TYPES):
            return read_actor(fetched.document, fetched.final_url)
        return read_object(fetched.document, fetched_from=fetched.final_url)

    def actor(self, url: str) -> RemoteActor:
        """Return the actor whose document `url` leads to. Raises also Malformed when it is something else."""
        fetched = self.document(url)
        return read_actor(fetched.document, fetched.final_url)

    def page(self, url: str) -> Document:
        """Return a collection or one of its pages."""
        return self.document(url).document


def reader_for(node: Node) -> Reader:
    """Return a Reader with the rules in force and the node actor's key; ends the read transaction it needed for that."""
    session = db.session()
    try:
        return Reader(node.client, node.settings, node.rules(session), node.now(), keys.node_key(session, node.settings.origin))
    finally:
        session.rollback()


def gate_decision(host: str, now: datetime, rules: Rules) -> Decision:
    """Return whether what this host says may come in: then it may be asked, too."""
    return decide(Facts(Direction.IN, host, "Create", now), rules)


def refusal(host: str, decision: Decision) -> GateRefused:
    """Return the error that says why this host is not asked."""
    reasons = [reason for reason in decision.reasons if reason.verdict == decision.verdict]
    return GateRefused("host_not_let_in", N_("This node does not exchange anything with %(host)s."), reasons=reasons, host=host)


def never_asked(rules: Rules, own_host: str) -> Callable[[str], None]:
    """Return what raises FetchFailed for a URL of our own or of a blocked peer, by whatever way one is led to it."""

    def check(url: str) -> None:
        host = host_of(url)
        rule = rules.peer_for(host)
        if host == own_host:
            raise FetchFailed("that is our own address", code="ours", url=url, reason="ours")
        if rule is not None and rule.state is PeerState.BLOCKED:
            raise FetchFailed("that server is blocked here", code="peer_blocked", url=url, reason="peer_blocked")

    return check


def is_gone(error: FederationError) -> bool:
    """Say whether the server has said that there is no such thing."""
    return isinstance(error, FetchFailed) and error.status in (404, 410)


def is_temporary(error: FederationError) -> bool:
    """Say whether trying again later makes sense."""
    return isinstance(error, FetchFailed) and error.temporary

"""What admins have decided, in the form that `decide` reads: a snapshot, never changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from node.policy.audiences import Audience
from node.policy.brakes import Brakes
from node.policy.content import ContentRules


class Mode(StrEnum):
    """closed: no peer at all; selective: only peers let in; open: everybody but blocked."""

    CLOSED = "closed"
    SELECTIVE = "selective"
    OPEN = "open"


class PeerState(StrEnum):
    PARTNER = "partner"
    ALLOWED = "allowed"
    LIMITED = "limited"
    BLOCKED = "blocked"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class PeerRule:
    """A decision about `host` and its subdomains."""

    host: str
    state: PeerState
    types_in: frozenset[str] | None = None
    types_out: frozenset[str] | None = None
    widest_audience: Audience | None = None
    allows_media: bool = True
    allows_reports: bool = True
    expires_at: datetime | None = None

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class Rules:
    mode: Mode
    peers: Mapping[str, PeerRule] = field(default_factory=dict)
    version: int = 0
    brakes: Brakes = field(default_factory=Brakes)
    content: ContentRules = field(default_factory=ContentRules)

    @property
    def asks_who(self) -> bool:
        """Whether a decision depends on who says it or in which space: facts must then name them."""
        return bool(self.brakes.actors or self.brakes.spaces or self.content)

    def peer_for(self, host: str) -> PeerRule | None:
        """Return the rule for this normalised host: its own, or its nearest parent domain's.

        A block covers every subdomain and every port; any other rule holds for its own port alone.
        """
        nearest = self.peers.get(host)
        name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        if not colon:
            name, port = host, ""
        while name:
            for spelled in {name, name + colon + port}:
                rule = self.peers.get(spelled)
                if rule is not None and rule.state is PeerState.BLOCKED:
                    return rule
                if nearest is None and rule is not None and spelled == name + colon + port:
                    nearest = rule
            if name[0] == "[" or name.rpartition(".")[2].isdigit():  # an IP address has no parent domain
                break
            name = name.partition(".")[2]
        return nearest

"""What admins have decided, in the form that `decide` reads: a snapshot, never changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from node.policy.audiences import Audience


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

    def peer_for(self, host: str) -> PeerRule | None:
        """Return the rule for this normalised host: its own, or its nearest parent domain's.

        A rule for a parent that blocks wins over a kinder one for the subdomain: a block covers what is under it.
        """
        nearest = self.peers.get(host)
        name, _, port = host.partition(":")
        while name:
            rule = self.peers.get(name)
            if rule is not None:
                if rule.state is PeerState.BLOCKED:
                    return rule
                nearest = nearest or rule
            if name[0].isdigit() or name[0] == "[":  # an IP address has no parent domain
                break
            _, dot, name = name.partition(".")
            if not dot:
                break
        return nearest

"""A try at a delivery, as values: what was claimed, what is known of its host, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from federation.delivery import Answer, Breaker, Flow, Outcome
from federation.errors import FederationError, FetchFailed


@dataclass(frozen=True, slots=True)
class HostState:
    """What is known of a host at the time of a claim."""

    host: str
    scheme: str = ""
    breaker: Breaker = field(default_factory=Breaker)
    flow: Flow = field(default_factory=Flow)
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """A lane leased for one delivery, as numbers: what is left of a claim when its process is gone."""

    lane_id: int
    lease_no: int
    delivery_id: int
    rules_version: int = 0
    reasons: str = ""
    """The gate's reasons to send it, as the ledger keeps them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery, leased to this worker until its lease ends."""

    lane_id: int
    lease_no: int
    delivery_id: int
    activity_id: int
    actor_id: int
    inbox: str
    host: HostState
    attempts: int
    created_at: datetime
    was_missing: bool
    rules_version: int = 0
    reasons: str = ""
    """The gate's reasons to send it, as the ledger keeps them (`node.ledger.rule_names`)."""
    refusals: int = 0
    """How many of the attempts were refused in both schemes."""

    @property
    def scheme(self) -> str:
        return self.host.scheme


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a claim. `answer` is None when there was none; `error` then says why."""

    claim: Claim
    answer: Answer | None
    outcome: Outcome
    reason: str
    learned_scheme: str = ""
    error: FederationError | None = None
    is_our_fault: bool = False

    @property
    def may_have_arrived(self) -> bool:
        """Whether the peer may have read the request: it answered, or we cannot tell how far the request came."""
        if self.answer is not None or self.is_our_fault:
            return True
        return isinstance(self.error, FetchFailed) and self.error.may_have_arrived

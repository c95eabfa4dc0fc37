"""`decide`: may this activity pass this peer's gate, and why. Every rule that has something to say is heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from node.policy.audiences import Audience, is_open, leaves
from node.policy.brakes import BRAKE_CODES
from node.policy.facts import READ, Direction, Facts, Verdict
from node.policy.rules import Mode, PeerRule, PeerState, Rules

STRICTNESS = {Verdict.SEND: 0, Verdict.ACCEPT: 0, Verdict.HOLD: 1, Verdict.WITHHOLD: 2, Verdict.REFUSE: 2}
HOLDABLE = frozenset({"Follow", "Create"})
"""What a stranger may leave in the lobby; anything else is turned away at once."""

CARRY_WORDS = frozenset({"Create", "Update", "Announce", "Add", READ})
"""What shows a post to others: for these the content rules speak. A Delete always goes."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why. `code` is stable and machine-readable; `subject` is what it is about (a host, a type, an audience)."""

    code: str
    verdict: Verdict
    subject: str = ""

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "verdict": self.verdict.value, "subject": self.subject}


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    reasons: tuple[Reason, ...] = field(default=())
    rules_version: int = 0

    @property
    def is_yes(self) -> bool:
        return self.verdict in (Verdict.SEND, Verdict.ACCEPT)

    @property
    def is_braked(self) -> bool:
        """Whether it goes as soon as the brake is released: nothing else is in its way."""
        if self.verdict is not Verdict.HOLD:
            return False
        return all(reason.code in BRAKE_CODES for reason in self.reasons if reason.verdict is Verdict.HOLD)


def decide(facts: Facts, rules: Rules) -> Decision:
    """Return the strictest verdict and all reasons. Pure: the same facts and rules give the same decision."""
    peer = rules.peer_for(facts.host) if facts.host else None
    judge = _outbound if facts.direction is Direction.OUT else _inbound
    reasons = tuple(judge(facts, rules, peer))
    if rules.brakes and facts.direction is Direction.OUT and not _is_for_anybody(facts):
        reasons += tuple(Reason(code, Verdict.HOLD, subject) for code, subject in rules.brakes.holding(facts))
    if facts.found and facts.direction is Direction.OUT and facts.kind in CARRY_WORDS:
        reasons += tuple(
            Reason(f"content_rule_{rule.verdict.value}s", rule.verdict, rule.name) for rule in rules.content.speaking(facts)
        )
    verdict = max((reason.verdict for reason in reasons), key=STRICTNESS.__getitem__)
    return Decision(verdict, reasons, rules.version)


def _outbound(facts: Facts, rules: Rules, peer: PeerRule | None) -> Iterator[Reason]:
    no = Verdict.WITHHOLD
    audience = facts.audience
    if rules.mode is Mode.CLOSED:
        yield Reason("node_closed", no)
    if audience is not None and not leaves(audience):
        yield Reason("audience_stays_inside", no, audience)
    if facts.kind == READ and (not facts.host or not _is_let_in(peer, facts, rules)):
        yield from _read_by_stranger(facts, peer)
        return
    yield from _standing(facts, rules, peer, no)
    if peer is None:
        return
    if peer.types_out is not None and facts.kind not in peer.types_out and facts.kind != READ:
        yield Reason("type_not_sent", no, facts.kind)
    if audience is None:
        return
    if audience is Audience.PARTNERS and peer.state is not PeerState.PARTNER:
        yield Reason("no_agreement", no, peer.host)
    if peer.state is PeerState.LIMITED and not is_open(audience):
        yield Reason("peer_limited", no, peer.host)
    if peer.widest_audience is not None and audience.rank > peer.widest_audience.rank:
        yield Reason("audience_too_wide", no, peer.widest_audience)


def _read_by_stranger(facts: Facts, peer: PeerRule | None) -> Iterator[Reason]:
    """A server we have not let in reads as anybody on the web does; a blocked one reads nothing."""
    if peer is not None and peer.state is PeerState.BLOCKED:
        yield Reason("peer_blocked", Verdict.WITHHOLD, peer.host)
    elif facts.audience is not None and is_open(facts.audience):
        yield Reason("public_to_anyone", Verdict.SEND, facts.audience)
    else:
        yield Reason("not_for_strangers", Verdict.WITHHOLD, facts.audience or "")


def _inbound(facts: Facts, rules: Rules, peer: PeerRule | None) -> Iterator[Reason]:
    no = Verdict.REFUSE
    if rules.mode is Mode.CLOSED:
        yield Reason("node_closed", no)
    yield from _standing(facts, rules, peer, no)
    if peer is None:
        return
    if peer.types_in is not None and facts.kind not in peer.types_in:
        yield Reason("type_not_accepted", no, facts.kind)
    if facts.kind == "Flag" and not peer.allows_reports:
        yield Reason("reports_not_accepted", no, peer.host)


def _standing(facts: Facts, rules: Rules, peer: PeerRule | None, no: Verdict) -> Iterator[Reason]:
    """What the peer's state says by itself."""
    yes = Verdict.SEND if facts.direction is Direction.OUT else Verdict.ACCEPT
    if peer is not None and peer.state is PeerState.BLOCKED:
        yield Reason("peer_blocked", no, peer.host)
        return
    if peer is not None and peer.has_expired(facts.now):
        yield Reason("agreement_expired", no, peer.host)
        return
    if peer is None or peer.state is PeerState.WAITING:
        if rules.mode is not Mode.SELECTIVE:
            yield Reason("open_mode", yes, facts.host)
        elif facts.direction is Direction.IN and facts.kind in HOLDABLE and facts.is_addressed_here:
            yield Reason("waits_in_lobby", Verdict.HOLD, facts.host)
        else:
            yield Reason("peer_not_let_in", no, facts.host)
        return
    yield Reason(f"peer_is_{peer.state.value}", yes, peer.host)


def _is_for_anybody(facts: Facts) -> bool:
    """Whether this is a read of what anybody on the web may read: a brake stops what we send, it takes nothing down."""
    return facts.kind == READ and (not facts.host or (facts.audience is not None and is_open(facts.audience)))


def _is_let_in(peer: PeerRule | None, facts: Facts, rules: Rules) -> bool:
    if peer is None or peer.state is PeerState.WAITING:
        return rules.mode is Mode.OPEN
    return peer.state is not PeerState.BLOCKED and not peer.has_expired(facts.now)

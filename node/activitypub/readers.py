"""Who reads: the viewer behind a server's GET. Signed reads are proven; unsigned ones are a stranger's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app, request

from federation.errors import KeyGone, SignatureRefused
from federation.origins import host_of
from federation.signatures import parse_signature
from node.activitypub.problems import GateRefusal, SignatureNeeded, mark_braked
from node.activitypub.requests import message_of
from node.activitypub.signers import KeyRing
from node.database import db
from node.policy import Audience, Decision, Direction, Facts, Mode, Reason, Rules, Verdict, decide
from node.policy.facts import READ
from node.policy.rules import PeerState
from node.queries.audience import ANONYMOUS, Kind, Viewer, viewer_server
from node.runtime import current_node


@dataclass(frozen=True, slots=True)
class Reader:
    """A GET's viewer with the rules it was judged by."""

    viewer: Viewer
    rules: Rules
    signer_uri: str = ""

    @property
    def is_signed(self) -> bool:
        return self.viewer.kind is Kind.SERVER


def read_reader() -> Reader:
    """Return who asks. A signature that is there but wrong is an error, not a stranger's visit. Raises SignatureRefused,
    KeyUnavailable, GateRefusal (a blocked or suspended signer)."""
    node = current_node()
    rules = node.rules(db.session())
    if not request.headers.get("Signature"):
        return Reader(ANONYMOUS, rules)
    now = node.now()
    parameters = parse_signature(message_of(request, node.settings.origin, None), now=now)
    host = host_of(parameters.key_url())
    _turn_away_blocked(rules, host)
    if rules.mode is Mode.CLOSED or not may_be_known(rules, host, now):
        # A stranger gets what anybody gets: for that no key is fetched on an unproven word.
        return Reader(ANONYMOUS, rules)
    try:
        signer = cast(KeyRing, current_app.extensions["courtyard.keys"]).identify(node, parameters, now)
    except KeyGone as error:
        raise SignatureRefused("the key is gone", code="key_gone") from error
    _turn_away_blocked(rules, signer.host)
    if rules.asks_who or next(rules.brakes.holding(Facts(Direction.OUT, signer.host, READ, now)), None):
        mark_braked()
    if signer.is_suspended:
        raise GateRefusal(Decision(Verdict.WITHHOLD, (Reason("actor_suspended", Verdict.WITHHOLD),), rules.version), signer.host)
    return Reader(viewer_server(signer.actor_id, signer.host), rules, signer.uri)


def insist_open(rules: Rules) -> None:
    """Raise when the node is closed: then only WebFinger and minimal actors are answered (L21)."""
    if rules.mode is Mode.CLOSED:
        raise GateRefusal(Decision(Verdict.WITHHOLD, (Reason("node_closed", Verdict.WITHHOLD),), rules.version), "")


def insist_signed(reader: Reader) -> None:
    if not reader.is_signed:
        raise SignatureNeeded


def may_be_known(rules: Rules, host: str, now: datetime) -> bool:
    """Say whether the gate gives this host's servers more than anybody on the web gets, or will when a brake is released."""
    asked = (Facts(Direction.OUT, host, READ, now, audience=one) for one in (Audience.FOLLOWERS, Audience.PARTNERS))
    return any(decision.is_yes or decision.is_braked for decision in (decide(facts, rules) for facts in asked))


def _turn_away_blocked(rules: Rules, host: str) -> None:
    peer = rules.peer_for(host)
    if peer is not None and peer.state is PeerState.BLOCKED:
        reason = Reason("peer_blocked", Verdict.WITHHOLD, peer.host)
        raise GateRefusal(Decision(Verdict.WITHHOLD, (reason,), rules.version), host)

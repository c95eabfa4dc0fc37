"""The gate's decisions: pure functions over facts and rules. No database, Flask, clock or network here."""

from node.policy.audiences import REACH, WITHIN, Audience, Reach, leaves
from node.policy.brakes import Brakes, BrakeScope
from node.policy.decisions import Decision, Reason, decide
from node.policy.facts import Direction, Facts, Verdict
from node.policy.rules import Mode, PeerRule, PeerState, Rules

__all__ = [
    "REACH", "Audience", "BrakeScope", "Brakes", "Decision", "Direction", "Facts", "Mode", "PeerRule", "PeerState", "Reach",
    "Reason", "Rules", "Verdict", "WITHIN", "decide", "leaves",
]  # fmt: skip

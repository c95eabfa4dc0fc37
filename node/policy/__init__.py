"""The gate's decisions: pure functions over facts and rules. No database, Flask, clock or network here."""

from node.policy.audiences import REACH, WITHIN, Audience, Reach, leaves
from node.policy.brakes import Brakes
from node.policy.content import Content, ContentRule, ContentRules, LooksFor
from node.policy.decisions import Decision, Reason, decide
from node.policy.facts import Direction, Facts, Findings, Verdict
from node.policy.rules import Mode, PeerRule, PeerState, Rules
from node.policy.scopes import Scope

__all__ = [
    "REACH", "Audience", "Brakes", "Content", "ContentRule", "ContentRules", "Decision", "Direction", "Facts", "Findings",
    "LooksFor", "Mode", "PeerRule", "PeerState", "Reach", "Reason", "Rules", "Scope", "Verdict", "WITHIN", "decide", "leaves",
]  # fmt: skip

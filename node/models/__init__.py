"""The tables, and nothing else: no queries, no rules."""

from node.models.actors import Actor, ActorKey
from node.models.clients import AccessToken, AuthorizationCode, ClientApp
from node.models.exchange import Activity, Delivery, Errand, Host, Lane, Receipt, Shard
from node.models.feeds import Notification, TimelineEntry
from node.models.ledger import Disclosure, LedgerMark, ReadCount
from node.models.members import Invitation, LoginSession, Member
from node.models.peers import AuditEntry, NodeSetting, Peer, Refusal
from node.models.policy import Brake, BrakePass, OutboundRule, RuleVersion
from node.models.posts import Attachment, Hashtag, Mention, PollOption, PollVote, Post, PostVersion, Tombstone
from node.models.reactions import Bookmark, Boost, Like, Pin
from node.models.relations import Block, Follow, Mute
from node.models.reports import Report
from node.models.spaces import Space, SpaceMember

__all__ = [
    "AccessToken", "Activity", "Actor", "ActorKey", "Attachment", "AuditEntry", "AuthorizationCode", "Block",
    "Bookmark", "Boost", "Brake", "BrakePass", "ClientApp", "Delivery", "Disclosure", "Errand", "Follow", "Hashtag",
    "Host", "Invitation", "Lane", "LedgerMark", "Like", "LoginSession", "Member", "Mention", "Mute", "NodeSetting",
    "Notification", "OutboundRule", "Peer", "Pin", "PollOption", "PollVote", "Post", "PostVersion", "ReadCount",
    "Receipt", "Refusal", "Report", "RuleVersion", "Shard", "Space", "SpaceMember", "TimelineEntry", "Tombstone",
]  # fmt: skip

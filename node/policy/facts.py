"""What a decision is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from node.policy.audiences import Audience


class Direction(StrEnum):
    IN = "in"
    OUT = "out"


class Verdict(StrEnum):
    """Outbound we send, hold or withhold; inbound we accept, hold or refuse."""

    SEND = "send"
    ACCEPT = "accept"
    HOLD = "hold"
    WITHHOLD = "withhold"
    REFUSE = "refuse"


READ = "Read"
"""The activity type of a server's GET, signed or not."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Content rules (ids) that found something in a post: those for every server, and those for single ones by host."""

    everywhere: tuple[int, ...] = ()
    by_peer: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.by_peer)


@dataclass(frozen=True, slots=True)
class Facts:
    """One activity (or a read) and one peer.

    `host` is normalised, '' for an unsigned request. `audience` is None for activities that carry no post.
    `is_addressed_here` says that an inbound activity names somebody or something of ours. `actor` is who says it: of ours
    the user name, else the id. `space` is the name of the space it is said in, '' for none; `activity_id` that of our
    activity when it has one already. `found` is what the content rules found in the post, once for all servers.
    """

    direction: Direction
    host: str
    kind: str
    now: datetime
    audience: Audience | None = None
    actor: str = ""
    is_addressed_here: bool = False
    space: str = ""
    activity_id: int = 0
    found: Findings | None = None

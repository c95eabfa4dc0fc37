"""The seven audiences and whom each one reaches. Everything that asks "who" starts from the table below."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """From narrow to wide."""

    DIRECT = "direct"
    SPACE = "space"
    MEMBERS = "members"
    PARTNERS = "partners"
    FOLLOWERS = "followers"
    UNLISTED = "unlisted"
    PUBLIC = "public"

    @property
    def rank(self) -> int:
        """0 for the narrowest: how the audiences are listed. Whether one lies within another is `WITHIN`'s to say."""
        return _ORDER.index(self)


_ORDER = list(Audience)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom an audience reaches, besides the author. `partners_only` narrows `followers` elsewhere to partner peers."""

    named: bool = False
    members: bool = False
    space: bool = False
    followers: bool = False
    partners_only: bool = False
    anyone: bool = False


REACH: dict[Audience, Reach] = {
    Audience.DIRECT: Reach(named=True),
    Audience.SPACE: Reach(space=True),
    Audience.MEMBERS: Reach(members=True),
    Audience.PARTNERS: Reach(members=True, followers=True, partners_only=True),
    Audience.FOLLOWERS: Reach(named=True, followers=True),
    Audience.UNLISTED: Reach(named=True, members=True, followers=True, anyone=True),
    Audience.PUBLIC: Reach(named=True, members=True, followers=True, anyone=True),
}


WITHIN: dict[Audience, frozenset[Audience]] = {
    Audience.DIRECT: frozenset({Audience.DIRECT}),
    Audience.SPACE: frozenset({Audience.DIRECT, Audience.SPACE}),
    Audience.MEMBERS: frozenset({Audience.DIRECT, Audience.SPACE, Audience.MEMBERS}),
    Audience.PARTNERS: frozenset({Audience.DIRECT, Audience.SPACE, Audience.MEMBERS, Audience.PARTNERS}),
    # Not every member follows: what is for followers is not for the house.
    Audience.FOLLOWERS: frozenset({Audience.DIRECT, Audience.FOLLOWERS}),
    Audience.UNLISTED: frozenset(Audience) - {Audience.PUBLIC},
    Audience.PUBLIC: frozenset(Audience),
}
"""What an answer may be for: audiences whose people can all see what is answered (those named are the author's choice)."""


def leaves(audience: Audience) -> bool:
    """Say whether a post for this audience may ever leave the node."""
    return audience not in (Audience.SPACE, Audience.MEMBERS)


def is_open(audience: Audience) -> bool:
    """Say whether anybody at all may read it: the only posts that may be boosted or shown to strangers."""
    return REACH[audience].anyone

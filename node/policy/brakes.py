"""The brake: what is held until somebody lets go again. Reads of what anybody may read are not covered; nothing else passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from node.policy.facts import Facts
from node.policy.scopes import covering_hosts

BRAKE_CODES = frozenset({"brake_is_on", "brake_on_actor", "brake_on_space", "brake_on_peer"})
"""The reasons a brake gives. What they hold waits in its lane, in order, and goes on when the brake is released."""


@dataclass(frozen=True, slots=True)
class Brakes:
    """The brakes that are on. Actors and spaces by name, peers by normalised host, subdomains and ports included.

    `passes` are activities (ids) that go out all the same: a statement that an admin let pass.
    """

    is_on_everywhere: bool = False
    actors: frozenset[str] = frozenset()
    spaces: frozenset[str] = frozenset()
    peers: frozenset[str] = frozenset()
    passes: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return self.is_on_everywhere or bool(self.actors or self.spaces or self.peers)

    def holding(self, facts: Facts) -> Iterator[tuple[str, str]]:
        """Yield (code, subject) for each brake that stops this."""
        if facts.activity_id and facts.activity_id in self.passes:
            return
        if self.is_on_everywhere:
            yield "brake_is_on", ""
        if facts.actor in self.actors:
            yield "brake_on_actor", facts.actor
        if facts.space in self.spaces:
            yield "brake_on_space", facts.space
        if self.peers:
            stopped = next((host for host in covering_hosts(facts.host) if host in self.peers), None)
            if stopped is not None:
                yield "brake_on_peer", stopped

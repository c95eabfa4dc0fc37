"""One running node for each module, with three other servers around it and canaries where nobody may connect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from node.policy import PeerState
from tests.abuse.running import RunningNode
from tests.abuse.trials import World
from tests.support.factories import Factory
from tests.support.peers import Canary, Peers

GROWTH = 50 * 1024 * 1024
"""Bytes that web and workers may grow by over all cases of a module."""


Others = Callable[[Peers, Canary], dict[str, Any]]
"""Starts further servers, by name; the canary is for names that lead inside."""


@contextmanager
def world_at(folder: Path, others: Others | None = None, **settings: str) -> Iterator[World]:
    """Start everything: ada, ben, mona (moderator) and olga (admin) here; carol, mallory, eve, alice and bob elsewhere, all known."""
    with Peers() as peers:
        good, evil, victim = (peers.add(f"{name}.test") for name in ("good", "evil", "victim"))
        where = (("127.0.0.9", 80), ("127.0.0.9", 443), ("::1", 80), ("::1", 443), ("127.0.0.1", 80), ("127.0.0.1", 443))
        canaries = tuple(peers.canary(*place) for place in where)
        more = others(peers, canaries[0]) if others is not None else {}
        people = {
            "carol": good.actor("carol", ed25519=True), "mallory": evil.actor("mallory"), "eve": evil.actor("eve"),
            "alice": victim.actor("alice"), "bob": victim.actor("bob"),
        }  # fmt: skip
        with RunningNode(folder, peers, **settings) as node:
            world = World(node, good, evil, victim, canaries=canaries, others=more, **people)
            for name, role in (("ada", "member"), ("ben", "member"), ("mona", "moderator"), ("olga", "admin")):
                node.add_member(name, role)
            for peer in world.around:
                node.decide(peer.name, PeerState.ALLOWED)
            world.cookie = node.sign_in("ada")
            _introduce(world)
            yield world


def _introduce(world: World) -> None:
    """Have every actor known by a first, harmless activity; let ada follow carol and alice."""
    node = world.node
    for actor in (world.carol, world.mallory, world.eve, world.alice, world.bob):
        answer = node.post(actor, actor.activity("Like", f"https://node.test/users/nobody/posts/{1}"))
        assert answer.status == 202, (answer.status, answer.response.body)
    with node.writing() as session:
        from node.queries import actors

        make = Factory(session, node.settings, _clock())  # type: ignore[arg-type]
        ada = actors.by_name(session, "ada")
        for followed in (world.carol, world.alice):
            make.follow(ada, actors.by_uri(session, followed.id))
    node.state.wait_until_idle()


def _clock():  # type: ignore[no-untyped-def]
    from datetime import UTC, datetime

    from tests.support.clocks import Clock

    return Clock(datetime.now(UTC))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A selective node, the default, that has let the three servers in."""
    with world_at(tmp_path_factory.mktemp("node")) as made:
        made.probe()
        before = made.node.memory()
        yield made
        grown = made.node.memory() - before
        assert grown < GROWTH, f"the node grew by {grown / 1024 / 1024:.0f} MB"

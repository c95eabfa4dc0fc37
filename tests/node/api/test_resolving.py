"""`resolve=true`: what is not known here is asked for at its own server, by members alone, and kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from node.config import Settings
from node.models import Actor
from node.runtime import EXTENSION, Node
from tests.node.api.conftest import Api
from tests.support.clocks import Clock
from tests.support.factories import Factory
from tests.support.peers import Peer, Peers


@pytest.fixture
def good(app: Flask, make: Factory, settings: Settings, clock: Clock) -> Iterator[Peer]:
    """A server that was let in and that this node can reach."""
    make.peer("good.test")
    with Peers() as peers:
        peer = peers.add("good.test")
        app.extensions[EXTENSION] = Node(settings, clock, peers.client(total_timeout=2.0))
        yield peer


def test_people_and_posts_are_found_at_their_server(api: Api, good: Peer, make: Factory) -> None:
    bob = good.actor("bob", name="Bob")
    note = good.serve(bob.note("<p>Hi<script>alert(1)</script></p>"))
    assert api.get("/api/v2/search", q="@bob@good.test") == {"accounts": [], "statuses": [], "hashtags": []}
    assert good.received() == []
    found = api.get("/api/v2/search", q="@bob@good.test", resolve="true", shape="Search")["accounts"]
    assert [(each["acct"], each["uri"]) for each in found] == [("bob@good.test", bob.id)]
    assert api.get("/api/v2/search", q=bob.id, resolve="true")["accounts"] == found
    status = api.get("/api/v2/search", q=note["id"], resolve="true", shape="Search")["statuses"][0]
    assert (status["uri"], status["visibility"]) == (note["id"], "public")
    assert "script" not in status["content"]
    assert api.get("/api/v1/accounts/search", q="bob@good.test", resolve="1")[0]["id"] == found[0]["id"]


def test_strangers_have_nobody_asked(stranger: Api, good: Peer, make: Factory) -> None:
    good.actor("bob")
    stranger.get("/api/v2/search", 401, q="@bob@good.test", resolve="true")
    stranger.get("/api/v1/accounts/lookup", 404, acct="bob@good.test", resolve="true")
    assert good.received() == []
    assert make.session.query(Actor).filter_by(host="good.test").count() == 0


def test_one_that_answers_nothing_useful_is_not_found(api: Api, good: Peer) -> None:
    good.route("GET", "/users/odd", {"type": "Person"})
    for text in ("https://good.test/users/odd", "https://good.test/nothing", "@nobody@good.test"):
        assert api.get("/api/v2/search", q=text, resolve="true") == {"accounts": [], "statuses": [], "hashtags": []}

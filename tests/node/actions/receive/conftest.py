"""Arrivals for the verbs: documents as peers send them, applied as the worker applies them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from federation.activities import read_activity
from federation.actors import RemoteActor, read_actor
from federation.document import Document
from federation.objects import RemoteObject, read_object
from federation.vocabulary import PUBLIC
from node.actions import receive
from node.models import Actor
from tests.support.factories import Factory


class Arrivals:
    """Applies activities. `fetched` is what the network would answer: a document by URI, None for a miss."""

    def __init__(self, make: Factory) -> None:
        self.make = make
        self.session = make.session
        self.fetched: dict[str, Any] = {}
        self.asked: list[str] = []
        self.gone: set[str] = set()

    def apply(self, sender: Actor, document: Mapping[str, Any], *, inbox_owner: int = 0, again: bool = True) -> receive.Outcome:
        """Apply it, answering Needs from `fetched`; then once more, as a killed worker's successor would."""
        outcome = self._once(sender, document, inbox_owner)
        if again:
            self._once(sender, document, inbox_owner)
        return outcome

    def _once(self, sender: Actor, document: Mapping[str, Any], inbox_owner: int) -> receive.Outcome:
        got: dict[str, RemoteActor | RemoteObject | None] = {}
        for _ in range(5):
            settings = self.make.settings
            context = receive.Context(
                settings, self.make.rules(), self.make.clock(), sender, got, inbox_owner, frozenset(self.gone),
                body=json.dumps(document).encode(),
            )  # fmt: skip
            try:
                outcome = receive.apply(self.session, read_activity(Document(document)), context)
            except receive.Needs as needs:
                for uri in needs.uris:
                    self.asked.append(uri)
                    got[uri] = _read(self.fetched.get(uri), uri)
                continue
            self.session.flush()
            self.session.expire_all()
            return outcome
        raise AssertionError("it needs more and more")


def _read(raw: Mapping[str, Any] | None, uri: str) -> RemoteActor | RemoteObject | None:
    if raw is None:
        return None
    document = Document(raw)
    return read_actor(document, uri) if "inbox" in raw else read_object(document, fetched_from=uri)


@pytest.fixture
def arrivals(make: Factory) -> Arrivals:
    make.peer("peer.test")
    return Arrivals(make)


@pytest.fixture
def ada(make: Factory) -> Actor:
    """A member's actor."""
    return make.member("ada").actor


@pytest.fixture
def bob(make: Factory) -> Actor:
    """An actor on a peer that was let in."""
    return make.remote("bob")


def note(author: Actor, number: int = 1, **members: Any) -> dict[str, Any]:
    """Return a public Note."""
    written = {
        "id": f"{author.uri}/statuses/{number}", "type": "Note", "attributedTo": author.uri, "content": f"<p>Hello {number}</p>",
        "to": [PUBLIC], "cc": [f"{author.uri}/followers"], "published": "2026-03-02T11:00:00Z",
    }  # fmt: skip
    return {name: value for name, value in (written | members).items() if value is not None}


def activity(kind: str, sender: Actor, obj: Any, number: int = 1, **members: Any) -> dict[str, Any]:
    written = {"id": f"{sender.uri}/activities/{kind}-{number}", "type": kind, "actor": sender.uri, "object": obj}
    return {name: value for name, value in (written | members).items() if value is not None}


def person(actor: Actor, **members: Any) -> dict[str, Any]:
    """Return the actor document of a remote actor."""
    return {
        "id": actor.uri, "type": "Person", "preferredUsername": actor.username, "name": "Name", "inbox": f"{actor.uri}/inbox",
        "outbox": f"{actor.uri}/outbox", "followers": f"{actor.uri}/followers",
    } | members  # fmt: skip

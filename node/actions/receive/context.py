"""What a verb works with, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.actors import RemoteActor
from federation.objects import RemoteObject
from node.actions.remote import Known, keep_actor
from node.config import Settings
from node.models import Actor, Block, Boost, Follow, Like, Post
from node.policy import Direction, Facts, Rules, decide

Fetched = RemoteActor | RemoteObject | None


class Needs(Exception):
    """These documents must be read first; the activity is then applied again with them in `fetched`."""

    def __init__(self, uris: Iterable[str]) -> None:
        self.uris = frozenset(uris)
        super().__init__(", ".join(sorted(self.uris)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state` is the receipt's next state: done, ignored (nothing to do), refused (not allowed) or held (in the lobby)."""

    state: Literal["done", "ignored", "refused", "held"]
    reason: str = ""


def done(reason: str = "") -> Outcome:
    return Outcome("done", reason)


def ignored(reason: str) -> Outcome:
    return Outcome("ignored", reason)


def refused(reason: str) -> Outcome:
    return Outcome("refused", reason)


@dataclass(frozen=True)
class Context:
    """`sender` is the row of the activity's actor. `fetched` has what was read for an earlier Needs: None is a miss.

    `gone` are those of the misses whose server says that they do not exist (404, 410). `inbox_owner` is the actor id
    of the personal inbox it came to, 0 for the shared one. `known` is there when the caller works in a batch.
    `body` is the activity as it came; without it nothing is passed on.
    """

    settings: Settings
    rules: Rules
    now: datetime
    sender: Actor
    fetched: Mapping[str, Fetched] = field(default_factory=dict)
    inbox_owner: int = 0
    gone: frozenset[str] = frozenset()
    known: Known | None = None
    body: bytes = b""

    @property
    def memory(self) -> Known:
        """`known`, which `apply` has made sure of."""
        assert self.known is not None
        return self.known

    def read(self, *uris: str) -> tuple[Fetched, ...]:
        """Return what was fetched for each of `uris`. Raises Needs for all that nobody has tried yet."""
        missing = [uri for uri in uris if uri not in self.fetched]
        if missing:
            raise Needs(missing)
        return tuple(self.fetched[uri] for uri in uris)

    def read_object(self, uri: str) -> RemoteObject | None:
        """Return the object fetched at `uri`, None when there is none to be had. Raises Needs."""
        found = self.read(uri)[0]
        return found if isinstance(found, RemoteObject) else None

    def author(self, session: Session, uri: str) -> Actor | None:
        """Return the actor `uri`, keeping it when it was fetched just now. None: there is no such actor. Raises Needs."""
        actor = session.scalar(select(Actor).where(Actor.uri == uri))
        if actor is not None and actor.deleted_at is None:
            return actor
        found = self.read(uri)[0]
        return keep_actor(session, found, self.now) if isinstance(found, RemoteActor) else None

    def lets_in(self, host: str) -> bool:
        """Say whether the gate takes posts of this host, however they come."""
        return decide(Facts(Direction.IN, host, "Create", self.now), self.rules).is_yes


def find_post(session: Session, uri: str | None) -> Post | None:
    """Return the post with this id that is not deleted."""
    if uri is None:
        return None
    return session.scalar(select(Post).where(Post.uri == uri, Post.deleted_at.is_(None)))


def find_local_actor(session: Session, uri: str | None) -> Actor | None:
    """Return our actor with this id that is there for others."""
    if uri is None:
        return None
    alive = (Actor.host == "", Actor.deleted_at.is_(None), Actor.suspended_at.is_(None))
    return session.scalar(select(Actor).where(Actor.uri == uri, *alive))


def is_id_taken(session: Session, table: type[Block | Boost | Follow | Like], activity_id: str | None) -> bool:
    """Say whether something else was done under this activity's id: an id says one thing, whoever repeats it."""
    return activity_id is not None and session.scalar(select(table.id).where(table.uri == activity_id)) is not None

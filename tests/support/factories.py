"""Rows for tests, made directly: what a sentence in a test needs, with sensible values for the rest.

Nothing here goes through an action: what actions do is what is tested. Rows are flushed, not committed; call
`make.commit()` before another connection (a request of a test client) is to see them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from federation import keys
from node import uris
from node.config import Settings
from node.database import new_id
from node.models import (
    Activity,
    Actor,
    ActorKey,
    Boost,
    Delivery,
    Follow,
    Hashtag,
    Host,
    Lane,
    Member,
    Mention,
    Peer,
    PollOption,
    Post,
    Receipt,
    Space,
    SpaceMember,
    TimelineEntry,
)
from node.policy import Audience, Mode, PeerState, Rules
from node.queries import rules as rules_query
from tests.support.clocks import Clock


@lru_cache(maxsize=1)
def _rsa() -> keys.PrivateKeyPair:
    return keys.generate_rsa()


@lru_cache(maxsize=1)
def _ed25519() -> keys.PrivateKeyPair:
    return keys.generate_ed25519()


@dataclass
class Factory:
    """Makes rows in `session` at the clock's time."""

    session: Session
    settings: Settings
    clock: Clock

    def id(self) -> int:
        """Return a new id; the clock moves on a millisecond, so that later rows are later."""
        self.clock.move(0.001)
        return new_id(self.clock())

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def commit(self) -> None:
        self.session.commit()

    def rules(self) -> Rules:
        """Return the rules as they stand in the database."""
        self.session.flush()
        return rules_query.load(self.session, Mode(self.settings.federation))

    def actor(self, username: str = "ada", *, with_keys: bool = False, **values: Any) -> Actor:
        """Make an actor of ours that is nobody's login."""
        uri = uris.actor_uri(self.settings.origin, username)
        return self._actor(uri, username, "", with_keys=with_keys, **values)

    def remote(self, username: str = "bob", host: str = "peer.test", *, with_keys: bool = False, **values: Any) -> Actor:
        """Make an actor on another server, with a shared inbox."""
        values.setdefault("shared_inbox", f"https://{host}/inbox")
        return self._actor(f"https://{host}/users/{username}", username, host, with_keys=with_keys, **values)

    def member(
        self, username: str = "ada", *, role: str = "member", email: str = "", with_keys: bool = False, **values: Any
    ) -> Member:
        """Make a member without a password; `values` are columns of the member's actor."""
        actor = self.actor(username, with_keys=with_keys, **values)
        row = {"email": email or f"{username}@mail.test", "role": role, "created_at": self.clock()}
        return self.add(Member(id=self.id(), actor=actor, notifications_read_id=0, **row))

    def post(
        self,
        author: Actor,
        audience: Audience | str = Audience.PUBLIC,
        *,
        html: str = "<p>Hello</p>",
        reply_to: Post | None = None,
        mentions: Sequence[Actor] = (),
        hashtags: Sequence[str] = (),
        options: Sequence[str] = (),
        space: Space | None = None,
        **values: Any,
    ) -> Post:
        """Make a post; `options` make it a poll."""
        key = self.id()
        at = self.clock()
        local = author.host == ""
        uri = uris.post_uri(self.settings.origin, author.username, key) if local else f"{author.uri}/statuses/{key}"
        kind = "Question" if options else "Note"
        values = {"kind": kind, "uri": uri, "url": uri, "published_at": at, "received_at": at} | values
        if options:
            values.setdefault("poll", {"multiple": False, "closes_at": None, "closed": False, "voters": 0})
        post = self.add(
            Post(
                id=key, author=author, is_local=local, audience=str(audience), content_html=html,
                source="Hello" if local else None, thread_id=reply_to.thread_id if reply_to else key,
                in_reply_to_id=reply_to.id if reply_to else None, in_reply_to_uri=reply_to.uri if reply_to else None,
                space_id=space.id if space else None, **values,
            )
        )  # fmt: skip
        for actor in mentions:
            self.add(Mention(id=self.id(), post_id=key, actor=actor))
        for name in hashtags:
            self.add(Hashtag(id=self.id(), post_id=key, name=name.casefold()))
        for position, name in enumerate(options):
            self.add(PollOption(id=self.id(), post_id=key, position=position, name=name))
        return post

    def follow(self, follower: Actor, target: Actor, state: str = "accepted", *, uri: str | None = None) -> Follow:
        """Make a follow and, when it is accepted, count it."""
        key = self.id()
        if state == "accepted":
            follower.following_count = (follower.following_count or 0) + 1
            target.followers_count = (target.followers_count or 0) + 1
        at = self.clock()
        uri = uri or f"{follower.uri}#follows/{key}"
        accepted_at = at if state == "accepted" else None
        values = {"uri": uri, "state": state, "created_at": at, "accepted_at": accepted_at}
        return self.add(Follow(id=key, follower=follower, target=target, **values))

    def boost(self, actor: Actor, post: Post) -> Boost:
        values = {"created_at": self.clock(), "uri": f"{actor.uri}#boosts/{post.id}"}
        return self.add(Boost(id=self.id(), actor=actor, post=post, **values))

    def on_home(self, reader: Actor, thing: Post | Boost) -> TimelineEntry:
        """Put a post or a boost on somebody's home."""
        is_boost = isinstance(thing, Boost)
        post_id = thing.post_id if is_boost else thing.id
        boost_id = thing.id if is_boost else None
        return self.add(TimelineEntry(actor_id=reader.id, entry_id=thing.id, post_id=post_id, boost_id=boost_id))

    def peer(self, host: str = "peer.test", state: PeerState | str = PeerState.ALLOWED, **values: Any) -> Peer:
        at = self.clock()
        return self.add(Peer(host=host, state=str(state), created_at=at, updated_at=at, **values))

    def host(self, host: str = "peer.test", **values: Any) -> Host:
        return self.add(Host(host=host, used_at=self.clock(), **values))

    def space(self, name: str = "office", *people: Actor, **values: Any) -> Space:
        at = self.clock()
        space = self.add(Space(id=self.id(), name=name, title=name.capitalize(), created_at=at, **values))
        for actor in people:
            self.add(SpaceMember(id=self.id(), space_id=space.id, actor=actor, created_at=at))
        return space

    def receipt(self, host: str = "peer.test", kind: str = "Follow", state: str = "held", **values: Any) -> Receipt:
        key = self.id()
        values = {"actor_uri": f"https://{host}/users/bob", "activity_uri": f"https://{host}/activities/{key}"} | values
        values = {"shard": 0, "body": b"{}", "received_at": self.clock()} | values
        return self.add(Receipt(id=key, host=host, kind=kind, state=state, **values))

    def delivery(self, actor: Actor, inbox: str, *, kind: str = "Create", post: Post | None = None, **values: Any) -> Delivery:
        """Make an activity of `actor` that is on its way to `inbox`."""
        at = self.clock()
        key = self.id()
        uri = uris.activity_uri(self.settings.origin, key)
        about = {"object_uri": post.uri if post else None, "post_id": post.id if post else None}
        activity = self.add(
            Activity(id=key, uri=uri, kind=kind, actor_id=actor.id, audience="public", document=b"{}", created_at=at, **about)
        )
        next_at = at if values.get("state", "waiting") == "waiting" else None
        host = inbox.split("/")[2]
        lane = self.add(Lane(id=self.id(), actor_id=actor.id, inbox=inbox, host=host, next_at=next_at))
        return self.add(Delivery(lane=lane, activity=activity, created_at=at, **values))

    def _actor(self, uri: str, username: str, host: str, *, with_keys: bool, **values: Any) -> Actor:
        at = self.clock()
        values = {
            "name": username.capitalize(), "inbox": uris.inbox_uri(uri), "outbox": uris.outbox_uri(uri), "url": uri,
            "followers_uri": uris.followers_uri(uri), "following_uri": uris.following_uri(uri),
            "featured_uri": uris.featured_uri(uri), "created_at": at, "updated_at": at,
        } | values  # fmt: skip
        actor = self.add(Actor(id=self.id(), uri=uri, username=username, host=host, **values))
        if with_keys:
            for fragment, algorithm, pair in (("main-key", "rsa", _rsa()), ("ed25519-key", "ed25519", _ed25519())):
                private = pair.private_pem if host == "" else None
                pems = {"public_pem": pair.public_pem, "private_pem": private, "fetched_at": at}
                names = {"key_id": f"{uri}#{fragment}", "algorithm": algorithm}
                self.add(ActorKey(id=self.id(), actor_id=actor.id, **names, **pems))
        return actor

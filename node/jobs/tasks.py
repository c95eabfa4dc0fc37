"""One fetch task from start to end: read, then write, never both at once. `fetching` decides when each one runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from sqlalchemy import select

from federation import collections, discovery
from federation.activities import Activity, read_activity
from federation.actors import RemoteActor
from federation.document import Document, parse
from federation.errors import FederationError, FetchFailed
from federation.objects import RemoteObject
from federation.origins import host_of, same_origin
from node.actions import errands, polls, receipts, receive, remote
from node.actions.receipts import Arrived
from node.actions.receive.context import Fetched
from node.database import db, is_passing, transaction
from node.errors import ActionError
from node.models import Actor, Errand, Post
from node.reading import Reader, is_gone, is_temporary, reader_for
from node.runtime import Node

MOST_ROUNDS = 5
"""How often one activity may ask for more documents."""
MOST_PAGES = 10
MOST_ITEMS = 500
MOST_REPLIES = 200
"""Documents read for one collection of replies (abuse cases F14, D05)."""
MOST_PINS = 20
LONGEST = 60.0
"""Seconds after which a collection is left as far as it was read."""


def run(node: Node, what: Arrived | Errand) -> None:
    """Do it: what fails for now is put off, what cannot be had is given up.

    What fails by our own fault is tried a few times, parked with the kind of error, and raised for the log. While the
    database is away nothing is counted: the lease ends.
    """
    try:
        if isinstance(what, Arrived):
            _receipt(node, what)
        else:
            _errand(node, what)
    except Exception as error:
        db.session.remove()
        if not is_passing(error):
            # The kind of error and nothing of what was read: private words do not belong into a list for admins.
            reason = f"internal error: {type(error).__name__}"
            with transaction() as session:
                if isinstance(what, Arrived):
                    receipts.stumble(session, what, reason, node.now())
                else:
                    errands.stumble(session, what, reason, node.now())
        raise


def _errand(node: Node, what: Errand) -> None:
    try:
        KINDS[what.kind](node, what)
    except FetchFailed as error:
        if error.temporary:
            with transaction() as session:
                errands.retry(session, what, node.now())
            return
    except (FederationError, ActionError, remote.Buried, remote.NotAPost):
        pass
    with transaction() as session:
        errands.finish(session, what)


def _receipt(node: Node, arrived: Arrived) -> None:
    """Read what an activity waits for, apply it, and go on while it asks for more."""
    activity = read_activity(parse(arrived.body))
    reader = reader_for(node)
    got: dict[str, Fetched] = {}
    gone: set[str] = set()
    needed: Iterable[str] = receipts.needed(arrived) or (activity.actor,)
    for _ in range(MOST_ROUNDS):
        try:
            for uri in needed:
                got[uri] = _had(reader, uri, gone)
        except FetchFailed:
            _put_off(node, arrived)
            return
        try:
            if _applied(node, arrived, activity, got, frozenset(gone)):
                return
            needed = [activity.actor]
        except receive.Needs as needs:
            needed = needs.uris
    with transaction() as session:
        receipts.finish(session, [arrived.id], "ignored", "needs_too_much")


def _had(reader: Reader, uri: str, gone: set[str]) -> Fetched:
    """Return what is at `uri`, None when nothing usable is. Raises FetchFailed when it may be had later."""
    try:
        return reader.thing(uri)
    except FederationError as error:
        if is_temporary(error):
            raise
        if is_gone(error):
            gone.add(uri)
        return None
    except ActionError:
        return None


def _applied(node: Node, arrived: Arrived, activity: Activity, got: dict[str, Fetched], gone: frozenset[str]) -> bool:
    """Apply in one transaction. Return False when its sender must be read first; raises Needs for all else."""
    try:
        with transaction(is_durable=False) as session:
            now = node.now()
            if not receipts.is_waiting(session, arrived.id):
                return True  # somebody else was faster
            sender = session.scalar(select(Actor).where(Actor.uri == activity.actor, Actor.host != ""))
            if sender is None:
                found = got.get(activity.actor)
                if not isinstance(found, RemoteActor):
                    if activity.actor not in got:
                        return False
                    receipts.finish(session, [arrived.id], "ignored", "sender_not_there")
                    return True
                sender = remote.keep_actor(session, found, now)
            rules = node.rules(session)
            context = receive.Context(node.settings, rules, now, sender, got, arrived.inbox_owner, gone, body=arrived.body)
            outcome = receive.apply(session, activity, context)
            receipts.finish(session, [arrived.id], outcome.state, outcome.reason)
            return True
    finally:
        db.session.remove()


def _put_off(node: Node, arrived: Arrived) -> None:
    now = node.now()
    with transaction() as session:
        if arrived.attempts >= len(errands.WAITS):
            receipts.finish(session, [arrived.id], "ignored", "could_not_be_fetched")
        else:
            receipts.fetch_later(session, arrived.id, arrived.attempts + 1, now + errands.WAITS[arrived.attempts])


def _post(node: Node, errand: Errand) -> None:
    """Read a post that somebody answered, and its author; what it answers in turn is the next errand."""
    keep(node, reader_for(node), errand.uri, errand.budget)


def keep(node: Node, reader: Reader, uri: str, budget: int) -> bool:
    """Fetch and keep one post unless we have it. Return whether a request was made."""
    session = db.session()
    known = session.scalar(select(Post.id).where(Post.uri == uri))
    db.session.remove()
    if known is not None:
        return False
    found = reader.thing(uri)
    if not isinstance(found, RemoteObject) or found.author is None:
        return True
    author = _author(reader, found.author)
    with transaction() as session:
        now = node.now()
        actor = session.scalar(select(Actor).where(Actor.uri == found.author, Actor.deleted_at.is_(None)))
        if actor is None and isinstance(author, RemoteActor):
            actor = remote.keep_actor(session, author, now)
        if actor is not None and actor.suspended_at is None:
            remote.keep_post(session, found, actor, now, own_host=node.settings.host, budget=budget)
    db.session.remove()
    return True


def _author(reader: Reader, uri: str) -> RemoteActor | None:
    """Return an author we do not know yet, None for one we know."""
    session = db.session()
    known = session.scalar(select(Actor.id).where(Actor.uri == uri, Actor.deleted_at.is_(None)))
    db.session.remove()
    return None if known is not None else reader.actor(uri)


def _actor(node: Node, errand: Errand) -> None:
    """Read an actor anew. One that its server says is gone for good is deleted here, too."""
    try:
        found = reader_for(node).actor(errand.uri)
    except FetchFailed as error:
        if error.status != 410:
            raise
        with transaction() as session:
            actor = session.scalar(select(Actor).where(Actor.uri == errand.uri, Actor.host != ""))
            if actor is not None:
                remote.bury_actor(session, actor, node.now())
        return
    with transaction() as session:
        remote.keep_actor(session, found, node.now())


def _nodeinfo(node: Node, errand: Errand) -> None:
    """Learn what a host runs; one that does not say is not asked again."""
    reader, host = reader_for(node), host_of(errand.uri)
    name, version = "unknown", ""
    with suppress(FederationError):
        link = discovery.read_nodeinfo_links(reader.json(errand.uri).document, errand.uri)
        if link is not None:
            software = discovery.read_nodeinfo(reader.json(link).document)
            name, version = software.name, software.version
    with transaction() as session:
        errands.learn_software(session, host, name, version, node.now())


def _replies(node: Node, errand: Errand) -> None:
    """Read a collection of replies and the replies that we do not have, within MOST_REPLIES documents."""
    reader = reader_for(node)
    deadline = time.monotonic() + LONGEST
    left = min(errand.budget, MOST_REPLIES)
    for uri in _items(reader, errand.uri):
        if left <= 0 or time.monotonic() > deadline:
            break
        try:
            left -= keep(node, reader, uri, 0)
        except (FederationError, ActionError, remote.Buried, remote.NotAPost):
            left -= 1


def _items(reader: Reader, url: str) -> list[str]:
    """Return the ids in a collection: at most MOST_PAGES pages of one origin, at most MOST_ITEMS ids."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    following: str | None = url
    while following is not None and len(seen) < MOST_PAGES and following not in seen:
        seen.add(following)
        items, onward = collections.read_page(reader.page(following), MOST_ITEMS)
        for item in items:
            uri = item.id if isinstance(item, Document) else item
            if uri is not None and len(found) < MOST_ITEMS:
                found[uri] = None
        following = onward if onward is not None and same_origin(onward, url) and len(found) < MOST_ITEMS else None
    return list(found)


def _featured(node: Node, errand: Errand) -> None:
    """Read what an actor shows first, at most MOST_PINS posts of its own, and keep those pins and no others."""
    session = db.session()
    actor = session.scalar(select(Actor).where(Actor.uri == errand.uri, Actor.host != "", Actor.deleted_at.is_(None)))
    collection = actor.featured_uri if actor is not None and actor.suspended_at is None else None
    db.session.remove()
    if collection is None or not same_origin(collection, errand.uri):
        return
    reader, deadline = reader_for(node), time.monotonic() + LONGEST
    shown = [uri for uri in _items(reader, collection) if same_origin(uri, errand.uri)][:MOST_PINS]
    for uri in shown:
        if time.monotonic() > deadline:
            break
        with suppress(FederationError, ActionError, remote.Buried, remote.NotAPost):
            keep(node, reader, uri, 0)
    with transaction() as session:
        remote.keep_pins(session, errand.uri, shown, node.now())


def _again(node: Node, errand: Errand) -> None:
    """Read a post at its id after a third party spoke of it: what its own server says now is what counts (case A22)."""
    reader = reader_for(node)
    session = db.session()
    known = session.scalar(select(Post.id).where(Post.uri == errand.uri, Post.is_local.is_(False), Post.deleted_at.is_(None)))
    db.session.remove()
    if known is None:
        keep(node, reader, errand.uri, 0)
        return
    gone: set[str] = set()
    found = _had(reader, errand.uri, gone)
    with transaction() as session:
        post = session.get_one(Post, known)
        author = session.get_one(Actor, post.author_id)
        if errand.uri in gone or (isinstance(found, RemoteObject) and found.type == "Tombstone"):
            remote.bury_post(session, post, node.now())
        elif isinstance(found, RemoteObject) and author.suspended_at is None:
            remote.change_post(remote.Known(session, node.settings.host, node.now()), post, found, author)


def _poll(node: Node, errand: Errand) -> None:
    """Tell others how a poll of ours stands."""
    with transaction() as session:
        polls.tell(session, errand.uri, settings=node.settings, rules=node.rules(session), now=node.now())


def _poll_end(node: Node, errand: Errand) -> None:
    """Close a poll."""
    with transaction() as session:
        polls.close(session, errand.uri, settings=node.settings, rules=node.rules(session), now=node.now())


KINDS: dict[str, Callable[[Node, Errand], None]] = {
    "actor": _actor,
    "again": _again,
    "featured": _featured,
    "nodeinfo": _nodeinfo,
    "poll": _poll,
    "poll_end": _poll_end,
    "post": _post,
    "replies": _replies,
}

"""Who signed this request, and how we know: the key of the key id, listed by its owner's own actor document.

A key we do not know is fetched once; one that fails is looked up again once in five minutes (the peer may have
rotated it). Nothing is fetched before every check that needs no key has passed, nor while a transaction is open.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from federation.actors import RemoteActor, read_actor
from federation.client import Check
from federation.errors import (
    AddressRefused,
    FederationError,
    FetchFailed,
    KeyGone,
    KeyNotOwned,
    KeyUnavailable,
    SignatureRefused,
)
from federation.origins import host_of, same_origin
from federation.signatures import SignatureParameters, SigningKey, Verified, verify
from node.actions import remote
from node.database import db, transaction
from node.queries import keys
from node.queries.keys import KnownKey
from node.reading import never_asked
from node.runtime import Node
from node.slots import Busy

REFETCH_AFTER = timedelta(minutes=5)
FORGET_FAILURE_AFTER = timedelta(seconds=60)
MOST_REMEMBERED = 10_000
KEY_LASTS = 2.0
"""Seconds a key is used without asking the database again."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A verified request's signer: one remote actor, with a row of ours."""

    verified: Verified
    actor_id: int
    uri: str
    host: str
    algorithm: str
    is_suspended: bool


class Memory:
    """A capped map from key ids to the time something last happened to them, with what it was."""

    def __init__(self, lasts: timedelta) -> None:
        self._lasts = lasts
        self._entries: OrderedDict[str, tuple[datetime, str]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, name: str, now: datetime, what: str = "") -> None:
        with self._lock:
            self._entries[name] = (now, what)
            self._entries.move_to_end(name)
            while len(self._entries) > MOST_REMEMBERED:
                self._entries.popitem(last=False)

    def count(self, now: datetime) -> int:
        """Return how many entries still last; the eldest that do not are dropped."""
        with self._lock:
            while self._entries and now - next(iter(self._entries.values()))[0] >= self._lasts:
                self._entries.popitem(last=False)
            return len(self._entries)

    def forget(self, name: str) -> None:
        with self._lock:
            self._entries.pop(name, None)

    def get(self, name: str, now: datetime) -> str | None:
        """Return what happened, or None when nothing did lately."""
        with self._lock:
            entry = self._entries.get(name)
        return None if entry is None or now - entry[0] >= self._lasts else entry[1]


class KeyRing:
    """Finds and checks signers for one process. Thread-safe."""

    def __init__(self) -> None:
        self._refetched = Memory(REFETCH_AFTER)
        self._failed = Memory(FORGET_FAILURE_AFTER)
        self._known: dict[str, tuple[float, KnownKey]] = {}

    def identify(self, node: Node, parameters: SignatureParameters, now: datetime) -> Signer:
        """Return who signed. Raises SignatureRefused, KeyUnavailable, KeyGone, NotAuthorized."""
        key = self._recent(parameters.key_id)
        if key is None:
            return _checked(parameters, self._fetch(node, parameters, now))
        try:
            return _checked(parameters, key)
        except SignatureRefused:
            if self._refetched.get(parameters.key_id, now) is not None:
                raise
            self._refetched.put(parameters.key_id, now)
            try:
                return _checked(parameters, self._fetch(node, parameters, now))
            except KeyUnavailable:
                self._refetched.forget(parameters.key_id)  # nothing was learned: the next request may ask
                raise

    def _recent(self, key_id: str) -> KnownKey | None:
        """Return the key as we keep it, as it was at most KEY_LASTS seconds ago. (Effects ask again who is suspended.)"""
        entry = self._known.get(key_id)
        if entry is not None and time.monotonic() - entry[0] < KEY_LASTS:
            return entry[1]
        key = keys.known(db.session(), key_id)
        if key is not None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[key_id] = (time.monotonic(), key)
        return key

    def _fetch(self, node: Node, parameters: SignatureParameters, now: datetime) -> KnownKey:
        failure = self._failed.get(parameters.key_id, now)
        if failure == "gone":
            raise KeyGone("the key is gone", code="key_gone", key_id=parameters.key_id)
        if failure == "away":
            raise KeyUnavailable("the key could not be fetched for now", code="key_unavailable", retry_after=60)
        if failure is not None:
            raise SignatureRefused("the key id leads to no usable key", code=failure)
        url = parameters.key_url()
        if host_of(url) == node.settings.host:
            raise SignatureRefused("that key is ours", code="key_is_ours")
        signing_key, rules = keys.node_key(db.session(), node.settings.origin), node.rules(db.session())
        db.session.rollback()  # Read, fetch, write: no transaction is open while the network is asked.
        try:
            with node.slots.hold(host_of(url)):
                actor = fetch_owner(node, url, parameters.key_id, signing_key, never_asked(rules, node.settings.host))
        except Busy as error:
            raise KeyUnavailable("too many keys are being fetched just now", code="busy", retry_after=5) from error
        except FederationError as error:
            raise self._remember_failure(error, parameters.key_id, now) from error
        with transaction() as session:
            remote.keep_actor(session, actor, now)
        self._known.pop(parameters.key_id, None)
        key = keys.known(db.session(), parameters.key_id)
        if key is None:
            self._failed.put(parameters.key_id, now, "key_not_listed")
            raise SignatureRefused("the owner does not list this key", code="key_not_listed")
        return key

    def _remember_failure(self, error: FederationError, key_id: str, now: datetime) -> FederationError:
        if isinstance(error, FetchFailed) and error.status in (404, 410):
            self._failed.put(key_id, now, "gone")
            return KeyGone("the key is gone", code="key_gone", key_id=key_id)
        if isinstance(error, FetchFailed) and (error.temporary or (error.status or 0) >= 500):
            self._failed.put(key_id, now, "away")
            return KeyUnavailable("the key could not be fetched for now", code="key_unavailable", retry_after=60)
        self._failed.put(key_id, now, error.code)
        if isinstance(error, KeyNotOwned):
            return error
        text = (
            "the key's address may not be contacted" if isinstance(error, AddressRefused) else "the key id leads to no usable key"
        )
        return SignatureRefused(text, code=error.code)


def fetch_owner(node: Node, url: str, key_id: str, signing_key: SigningKey | None, check: Check | None = None) -> RemoteActor:
    """Return the actor that owns the key: the actor document itself, or the one that a key document's owner names.

    A key document proves nothing by itself: the owner's own document must list the key (S12).
    """
    address = url.partition("#")[0]
    fetched = node.client.get_document(address, key=signing_key, check=check)
    document = fetched.document
    owner = document.uri("owner") or document.uri("controller")
    if owner is None or document.uri("inbox") is not None:
        return read_actor(document, fetched.final_url)
    if not same_origin(owner, address):
        raise KeyNotOwned("the key's owner is on another origin", code="key_not_owned", key_id=key_id, owner=owner)
    owner_document = node.client.get_document(owner.partition("#")[0], key=signing_key, check=check)
    actor = read_actor(owner_document.document, owner_document.final_url)
    if all(record.key_id != key_id for record in actor.public_keys):
        raise KeyNotOwned("the owner does not list this key", code="key_not_owned", key_id=key_id, owner=owner)
    return actor


def _checked(parameters: SignatureParameters, known: KnownKey) -> Signer:
    verified = verify(parameters, known.key)
    return Signer(verified, known.actor_id, verified.owner, known.host, known.key.algorithm, known.is_suspended)

"""Let accepted activities take effect: many in one transaction, in order for each peer, each as if it were done once.

A batch that fails is rolled back and gone through one by one, so that a poisoned activity hurts only itself; effects
and the receipt's new state are one transaction, so a kill at any moment loses and repeats nothing.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.activities import Activity, read_activity
from federation.document import parse
from federation.errors import FederationError
from node.actions import receipts, receive
from node.actions.receipts import Arrived
from node.actions.receive.foresight import look_ahead
from node.actions.remote import Known, want_actor
from node.database import db, is_passing, ring, transaction
from node.jobs import delivery
from node.models import Actor
from node.policy import Rules
from node.runtime import Node, current_node

BATCH = 50
GATHER = 0.05
"""Seconds to let more come in after a small batch: a transaction costs as much as several activities."""
LOOKS = 5
"""How often in a row nothing may be found before the job ends."""
JOB_LASTS = 15.0
STALE_AFTER = timedelta(days=7)
"""An actor that is heard of again is read again when what we know of it is older."""

log = logging.getLogger("courtyard.receiving")


def drain(app: Flask, seconds: float = JOB_LASTS) -> int | None:
    """Work on what is due until nothing is, or `seconds` are over. Return how many activities were worked on.

    None: another process is at it, and takes what is due here, too.
    """
    del app
    node = current_node()
    deadline = time.monotonic() + seconds
    total = 0
    while not delivery.stopping.is_set():
        with _turn(node) as is_ours:
            worked = _drain(node, deadline) if is_ours else None
        if worked is None:
            return total or None
        total += worked
        if time.monotonic() >= deadline:
            with transaction() as session:  # whoever heard the bells meanwhile left: there may be more
                ring(session, "inbound")
            break
        if not worked:
            break
    return total


def _drain(node: Node, deadline: float) -> int:
    """Work on batch after batch, and stay a moment when nothing is left: a stream is one job, not hundreds."""
    total = looks = 0
    most = LOOKS if node.settings.workers > 1 else 1
    while time.monotonic() < deadline and not delivery.stopping.is_set():
        worked = _batch(node)
        total += worked or 0
        looks = 0 if worked else looks + 1
        if looks >= most or not total:
            break
        if not worked or worked < BATCH // 2:
            time.sleep(GATHER)
    return total


@contextmanager
def _turn(node: Node) -> Iterator[bool]:
    """With SQLite, which has one writer, have one process at this work: two would halve each other's batches.

    Who comes while another is at it leaves; the other looks once more after giving its turn away.
    """
    if not node.settings.database_url.startswith("sqlite"):
        yield True
        return
    file = os.open(node.settings.data_dir / "inbound.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(file)


def _batch(node: Node) -> int | None:
    """Work on up to BATCH receipts in one transaction; one by one when that fails. None: there is nothing for us."""
    shards = _shards_due(node.now())
    if not shards:
        return None
    rules = node.rules(db.session())
    arrived: list[Arrived] = []
    try:
        with transaction(is_durable=False) as session:  # what a power cut takes back is done again
            now = node.now()
            held = receipts.hold_shards(session, shards)
            if not held:
                return None  # others work on them
            arrived = receipts.due(session, held, now, BATCH)
            if arrived:
                apply_all(session, node, arrived, rules, now)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("a batch of %s failed; taking them one by one", len(arrived))
        for one in arrived:
            _alone(node, one, rules)
    finally:
        db.session.remove()
    return len(arrived)


def _shards_due(now: datetime) -> tuple[int, ...]:
    """Look without taking the write lock: most bells find the work done already."""
    session = db.session()
    try:
        return receipts.shards_due(session, now)
    finally:
        session.rollback()


def apply_all(session: Session, node: Node, arrived: list[Arrived], rules: Rules, now: datetime) -> None:
    """Apply receipts in order, in the caller's transaction, and give each its outcome."""
    known = Known(session, node.settings.host, now)
    read: list[tuple[Arrived, Activity]] = []
    ended: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in arrived:
        try:
            read.append((one, read_activity(parse(one.body))))
        except FederationError as error:
            ended["refused", error.code].append(one.id)
    senders = find_senders(session, {activity.actor for _, activity in read})
    for sender in senders.values():
        if sender.fetched_at is not None and sender.fetched_at < now - STALE_AFTER:
            want_actor(session, sender.uri, now)
    look_ahead(known, (activity for _, activity in read), [sender.id for sender in senders.values()])
    for one, activity in read:
        sender = senders.get(activity.actor)
        if sender is None:
            receipts.wait_for(session, one.id, [activity.actor], now)
            ring(session, "fetch")
            continue
        context = receive.Context(node.settings, rules, now, sender, inbox_owner=one.inbox_owner, known=known, body=one.body)
        try:
            outcome = receive.apply(session, activity, context)
        except receive.Needs as needs:
            receipts.wait_for(session, one.id, needs.uris, now)
            ring(session, "fetch")
            continue
        ended[outcome.state, outcome.reason].append(one.id)
    session.flush()
    known.flush()
    for (state, reason), ids in ended.items():
        receipts.finish(session, ids, state, reason)


def find_senders(session: Session, uris: set[str]) -> dict[str, Actor]:
    """Return the rows of these actors, those that are known."""
    return {actor.uri: actor for actor in session.scalars(select(Actor).where(Actor.uri.in_(uris), Actor.host != ""))}


def _alone(node: Node, one: Arrived, rules: Rules) -> None:
    now = node.now()
    try:
        with transaction(is_durable=False) as session:
            if receipts.hold_shards(session, (one.shard,)) and receipts.is_new(session, one.id):
                apply_all(session, node, [one], rules, now)
    except Exception as error:  # recorded, and parked after a few tries: others go on
        if is_passing(error):
            raise
        log.exception("receipt %s failed", one.id)
        db.session.remove()
        with transaction() as session:
            # The kind of error and nothing of the activity: private words do not belong into a list for admins.
            receipts.postpone(session, one, f"internal error: {type(error).__name__}", now)
    finally:
        db.session.remove()

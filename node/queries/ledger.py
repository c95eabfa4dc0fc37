"""What the ledger says: who holds an object, what a server received, whether the chain is whole. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from node.ledger import GENESIS, Channel, State, document, hash_of, instant
from node.models import Activity, Actor, Disclosure, LedgerMark, Peer, Post, ReadCount, Tombstone

CHUNK = 2_000
"""Lines read at a time: memory does not grow with the ledger."""
HEAD = "head"
ROW = Disclosure.__table__
"""Rows as they are: a million of them need no objects."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What one server has of an object.

    `state` is the best we know: 'taken', else 'refused' (it read and said no), else 'unknown'. `last` is its newest line;
    `deleted_at` when it took our Delete after that, None while it may still show the object. `channels` how it got it.
    """

    host: str
    since: datetime
    last: Any
    lines: int
    state: str
    channels: tuple[str, ...]
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fault:
    """The first line that is wrong: `what` is 'changed', 'missing', 'broken' (unreadable), 'forked' or 'head'."""

    number: int
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """How many lines were checked, the number and hash of the last good one, and the first fault, if any."""

    lines: int
    last: int
    hash: bytes
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """How much a server got: lines in all, when the first and the last were written."""

    lines: int
    first_at: datetime | None
    last_at: datetime | None


def holders(session: Session, object_uri: str, after: str = "", limit: int = 1_000) -> list[Holder]:
    """Return every server that has, or may have, this object, by name; `after` is the last name of the page before."""
    mine = ROW.c.object_uri == object_uri
    page = select(ROW.c.host).where(mine, ROW.c.host > after).distinct().order_by(ROW.c.host).limit(limit)
    grouped = (
        select(
            ROW.c.host, ROW.c.kind, ROW.c.state, ROW.c.channel, func.count().label("lines"),
            func.min(ROW.c.number).label("first"), func.max(ROW.c.number).label("newest"),
        )
        .where(mine, ROW.c.host.in_(page))
        .group_by(ROW.c.host, ROW.c.kind, ROW.c.state, ROW.c.channel)
    )  # fmt: skip
    groups: dict[str, list[Any]] = {}
    for group in session.execute(grouped):
        groups.setdefault(group.host, []).append(group)
    wanted = {number for group in groups.values() for one in group for number in (one.first, one.newest)}
    rows = _by_number(session, wanted)
    return [_holder(host, groups[host], rows) for host in sorted(groups)]


def holders_count(session: Session, object_uri: str) -> int:
    """Return how many servers have, or may have, this object."""
    return session.scalar(select(func.count(ROW.c.host.distinct())).where(ROW.c.object_uri == object_uri)) or 0


def received(session: Session, host: str, older_than: int | None = None, limit: int = 50) -> list[Any]:
    """Return lines of one server, newest first."""
    return _page(session, select(ROW).where(ROW.c.host == host), older_than, limit)


def newest(session: Session, older_than: int | None = None, limit: int = 50) -> list[Any]:
    """Return lines, newest first."""
    return _page(session, select(ROW), older_than, limit)


def received_by(session: Session, host: str) -> Received:
    """Return how much one server got, for its page. Read off one index."""
    counted = select(func.count(), func.min(ROW.c.number), func.max(ROW.c.number)).where(ROW.c.host == host)
    lines, first, last = session.execute(counted).one()
    rows = _by_number(session, {number for number in (first, last) if number is not None})
    return Received(lines, rows[first].disclosed_at, rows[last].disclosed_at) if lines else Received(0, None, None)


def reads(session: Session, post_id: int) -> dict[str, int]:
    """Return channel -> how often somebody without a name read this post, most first."""
    number = func.sum(ReadCount.number)
    rows = session.execute(
        select(ReadCount.channel, number).where(ReadCount.post_id == post_id).group_by(ReadCount.channel).order_by(number.desc())
    )
    return {channel: int(times) for channel, times in rows}


def object_of(session: Session, name: str) -> str:
    """Return the URI that `name` (a URI, or the id of a post) stands for; a number nobody knows is returned as it is."""
    if not (name.isascii() and name.isdigit() and len(name) < 20):
        return name
    return session.scalar(select(Post.uri).where(Post.id == int(name))) or name


def is_known(session: Session, uri: str) -> bool:
    """Say whether this is the URI of a post, an actor, an activity, of what was deleted, or of what a line is about."""
    wanted = (
        select(Post.id).where(Post.uri == uri), select(Actor.id).where(Actor.uri == uri),
        select(Activity.id).where(Activity.uri == uri), select(Tombstone.uri).where(Tombstone.uri == uri),
        select(ROW.c.number).where(ROW.c.object_uri == uri),
    )  # fmt: skip
    return any(session.execute(one.limit(1)).first() is not None for one in wanted)


def is_known_host(session: Session, host: str) -> bool:
    """Say whether this server got anything, was decided about, or has somebody we know."""
    wanted = (
        select(ROW.c.number).where(ROW.c.host == host), select(Peer.host).where(Peer.host == host),
        select(Actor.id).where(Actor.host == host),
    )  # fmt: skip
    return any(session.execute(one.limit(1)).first() is not None for one in wanted)


def post_id_of(session: Session, object_uri: str) -> int | None:
    """Return the id of the post with this URI, if it is one."""
    return session.scalar(select(Post.id).where(Post.uri == object_uri))


def head(session: Session) -> tuple[int, bytes]:
    """Return number and hash of the chain's end: keep them elsewhere, and nobody can rewrite what came before."""
    row = session.execute(select(LedgerMark.number, LedgerMark.hash).where(LedgerMark.name == HEAD)).one_or_none()
    return (row.number, bytes(row.hash)) if row is not None else (0, GENESIS)


def verify(session: Session, first: int = 1, progress: Callable[[int], None] = lambda _: None) -> Checked:
    """Check every line from number `first` on: own hash, link to the line before, no gap, and the head.

    `progress` is called with the number of lines so far, now and then. Memory is constant. Stops at the first fault. What
    is appended meanwhile is checked, too.
    """
    expected, previous = first, _hash_before(session, first)
    is_known = previous is not None
    last, last_hash, lines, seen = first - 1, previous or GENESIS, 0, -1
    while True:
        rows, fault = _chunk(session, expected)
        for row in rows:
            fault = _fault(row, expected, last_hash if is_known else None)
            if fault is not None:
                return Checked(lines, last, last_hash, fault)
            last, last_hash, is_known = expected, row[-1], True
            lines, expected = lines + 1, expected + 1
        if fault is not None:
            return Checked(lines, last, last_hash, fault)
        progress(lines)
        if rows:
            continue
        number, remembered = head(session)
        if last < number != seen:  # others append while we look: once more
            seen = number
            continue
        if lines or number > last:
            fault = _fault_of_head(number, remembered, last, last_hash if is_known else remembered)
        return Checked(lines, last, last_hash, fault)


def export(
    session: Session, since: datetime | None = None, until: datetime | None = None, host: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield lines with their hash, oldest first; `since` (included) and `until` (not) are aware times."""
    found = select(ROW)
    if host is not None:
        found = found.where(ROW.c.host == host)
    if since is not None:
        found = found.where(ROW.c.disclosed_at >= since)
    if until is not None:
        found = found.where(ROW.c.disclosed_at < until)
    after = 0
    while rows := session.execute(found.where(ROW.c.number > after).order_by(ROW.c.number).limit(CHUNK)).all():
        for row in rows:
            yield as_json(row)
        after = rows[-1].number


def as_json(row: Any) -> dict[str, Any]:
    """Return a row as it stands in an export: the canonical form's names, and `hash`."""
    values = document(row.number, instant(row.disclosed_at), row, bytes(row.previous_hash))
    return {**values, "hash": bytes(row.hash).hex()}


def _page(session: Session, found: Select[Any], older_than: int | None, limit: int) -> list[Any]:
    if older_than is not None:
        found = found.where(ROW.c.number < older_than)
    return list(session.execute(found.order_by(ROW.c.number.desc()).limit(limit)).all())


def _by_number(session: Session, numbers: set[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    wanted = sorted(numbers)
    for start in range(0, len(wanted), 500):
        rows = session.execute(select(ROW).where(ROW.c.number.in_(wanted[start : start + 500])))
        found.update((row.number, row) for row in rows)
    return found


def _holder(host: str, groups: list[Any], rows: dict[int, Any]) -> Holder:
    content = [group for group in groups if group.kind != "Delete"] or groups
    states = {group.state for group in content}
    state = next(one.value for one in State if one in states)
    last = max(group.newest for group in content)
    gone = [group.newest for group in groups if group.kind == "Delete" and group.state == State.TAKEN and group.newest > last]
    return Holder(
        host, rows[min(group.first for group in content)].disclosed_at, rows[last], sum(group.lines for group in groups), state,
        tuple(sorted({Channel(group.channel).value for group in content})), rows[max(gone)].disclosed_at if gone else None,
    )  # fmt: skip


def _hash_before(session: Session, first: int) -> bytes | None:
    """Return the hash of the line before `first`; None when that line is not there to say."""
    if first <= 1:
        return GENESIS
    found = session.scalar(select(ROW.c.hash).where(ROW.c.number == first - 1))
    return bytes(found) if found is not None else None


def _chunk(session: Session, start: int) -> tuple[list[Any], Fault | None]:
    """Return the next lines; where they cannot be read at all, those before the one that cannot, and that as a fault."""
    try:
        return list(session.execute(_from(start, CHUNK)).all()), None
    except (DBAPIError, ValueError, TypeError):
        session.rollback()
    good: list[Any] = []
    for number in range(start, start + CHUNK):
        try:
            good += session.execute(_from(number, 1).where(ROW.c.number == number)).all()
        except (DBAPIError, ValueError, TypeError) as error:
            session.rollback()
            return good, Fault(number, "broken", f"line {number} cannot be read ({type(error).__name__})")
    return good, None


def _from(start: int, most: int) -> Select[Any]:
    return select(ROW).where(ROW.c.number >= start).order_by(ROW.c.number).limit(most)


def _fault(row: Any, expected: int, previous: bytes | None) -> Fault | None:
    """Check one row, which has the table's columns in their order."""
    number, moment, *values, before, own = row
    if number != expected:
        return Fault(expected, "missing", f"line {expected} is missing: {number} comes next")
    try:
        found = hash_of(number, instant(moment), *values, before)
    except (ValueError, TypeError, AttributeError):
        return Fault(number, "broken", f"line {number} holds what no line can hold")
    if found != own:
        return Fault(number, "changed", f"line {number} was changed: its hash is another")
    if previous is not None and before != previous:
        text = f"line {number - 1} was rewritten with a hash of its own: line {number} remembers another"
        return Fault(number - 1, "forked", text)
    return None


def _fault_of_head(number: int, remembered: bytes, last: int, last_hash: bytes) -> Fault | None:
    """Compare the end that is remembered with the end that was found."""
    if number > last:
        return Fault(last + 1, "missing", f"line {last + 1} is missing: the ledger once reached {number}")
    if number < last:
        return Fault(number + 1, "head", f"line {number + 1} came in past the ledger's door: its head says {number}")
    if last and remembered != last_hash:
        return Fault(last, "forked", f"line {last} was rewritten with a hash of its own: the head remembers another")
    return None

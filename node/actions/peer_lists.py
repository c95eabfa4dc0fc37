"""Decisions about many servers as files: our JSON, and Mastodon's domain-block CSV (read only).

Reading a CSV never softens a decision; our own file sets each row's decision as it says.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.errors import Malformed
from federation.origins import normalise_host
from node.actions import audit, node_settings
from node.actions.decisions import TERMS, TIMES, check_terms, decide, enforce, is_bare
from node.actions.roles import check_admin
from node.errors import N_, Invalid
from node.models import Member, Peer
from node.policy import PeerState

FORMAT = "courtyard-peers"
VERSION = 1
LARGEST = 5_000_000
MOST_ROWS = 100_000
MOST_NAMED = 1_000
"""Hosts listed in the audit row."""

SEVERITIES = {"silence": PeerState.LIMITED, "suspend": PeerState.BLOCKED}
"""What Mastodon's words mean here; 'noop' changes nothing."""
STRICTNESS = [PeerState.PARTNER, PeerState.ALLOWED, PeerState.WAITING, PeerState.LIMITED, PeerState.BLOCKED]


@dataclass(slots=True)
class Report:
    """What became of a file: hosts taken, hosts left as they were, and rows that could not be read, each with a reason."""

    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """(row as written, 'obfuscated' | 'bad_host' | 'severity' | 'own_host' | 'bad_row')"""


@dataclass(frozen=True, slots=True)
class _Row:
    """A decision as read from a file, checked."""

    host: str
    state: PeerState
    terms: dict[str, Any]


def import_csv(
    session: Session, text: str, *, by: Member | None, now: datetime, own_host: str = "", allows_bare: bool = True,
    is_dry_run: bool = False,
) -> Report:  # fmt: skip
    """Read Mastodon's domain-block CSV (`#domain,#severity,#reject_media,...`, or one host a line) and block or limit.

    A decision that is as strict already stays. Without `allows_bare`, names without a dot are left out.
    Obfuscated hosts (`ex*mple.org`) are reported. Raises Invalid, NotAllowed.
    """
    check_admin(by)
    _check_size(text)
    report, rows = Report(), []
    for cells in _csv_rows(text):
        row = _read_block(cells, report, own_host, allows_bare)
        if row is None:
            continue
        known = session.get(Peer, row.host)
        if known is not None and STRICTNESS.index(PeerState(known.state)) >= STRICTNESS.index(row.state):
            report.kept.append(row.host)
        else:
            rows.append(row)
    return _take(session, rows, report, "peer.import_csv", by, now, is_dry_run)


def import_json(
    session: Session, text: str, *, by: Member | None, now: datetime, own_host: str = "", allows_bare: bool = True,
    is_dry_run: bool = False,
) -> Report:  # fmt: skip
    """Read what `export_json` wrote: every row's decision holds from now on. Raises Invalid, NotAllowed."""
    check_admin(by)
    _check_size(text)
    try:
        document = json.loads(text)
        written = document["peers"]
        is_ours = document["format"] == FORMAT and document["version"] == VERSION
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Invalid("file_bad", N_("The file is not a list of servers from Courtyard."), "file") from error
    if not is_ours or not isinstance(written, list) or len(written) > MOST_ROWS:
        raise Invalid("file_bad", N_("The file is not a list of servers from Courtyard."), "file")
    report, rows = Report(), []
    for each in written:
        row = _read_row(each, report, own_host, allows_bare, now)
        if row is None:
            continue
        known = session.get(Peer, row.host)
        if known is not None and known.state == row.state and all(getattr(known, name) == row.terms[name] for name in row.terms):
            report.kept.append(row.host)
        else:
            rows.append(row)
    return _take(session, rows, report, "peer.import_json", by, now, is_dry_run)


def export_json(session: Session, *, now: datetime, is_private: bool = True) -> str:
    """Return all decisions as JSON, sorted by host. `is_private=False` leaves out notes, owners and purposes."""
    hidden = () if is_private else ("note", "owner", "purpose")
    peers = [_written(peer, hidden) for peer in session.scalars(select(Peer).order_by(Peer.host))]
    document = {"format": FORMAT, "version": VERSION, "made_at": now.isoformat(), "peers": peers}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _take(
    session: Session, rows: list[_Row], report: Report, verb: str, by: Member | None, now: datetime, is_dry_run: bool
) -> Report:
    """Write the decisions as one act: one new version of the rules, one audit row."""
    report.changed = list(dict.fromkeys(row.host for row in rows))
    if is_dry_run or not rows:
        return report
    for row in rows:
        decide(session, row.host, row.state, row.terms, now)
    node_settings.raise_version(session, now, by, f"{verb} {len(report.changed)}")
    effects = enforce(session, now)
    named = report.changed[:MOST_NAMED]
    audit.record(session, by, verb, str(len(report.changed)), now=now, hosts=named, kept=len(report.kept), **effects)
    session.flush()
    return report


def _csv_rows(text: str) -> Iterator[dict[str, str]]:
    names = ["domain", "severity"]
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))):
            cells = [cell.strip() for cell in row]
            if number > MOST_ROWS:
                raise Invalid("file_long", N_("The file has more than %(most)s rows."), "file", most=MOST_ROWS)
            if number == 0 and cells and cells[0].lstrip("#").lower() in ("domain", "host"):
                names = [cell.lstrip("#").lower() for cell in cells]
            elif any(cells):
                yield dict(zip(names, cells, strict=False))
    except csv.Error as error:
        raise Invalid("file_bad", N_("The file cannot be read: %(why)s"), "file", why=str(error)) from error


def _read_block(row: dict[str, str], report: Report, own_host: str, allows_bare: bool) -> _Row | None:
    """Read a row of Mastodon's file; what cannot be taken goes to the report."""
    written = (row.get("domain") or row.get("host") or "").removeprefix("*.")
    state = SEVERITIES.get((row.get("severity") or "suspend").lower())
    if "*" in written:
        report.skipped.append((written, "obfuscated"))
        return None
    if state is None:
        report.skipped.append((written, "severity"))
        return None
    host = _host(written, own_host, allows_bare, report)
    if host is None:
        return None
    terms: dict[str, Any] = {}
    if row.get("public_comment"):
        terms["public_reason"] = row["public_comment"].replace("\0", "")[:5_000]
    for column, term in (("reject_media", "allows_media"), ("reject_reports", "allows_reports")):
        if row.get(column):
            terms[term] = row[column].lower() not in ("true", "t", "1", "yes")
    return _Row(host, state, terms)


def _read_row(row: Any, report: Report, own_host: str, allows_bare: bool, now: datetime) -> _Row | None:
    """Read a row of our own file; what cannot be taken goes to the report."""
    if not isinstance(row, dict) or row.get("state") not in list(PeerState):
        report.skipped.append((str(row)[:100], "bad_row"))
        return None
    host = _host(row.get("host"), own_host, allows_bare, report)
    if host is None:
        return None
    try:
        times = {name: _time(row[name]) for name in TIMES if name in row}
        expires_at = times.pop("expires_at", None)  # one that is over is kept: then the agreement is over here too
        terms = check_terms({name: row[name] for name in TERMS if name in row and name not in TIMES} | times, now)
    except (Invalid, ValueError, TypeError):
        report.skipped.append((host, "bad_row"))
        return None
    return _Row(host, PeerState(row["state"]), terms | ({"expires_at": expires_at} if "expires_at" in row else {}))


def _host(written: Any, own_host: str, allows_bare: bool, report: Report) -> str | None:
    try:
        host = normalise_host(written)
    except Malformed:
        host = ""
    if not host or (not allows_bare and is_bare(host)):
        report.skipped.append((str(written)[:255], "bad_host"))
        return None
    if host == own_host:
        report.skipped.append((str(written), "own_host"))
        return None
    return host


def _written(peer: Peer, hidden: tuple[str, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {"host": peer.host, "state": peer.state}
    for name in TERMS:
        value = getattr(peer, name)
        if name not in hidden:
            row[name] = value.isoformat() if isinstance(value, datetime) else value
    return row


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _check_size(text: str) -> None:
    if len(text) > LARGEST:
        raise Invalid("file_large", N_("The file is too large."), "file")

"""`courtyard ledger`: is the record whole, who has this, and the record as a file that anybody can check."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from node.commands.output import Refused, as_json, node_app, show, table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from node.queries.ledger import Holder

PAGE = 500
TELL_EVERY = 2.0
"""Seconds between two lines of progress."""


@click.group()
def ledger() -> None:
    """Look into the record of what left this node: check it, ask it, take it along."""


@ledger.command()
@click.option("--from", "first", type=click.IntRange(min=1), default=1, metavar="NUMBER", help="Begin at this line.")
@as_json
@click.pass_context
def verify(context: click.Context, first: int, is_json: bool) -> int:
    """Check every line: its hash, its link to the line before, no gap, the end. Status 1 when one is wrong.

    Prints number and hash of the last line: kept elsewhere, it shows later that nothing before it was rewritten.
    """
    from node.database import db
    from node.queries import ledger as query

    begun = told = time.monotonic()

    def progress(lines: int) -> None:
        nonlocal told
        if not is_json and time.monotonic() - told >= TELL_EVERY:
            told = time.monotonic()
            click.echo(f"  {lines:,} lines, {lines / (told - begun):,.0f}/s", err=True)

    with node_app(context):
        last = query.head(db.session())[0]
        if first > max(last, 1) and query.verify(db.session(), last + 1).fault is None:
            raise Refused(f"there are only {last:,} lines")
        checked = query.verify(db.session(), first, progress)
    rate = checked.lines / max(time.monotonic() - begun, 1e-6)
    fault = checked.fault
    value: dict[str, Any] = {
        "whole": fault is None,
        "lines": checked.lines,
        "last": checked.last,
        "hash": checked.hash.hex(),
        "lines_per_second": round(rate),
        "fault": None if fault is None else asdict(fault),
    }
    if fault is not None:
        show(value, is_json=is_json)
        raise Refused(f"{fault.text} (checked {checked.lines:,} lines before it)")
    words = f"whole: {checked.lines:,} lines, {rate:,.0f} lines/s; the last is {checked.last} with hash {checked.hash.hex()}"
    show(value, is_json=is_json, text=words)
    return 0


@ledger.command("show")
@click.argument("name", metavar="ID")
@as_json
@click.pass_context
def show_object(context: click.Context, name: str, is_json: bool) -> int:
    """Show every server that has, or may have, something: a post's id or any URI.

    Status 1 when it never left, and when nothing of that name is known here.
    """
    from node.database import db
    from node.queries import ledger as query

    with node_app(context):
        session = db.session()
        uri = query.object_of(session, name.strip())
        if not query.is_known(session, uri):
            raise Refused(_unknown(session, uri))
        found: list[Holder] = []
        while page := query.holders(session, uri, found[-1].host if found else "", PAGE):
            found += page
        post_id = query.post_id_of(session, uri)
        reads = query.reads(session, post_id) if post_id is not None else {}
    rows = [_holder(one) for one in found]
    lines = [uri, table(rows, ["host", "state", "since", "channels", "lines", "deleted", "rules", "reasons"])]
    if reads:
        lines.append("read by somebody without a name: " + ", ".join(f"{channel} {number}" for channel, number in reads.items()))
    if not rows:
        lines[1:2] = ["no server has it: it never left by a channel that names its reader"]
    show({"object": uri, "holders": rows, "reads": reads}, is_json=is_json, text="\n".join(lines))
    return 0 if rows else 1


@ledger.command()
@click.option("--since", metavar="DATE", help="From this day or time on (UTC).")
@click.option("--until", metavar="DATE", help="Before this day or time (UTC).")
@click.option("--host", help="What this server got. Lines of others are left out, so links have gaps.")
@as_json
@click.pass_context
def export(context: click.Context, since: str | None, until: str | None, host: str | None, is_json: bool) -> None:
    """Print lines as JSON, one a line, with their hashes: docs/ledger.md says how anybody checks them."""
    del is_json  # it is JSON in any case
    from node.actions.peers import check_host
    from node.database import db
    from node.queries import ledger as query

    begin, end = _moment("--since", since), _moment("--until", until)
    with node_app(context):
        peer = check_host(host) if host else None
        if peer and not query.is_known_host(db.session(), peer):
            raise Refused(f"no server named {peer} is known here")
        number = 0
        for number, line in enumerate(query.export(db.session(), begin, end, peer), start=1):  # noqa: B007 - counted
            sys.stdout.write(json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n")
    if not number:
        click.echo("courtyard: 0 lines", err=True)


def _unknown(session: Session, name: str) -> str:
    """Say that nothing is known under a name, and what to ask for instead when it is a server's."""
    from node.actions.peers import check_host
    from node.errors import Invalid
    from node.queries import ledger as query

    try:
        host = check_host(name)
    except Invalid:
        host = ""
    if host and "/" not in name and query.is_known_host(session, host):
        return f"{host} is a server: `courtyard ledger export --host {host}` has what it got"
    return f"nothing of the name {name!r} is known here: give the number of a post or the whole address of something"


def _holder(one: Holder) -> dict[str, Any]:
    return {
        "host": one.host,
        "state": one.state,
        "since": one.since.isoformat(),
        "channels": ",".join(one.channels),
        "lines": one.lines,
        "deleted": one.deleted_at.isoformat() if one.deleted_at else None,
        "rules": one.last.rules_version,
        "reasons": one.last.reasons,
        "version": bytes(one.last.version).hex(),
        "number": one.last.number,
    }


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"{option}: {text!r} is no date like 2026-01-31 or 2026-01-31T12:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""`courtyard peer`: decisions about other servers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.output import Refused, as_json, node_app, show, table

if TYPE_CHECKING:
    from node.queries.peers import PeerLine

STATES = click.Choice(["partner", "allowed", "limited", "blocked", "waiting"])
PAGE = 500
SHOWN = 50
"""Servers named before an import asks."""
SKIPPED = {
    "obfuscated": "its name is hidden by asterisks",
    "bad_host": "not the name of a server",
    "severity": "asks for nothing that we do",
    "own_host": "this node itself",
    "bad_row": "cannot be read",
}
"""Why a line of a list is left out, in words."""


@click.group()
def peer() -> None:
    """Decide about other servers; import and export lists."""


@peer.command("list")
@click.option("--state", type=STATES, help="Only this state.")
@click.argument("text", required=False)
@as_json
@click.pass_context
def list_peers(context: click.Context, state: str | None, text: str | None, is_json: bool) -> None:
    """List the servers somebody decided about, and those that wait in the lobby; with TEXT, by a part of the name."""
    from node.database import db
    from node.queries import peers

    lines: list[dict[str, Any]] = []
    with node_app(context):
        after = None
        while True:
            page = peers.list(db.session(), state, text, after, PAGE)
            lines += [_line(one) for one in page]
            if len(page) < PAGE:
                break
            after = page[-1].host
        if state in (None, "waiting"):
            known = {line["host"] for line in lines}
            for guest in peers.lobby(db.session()):
                if guest.host not in known and (not text or text.lower() in guest.host):
                    lines.append({"host": guest.host, "state": "waiting", "held": guest.receipts})
    columns = ("host", "state", "software", "followers_here", "following_there", "held", "waiting", "expires", "note")
    show(lines, is_json=is_json, text=table(lines, columns))


@peer.command("show")
@click.argument("host")
@as_json
@click.pass_context
def show_peer(context: click.Context, host: str, is_json: bool) -> None:
    """Show what was decided about HOST, what is known of it, and what each state would change."""
    from dataclasses import asdict

    from node.actions.peers import check_host
    from node.database import db
    from node.policy import PeerState
    from node.queries import peers

    with node_app(context):
        session = db.session()
        name = check_host(host)
        found = peers.get(session, name)
        if found is None:
            raise Refused(f"nothing is known about {name} and nothing was decided")
        line = _line(found)
        impact = {state.value: asdict(peers.impact(session, name, state)) for state in PeerState}
    changes = [{"state": state, **values} for state, values in impact.items()]
    facts = "\n".join(f"{key:<18} {value if value not in (None, '') else '-'}" for key, value in line.items())
    columns = ("state", *(name for name in changes[0] if name not in ("state", "host", "known_actors")))
    text = f"{facts}\n\nwhat each state would change:\n{table(changes, columns)}"
    show({**line, "impact": impact}, is_json=is_json, text=text)


def _decide(context: click.Context, host: str, state: str, is_json: bool, **terms: Any) -> None:
    """Set a state; terms that are None stay as they are."""
    from node.actions import peers
    from node.database import db, transaction, utc_now
    from node.queries import peers as query

    given = {name: value for name, value in terms.items() if value is not None}
    with node_app(context) as (_, settings):
        with transaction() as session:
            name = peers.set_state(
                session, host, state, by=None, now=utc_now(), own_host=settings.host,
                allows_bare=settings.allow_private_addresses, **given,
            ).host  # fmt: skip
        found = query.get(db.session(), name)
        assert found is not None
        line = _line(found)
    show(line, is_json=is_json, text=f"{name} is {state} now" + (f", until {line['expires']}" if line["expires"] else ""))


@peer.command("allow")
@click.argument("host")
@click.option("--note", help="Why; for admins only.")
@as_json
@click.pass_context
def allow(context: click.Context, host: str, note: str | None, is_json: bool) -> None:
    """Let HOST and its subdomains in. What it left in the lobby is accepted now."""
    _decide(context, host, "allowed", is_json, note=note)


@peer.command("partner")
@click.argument("host")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="The last day of the agreement, as 2027-12-31.")
@click.option("--note", help="Why; for admins only.")
@as_json
@click.pass_context
def partner(context: click.Context, host: str, expires: datetime | None, note: str | None, is_json: bool) -> None:
    """Make HOST a partner: it also gets posts for partners."""
    until = expires.replace(hour=23, minute=59, second=59, tzinfo=UTC) if expires else None
    _decide(context, host, "partner", is_json, note=note, expires_at=until)


@peer.command("limit")
@click.argument("host")
@click.option("--note", help="Why; for admins only.")
@as_json
@click.pass_context
def limit(context: click.Context, host: str, note: str | None, is_json: bool) -> None:
    """Limit HOST: it gets public posts only, and its posts stay out of shared timelines."""
    _decide(context, host, "limited", is_json, note=note)


@peer.command("block")
@click.argument("host")
@click.option("--note", help="Why; for admins only.")
@click.option("--reason", help="Why, in words anybody may read.")
@as_json
@click.pass_context
def block(context: click.Context, host: str, note: str | None, reason: str | None, is_json: bool) -> None:
    """Block HOST and its subdomains: nothing passes, in or out; what waits is withheld."""
    _decide(context, host, "blocked", is_json, note=note, public_reason=reason)


@peer.command("forget")
@click.argument("host")
@as_json
@click.pass_context
def forget(context: click.Context, host: str, is_json: bool) -> None:
    """Take the decision about HOST back: it is a stranger again."""
    from node.actions import peers
    from node.database import transaction, utc_now

    with node_app(context), transaction() as session:
        name = peers.check_host(host)
        peers.forget(session, name, by=None, now=utc_now())
    show({"forgotten": name}, is_json=is_json, text=f"{name} is a stranger again")


@peer.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_context
def import_list(context: click.Context, file: Path, dry_run: bool, yes: bool, is_json: bool) -> None:
    """Decide about many servers at once, from our own JSON or from Mastodon's domain-block CSV.

    Says what would change and asks first. A line that makes no sense is named and left out; the others are taken.
    """
    from node.actions import peers
    from node.database import db, transaction, utc_now

    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{file} is not UTF-8 text") from error
    read = peers.import_json if text.lstrip().startswith("{") else peers.import_csv
    with node_app(context) as (_, settings):
        terms: dict[str, Any] = {"by": None, "own_host": settings.host, "allows_bare": settings.allow_private_addresses}
        report = read(db.session(), text, now=utc_now(), is_dry_run=True, **terms)
        db.session.rollback()
        for row, reason in report.skipped:
            click.echo(f"courtyard: left out ({SKIPPED.get(reason, reason)}): {row}", err=True)
        if report.changed and not dry_run:
            if not yes:
                _ask(report.changed, "as the file says" if read is peers.import_json else "blocked or limited")
            with transaction() as session:
                report = read(session, text, now=utc_now(), **terms)
    skipped = [{"row": row, "reason": reason} for row, reason in report.skipped]
    value = {"changed": report.changed, "kept": report.kept, "skipped": skipped, "dry_run": dry_run}
    tail = " (nothing was changed: --dry-run)" if dry_run else ""
    words = f"{len(report.changed)} decided, {len(report.kept)} left as they were, {len(report.skipped)} left out{tail}"
    show(value, is_json=is_json, text=words)


@peer.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--public", "is_public", is_flag=True, help="Leave out notes, owners and purposes.")
@as_json
@click.pass_context
def export_list(context: click.Context, file: Path | None, is_public: bool, is_json: bool) -> None:
    """Write all decisions to FILE, or to standard output, as JSON that `peer import` reads."""
    from node.actions import peers
    from node.database import db, utc_now

    with node_app(context):
        text = peers.export_json(db.session(), now=utc_now(), is_private=not is_public)
    if file is None:
        click.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}") from error
    show({"file": str(file)}, is_json=is_json, text=f"written to {file}")


def _ask(hosts: list[str], what: str) -> None:
    """Name the servers and ask. Raises click.Abort for a no, and when nobody is there to say yes."""
    for host in hosts[:SHOWN]:
        click.echo(f"  {host}", err=True)
    if len(hosts) > SHOWN:
        click.echo(f"  and {len(hosts) - SHOWN:,} more", err=True)
    click.confirm(f"Decide about {len(hosts):,} servers ({what})?", abort=True, err=True)


def _line(one: PeerLine) -> dict[str, Any]:
    decided, known = one.peer, one.host_row
    return {
        "host": one.host,
        "state": decided.state if decided else None,
        "software": f"{known.software} {known.version}".strip() if known else "",
        "known_actors": one.known_actors,
        "followers_here": one.followers_here,
        "following_there": one.following_there,
        "held": one.waiting_receipts,
        "waiting": one.deliveries_waiting,
        "expires": decided.expires_at.date().isoformat() if decided and decided.expires_at else None,
        "note": decided.note if decided else "",
    }

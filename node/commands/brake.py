"""`courtyard brake`: stop what leaves, see what waits, let a statement pass, let go."""

from __future__ import annotations

import click

from node.commands.output import as_json, node_app, show


@click.command()
@click.argument("wish", metavar="[on|off|pass]", type=click.Choice(["on", "off", "pass"]), required=False)
@click.option("--actor", help="Only what this actor of ours sends.")
@click.option("--space", help="Only what is said in this space.")
@click.option("--peer", help="Only what goes to this server and its subdomains.")
@click.option("--post", "post_id", type=int, help="With `pass`: the post that goes out all the same, by its number.")
@click.option("--why", default="", help="Why; for other admins and for the record.")
@as_json
@click.pass_context
def brake(
    context: click.Context, wish: str | None, actor: str | None, space: str | None, peer: str | None, post_id: int | None,
    why: str, is_json: bool,
) -> None:  # fmt: skip
    """Stop everything that leaves, or one actor's, space's or server's; show what is stopped; let it go again.

    It holds within half a second, for what is queued too. What waits goes on in order when the brake is released.
    """
    from node.actions import brakes as actions
    from node.database import db, transaction, utc_now
    from node.queries import brakes as query

    named = [(scope, name) for scope, name in (("actor", actor), ("space", space), ("peer", peer)) if name is not None]
    if len(named) > 1:
        raise click.UsageError("one of --actor, --space and --peer")
    if (wish == "pass") != (post_id is not None):
        raise click.UsageError("`brake pass` goes with --post")
    scope, subject = named[0] if named else ("node", "")
    with node_app(context) as (_, settings):
        with transaction() as session:
            if wish == "on":
                actions.pull(session, scope, subject, why=why, by=None, now=utc_now(), own_host=settings.host)
            elif wish == "off":
                actions.release(
                    session, scope, actions.check_subject(session, scope, subject, settings.host), by=None, now=utc_now()
                )
            elif post_id is not None:
                actions.let_pass(session, post_id, by=None, now=utc_now())
        lines = query.on(db.session())
        value = [
            {
                "scope": line.scope, "subject": line.subject, "by": line.by.username if line.by else None, "at": line.pulled_at,
                "why": line.why, "waiting": line.waiting, "servers": line.servers,
            }
            for line in lines
        ]  # fmt: skip
    text = "\n".join(_sentence(line) for line in value) or "no brake is on"
    show({"on": bool(value), "brakes": value}, is_json=is_json, text=text)


def _sentence(line: dict[str, object]) -> str:
    what = f"{line['scope']} {line['subject']}" if line["subject"] else "everything"
    why = f": {line['why']}" if line["why"] else ""
    by = line["by"] or "the command line"
    return f"on for {what}{why} (by {by}, {line['at']:%Y-%m-%d %H:%M} UTC); {line['waiting']} deliveries wait"

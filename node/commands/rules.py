"""`courtyard rules`: what holds or keeps back posts by their content, and how the rule set stood at any version."""

from __future__ import annotations

import json

import click

from node.commands.output import Refused, as_json, node_app, show, table

KINDS = click.Choice(["word", "pattern", "tag", "mention", "attachment", "anything"])


@click.group()
def rules() -> None:
    """Rules about the content of what leaves: make, list and remove them; see earlier versions of the whole rule set."""


@rules.command("list")
@as_json
@click.pass_context
def list_rules(context: click.Context, is_json: bool) -> None:
    """List the content rules in force."""
    from node.database import db
    from node.runtime import current_node

    with node_app(context):
        found = current_node().rules(db.session()).content.rules
    lines = [
        {
            "id": str(rule.id), "looks_for": rule.looks_for.value, "value": rule.value, "verdict": rule.verdict.value,
            "scope": rule.scope.value, "subject": rule.subject, "reason": rule.name,
        }
        for rule in found
    ]  # fmt: skip
    show(lines, is_json=is_json, text=table(lines, ("id", "looks_for", "value", "verdict", "scope", "subject", "reason")))


@rules.command("add")
@click.argument("reason")
@click.option("--looks-for", type=KINDS, required=True, help="What a post is searched for.")
@click.option("--value", default="", help="The word or phrase, the pattern, the tag, the host or handle.")
@click.option("--withhold", is_flag=True, help="Keep it back for good; without it, hold it until somebody has looked.")
@click.option("--actor", help="Only what this actor of ours says.")
@click.option("--space", help="Only what is said in this space.")
@click.option("--peer", help="Only what goes to this server and its subdomains.")
@as_json
@click.pass_context
def add(
    context: click.Context, reason: str, looks_for: str, value: str, withhold: bool, actor: str | None, space: str | None,
    peer: str | None, is_json: bool,
) -> None:  # fmt: skip
    """Make a rule for what is said from now on. REASON is what the author reads."""
    from node.actions import content_rules
    from node.database import transaction, utc_now

    named = [(scope, name) for scope, name in (("actor", actor), ("space", space), ("peer", peer)) if name is not None]
    if len(named) > 1:
        raise click.UsageError("one of --actor, --space and --peer")
    scope, subject = named[0] if named else ("node", "")
    with node_app(context) as (_, settings), transaction() as session:
        row = content_rules.add(
            session, reason, looks_for, value, verdict="withhold" if withhold else "hold", scope=scope, subject=subject, by=None,
            now=utc_now(), own_host=settings.host,
        )  # fmt: skip
        rule_id = str(row.id)
    show({"id": rule_id}, is_json=is_json, text=f"rule {rule_id} is in force")


@rules.command("remove")
@click.argument("rule_id", metavar="ID", type=int)
@click.pass_context
def remove(context: click.Context, rule_id: int) -> None:
    """Remove a rule. What it holds stays held until somebody lets it go."""
    from node.actions import content_rules
    from node.database import transaction, utc_now

    with node_app(context), transaction() as session:
        content_rules.remove(session, rule_id, by=None, now=utc_now())
    click.echo(f"rule {rule_id} is removed")


@rules.command("versions")
@click.argument("number", type=int, required=False)
@as_json
@click.pass_context
def versions(context: click.Context, number: int | None, is_json: bool) -> None:
    """List the latest versions of the whole rule set, or print how it stood at version NUMBER, as canonical JSON."""
    from node.database import db
    from node.queries import rules as query

    with node_app(context):
        if number is not None:
            found = query.snapshot(db.session(), number)
            if found is None:
                raise Refused(f"there is no version {number} of the rules")
            click.echo(json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
            return
        lines = [
            {"number": row.number, "at": row.made_at.isoformat(), "by": by.username if by else None, "change": row.change}
            for row, by in query.versions(db.session())
        ]
    show(lines, is_json=is_json, text=table(lines, ("number", "at", "by", "change")))

"""`courtyard settings` and `courtyard doctor`: what the node runs with, and how it is."""

from __future__ import annotations

from dataclasses import asdict

import click

from node.commands.output import as_json, settings_of, show


@click.command()
@as_json
@click.pass_context
def settings(context: click.Context, is_json: bool) -> None:
    """Show every setting: its value (secrets hidden), where that comes from, and what it means."""
    from node.config import describe

    lines = list(describe(settings_of(context, make_secret=False)))
    width = max(len(line.name) for line in lines)
    blocks = [f"{line.name:<{width}}  {line.value or '-'}  ({line.source})\n{'':<{width}}  {line.meaning}" for line in lines]
    show([asdict(line) for line in lines], is_json=is_json, text="\n".join(blocks))


@click.command()
@as_json
@click.pass_context
def doctor(context: click.Context, is_json: bool) -> int:
    """Check DNS name, clock, database, Redis, workers, keys, reachability, disk and data folder, and say what to do.

    Exit status 1 when something must be mended; a warning alone is 0.
    """
    from node.operations import doctor as medicine

    found = []
    for finding in medicine.examine(settings_of(context, make_secret=False)):
        found.append(finding)
        if not is_json:
            click.echo(f"{finding.state:<5} {finding.check:<13} {finding.text}")
            if finding.advice:
                click.echo(f"{'':<5} {'':<13} -> {finding.advice}")
    if is_json:
        show([asdict(finding) for finding in found], is_json=True)
    return 1 if medicine.worst(found) is medicine.State.FAIL else 0

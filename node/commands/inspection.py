"""`courtyard settings` and `courtyard doctor`: what the node runs with, and how it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from node.commands.output import as_json, settings_of, show

if TYPE_CHECKING:
    from node.config import Settings
    from node.operations.doctor import Finding


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

    A node that runs in the data folder is examined with the settings it was started with. Exit status 1 when something must
    be mended; a warning alone is 0.
    """
    from node.operations import doctor as medicine

    found = []
    for finding in _examine(settings_of(context, make_secret=False)):
        found.append(finding)
        if not is_json:
            click.echo(f"{finding.state:<5} {finding.check:<13} {finding.text}")
            if finding.advice:
                click.echo(f"{'':<5} {'':<13} -> {finding.advice}")
    if is_json:
        show([asdict(finding) for finding in found], is_json=True)
    return 1 if medicine.worst(found) is medicine.State.FAIL else 0


def _examine(own: Settings) -> Iterator[Finding]:
    """Yield the findings about the node that runs in the data folder, else about the one that would."""
    from node.config import SettingsError
    from node.operations import doctor as medicine
    from node.operations import running

    try:
        settings, other = running.settings_in_force(own, os.environ)
    except SettingsError as error:
        settings, other = own, {}
        advice = "restart the node, or set them as they were"
        yield medicine.Finding("settings", medicine.State.WARN, f"the running node's are no longer possible: {error}", advice)
    if other:
        said = " ".join(f"{name}={value}" if value else f"{name} (not set)" for name, value in other.items())
        advice = (
            f"put them into {own.data_dir / '.env'}, where every command finds them (or restart the node, if it is to change)"
        )
        text = f"this shell has others than the running node, which has {said}"
        yield medicine.Finding("settings", medicine.State.WARN, text, advice)
    yield from medicine.examine(settings)

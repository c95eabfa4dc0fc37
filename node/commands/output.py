"""What commands share: settings, an application to work in, and answers for people or machines."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask

    from node.config import Settings


class Refused(Exception):
    """The command did not do it. The text is one line for the person who asked; the exit status is 1."""


def as_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json` to a command: the answer as one JSON value on stdout."""
    return click.option("--json", "is_json", is_flag=True, help="Answer in JSON.")(command)


def settings_of(context: click.Context, *, make_secret: bool = True) -> Settings:
    """Return the settings of the node the command is for. Raises Refused with the line that says what is wrong."""
    from node.config import SettingsError, load

    try:
        settings = load(os.environ, context.find_root().obj, make_secret=make_secret)
    except SettingsError as error:
        raise Refused(str(error)) from error
    for name in settings.unknown:
        click.echo(f"courtyard: {name} is no setting of ours (see `courtyard settings`)", err=True)
    return settings


@contextmanager
def node_app(context: click.Context) -> Iterator[tuple[Flask, Settings]]:
    """Open the node: its application, in a context, and its settings. What an action refuses becomes Refused."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from node import create_app
    from node.errors import ActionError
    from node.operations import logs

    settings = settings_of(context)
    logs.set_up(settings.log_format)
    app = create_app(settings, doors=())
    with app.app_context():
        try:
            yield app, settings
        except ActionError as error:
            raise Refused(str(error)) from error
        except (OperationalError, ProgrammingError) as error:
            reason = str(error.orig).splitlines()[0] if error.orig else "no reason given"
            advice = "is it migrated? try `courtyard migrate`, then `courtyard doctor`"
            raise Refused(f"the database refuses ({reason}): {advice}") from error


def show(value: object, *, is_json: bool, text: str | None = None) -> None:
    """Print the answer: `value` as JSON, or `text` for a person."""
    if is_json:
        click.echo(json.dumps(value, ensure_ascii=False, default=str, indent=2))
    elif text is not None:
        click.echo(text)


def table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Return rows as aligned columns with a heading; a line that says so when there are none."""
    if not rows:
        return "none"
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(column), *(len(line[index]) for line in cells)) for index, column in enumerate(columns)]
    lines = [list(columns), *cells]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if text.isprintable() else repr(text)[1:-1]

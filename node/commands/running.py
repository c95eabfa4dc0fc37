"""`courtyard run`, and the parts it starts: web, worker, scheduler, migrate. Light until a part is chosen."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

import click

from node.commands.output import Refused, as_json, settings_of, show
from node.operations import logs


@click.command()
@click.pass_context
def run(context: click.Context) -> None:
    """Set up and run the whole node: embedded Valkey, web server, workers, scheduler. Ctrl-C stops all of it.

    Prints the address and, as long as there is no admin, a one-time link for the first one. SIGHUP replaces the web
    server without interrupting anybody.
    """
    from node.operations.supervisor import StartFailed, Supervisor

    settings = settings_of(context)
    logs.set_up(settings.log_format, "courtyard")

    def announce(link: str | None) -> None:
        click.echo(f"\n  Courtyard answers at {settings.origin}/")
        if link:
            click.echo(f"  First admin, open this once: {link}")
        click.echo("  Ctrl-C stops everything.\n")

    try:
        Supervisor(settings, os.environ, announce).run()
    except StartFailed as error:
        raise Refused(str(error)) from error


@click.command()
@click.option("--fd", type=int, help="Serve on this inherited listening socket (the supervisor's) in place of COURTYARD_BIND.")
@click.option("--ready-fd", type=int, help="Write one line of JSON here when ready.")
@click.pass_context
def web(context: click.Context, fd: int | None, ready_fd: int | None) -> None:
    """Run the web server alone, until SIGTERM or Ctrl-C. Needs a migrated database and a Redis or Valkey server."""
    from node import create_app
    from node.operations import web as server
    from node.operations.sockets import listen

    settings = settings_of(context)
    logs.set_up(settings.log_format, os.environ.get(logs.PART_VARIABLE) or "web")

    served: list[Any] = []

    def ready(application: Any) -> None:
        served.append(application)
        if ready_fd is not None:
            with os.fdopen(ready_fd, "w") as pipe:
                json.dump({"first_admin_link": _first_admin_link(application)}, pipe)

    try:
        listener = socket.socket(fileno=fd) if fd is not None else listen(settings.bind_address)
    except OSError as error:
        raise Refused(f"cannot listen on COURTYARD_BIND={settings.bind}: {error.strerror}") from error
    with listener:
        try:
            server.run(settings, listener, create_app, ready)
        finally:
            for application in served:
                application.extensions["courtyard.reads"].flush()


def _first_admin_link(application: Any) -> str | None:
    from node.actions import invitations
    from node.database import transaction
    from node.runtime import current_node

    with application.app_context(), transaction() as session:
        return invitations.first_admin_link(session, current_node().settings, current_node().now())


@click.command()
@click.option("--index", type=click.IntRange(1, 999), default=1, show_default=True, help="Which of several workers this is.")
@click.pass_context
def worker(context: click.Context, index: int) -> None:
    """Run one worker: deliveries, the effects of what came in, fetching. Any number may run, on any machine."""
    from node.jobs import worker as jobs

    settings = settings_of(context)
    logs.set_up(settings.log_format, os.environ.get(logs.PART_VARIABLE) or f"worker-{index}")
    jobs.run(settings, index - 1)


@click.command()
@click.pass_context
def scheduler(context: click.Context) -> None:
    """Run what happens by the clock: retries, expiries, cleaning up. Several may run: they elect one."""
    from node.jobs import scheduler as jobs

    settings = settings_of(context)
    logs.set_up(settings.log_format, os.environ.get(logs.PART_VARIABLE) or "scheduler")
    jobs.run(settings)


@click.command()
@as_json
@click.pass_context
def migrate(context: click.Context, is_json: bool) -> None:
    """Bring the database to this version's tables and make the node's own actor. Does nothing when they are there."""
    from sqlalchemy.exc import OperationalError

    from node import create_app
    from node.config import shipped_folder
    from node.database import db
    from node.operations import schema

    settings = settings_of(context)
    logs.set_up(settings.log_format, os.environ.get(logs.PART_VARIABLE) or "migrate")
    try:
        # Here and not in create_app: Alembic is 11 MB and 0.3 s that no other process needs.
        from flask_migrate import Migrate, upgrade  # type: ignore[import-untyped]

        app = create_app(settings, doors=())
        Migrate(app, db, directory=str(shipped_folder("migrations")))
        with app.app_context():
            upgrade()
    except OperationalError as error:
        raise Refused(f"the database cannot be reached: {str(error.orig).splitlines()[0]}") from error
    show({"revision": schema.newest()}, is_json=is_json, text=f"the database is at revision {schema.newest()}")

"""How Alembic reaches the database: through the running application's engine, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from alembic import context
from flask import current_app

database = current_app.extensions["migrate"].db


def run() -> None:
    """Run the migrations, each in a transaction, with SQLite's tables rebuilt where it cannot alter them."""
    with database.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=database.metadata, render_as_batch=True,
        transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


if context.is_offline_mode():
    raise SystemExit("migrations run against a database: start without --sql")
run()

"""The migrations make the very tables that the models describe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

import node.models  # noqa: F401 (the tables must be known before they are compared)
from node.database import Base
from tests.support.databases import is_postgresql

ROOT = Path(__file__).parents[2]


@pytest.mark.filterwarnings("ignore:.*expression-based index")
@pytest.mark.skipif(is_postgresql(), reason="makes a database of its own")
def test_migrations_and_models_agree(tmp_path):
    environment = {"PATH": "", "COURTYARD_DATA": str(tmp_path)}
    command = [sys.executable, "-c", "import sys; from node import cli; sys.exit(cli.execute(sys.argv[1:]))", "migrate"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    engine = create_engine(f"sqlite:///{tmp_path / 'courtyard.sqlite3'}")
    with engine.connect() as connection:
        options = {"compare_type": False, "include_object": lambda _thing, name, *_: name != "alembic_version"}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    engine.dispose()
    assert found == []

"""A command line on an empty node."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine

import node.models  # noqa: F401 (the tables must be known before they are made)
from node import cli
from node.database import Base


@pytest.fixture
def courtyard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run `courtyard ARGUMENTS` in this process against a node of its own; returns the exit status."""
    for name in list(os.environ):
        if name.startswith("COURTYARD_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("COURTYARD_DATA", str(folder))
    monkeypatch.setenv("COURTYARD_DOMAIN", "home.test")
    engine = create_engine(f"sqlite:///{folder / 'courtyard.sqlite3'}")
    Base.metadata.create_all(engine)
    engine.dispose()

    def run(*arguments: str) -> int:
        return cli.execute(arguments)

    return run

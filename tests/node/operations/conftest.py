"""A supervised stand-in node, for tests of the supervisor and the web server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.operations.supervised import Running


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A node whose announcement has been read."""
    node = Running(tmp_path / "data")
    try:
        node.announcement = node.wait_until_ready()
        yield node
    finally:
        node.stop()

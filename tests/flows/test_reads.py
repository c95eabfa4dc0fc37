"""Reads without a name are counted by a running node, and a clean stop forgets none of them."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from federation.vocabulary import MEDIA_TYPE
from node.policy import Audience
from node.queries import actors
from tests.abuse.running import RunningNode
from tests.support.clocks import Clock
from tests.support.factories import Factory
from tests.support.peers import Peers

pytestmark = pytest.mark.slow


def test_a_clean_stop_writes_what_was_counted(tmp_path: Path) -> None:
    with Peers() as peers, RunningNode(tmp_path, peers) as node:
        node.add_member("ada")
        with node.writing() as session:
            make = Factory(session, node.settings, Clock(datetime.now(UTC)))
            post = make.post(actors.by_name(session, "ada"), Audience.PUBLIC)
        path = f"/users/ada/posts/{post.id}"
        assert node.get(path, Accept="text/html").status == 200
        assert node.get(path, Accept=MEDIA_TYPE).status == 200
        assert node.get("/users/ada/feed.atom").status == 200
        assert node.state.count("disclosures") == 0
    with sqlite3.connect(node.data / "courtyard.sqlite3") as connection:
        counted = dict(connection.execute("SELECT channel, number FROM read_counts WHERE post_id = ?", (post.id,)))
    assert counted == {"page": 1, "public": 1, "feed": 1}

"""What is swept now and then."""

from __future__ import annotations

from datetime import timedelta

from node.jobs import housekeeping
from node.runtime import EXTENSION, Node


def test_what_came_into_the_lobby_while_its_server_was_let_in_is_released(app, session, make, settings, clock):
    app.extensions[EXTENSION] = Node(settings, clock, None)
    make.peer("good.test")
    make.peer("below.test", "partner")
    make.peer("late.test", expires_at=clock() + timedelta(minutes=1))
    make.peer("waiting.test", "waiting")
    hosts = ("good.test", "sub.below.test", "late.test", "waiting.test", "stranger.test")
    held = {host: make.receipt(host) for host in hosts}
    clock.move(120)
    make.commit()
    with app.app_context():
        housekeeping.sweep(app)
    session.expire_all()

    states = {host: row.state for host, row in held.items()}
    assert states == dict.fromkeys(hosts, "held") | {"good.test": "new", "sub.below.test": "new"}

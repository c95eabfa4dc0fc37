"""What other servers received, and what the ledger says they received, are the same: over a whole running node."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from federation.canonical import canonical
from node.actions import outbox, spaces
from node.actions.drafts import Draft
from node.database import db
from node.models import Member
from node.policy import Audience, Mode
from node.queries import actors, ledger, rules
from tests.abuse.conftest import world_at
from tests.abuse.running import _children, now
from tests.abuse.trials import World
from tests.support.clocks import Clock
from tests.support.factories import Factory
from tests.support.scripted import hang

pytestmark = pytest.mark.slow
LINES = "SELECT host, activity_uri, lower(hex(version)), state, channel, post_id FROM disclosures ORDER BY number"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_at(tmp_path_factory.mktemp("node")) as made:
        yield made


def say(world: World, *audiences: Audience) -> dict[Audience, int]:
    """Have ada post once for each audience; return the posts' ids."""
    node = world.node
    with node.writing() as session:
        ada = actors.by_name(session, "ada")
        current = rules.load(session, Mode.SELECTIVE)
        ids = {}
        for audience in audiences:
            space_id = None
            if audience is Audience.SPACE:
                founder = session.scalars(select(Member).where(Member.role == "admin").options(joinedload(Member.actor))).one()
                space = spaces.create(session, founder, "office", "Office", "", now())
                spaces.join(session, space, ada, now())
                space_id = space.id
            text = "Words @carol@good.test" if audience is Audience.DIRECT else "Words"
            draft = Draft(text, audience, space_id=space_id)
            ids[audience] = outbox.publish(session, ada, draft, settings=node.settings, rules=current, now=now()).id
    return ids


def test_the_ledger_has_exactly_what_other_servers_received(world: World) -> None:
    node = world.node
    with node.writing() as session:
        make = Factory(session, node.settings, Clock(now()))
        make.follow(actors.by_uri(session, world.alice.id), actors.by_name(session, "ada"))
    for peer in world.around:
        peer.forget()
    node.state.wait_until_idle()
    before = len(node.state.rows(LINES))
    ids = say(world, *Audience)
    node.state.wait_until_idle()
    time.sleep(0.5)
    received = set()
    for peer in world.around:
        for request in peer.received("POST"):
            activity = json.loads(request.body)
            whole = activity["object"] if isinstance(activity.get("object"), dict) else activity
            version = sha256(canonical({name: value for name, value in whole.items() if name != "@context"})).hexdigest()
            received.add((peer.name, activity["id"], version))
    lines = node.state.rows(LINES)[before:]
    assert {(host, uri, version) for host, uri, version, *_ in lines} == received
    assert len(lines) == len(received)
    assert {(state, channel) for _, _, _, state, channel, _ in lines} == {("taken", "delivery")}
    left = {post_id for *_, post_id in lines}
    assert left == {ids[Audience.PUBLIC], ids[Audience.UNLISTED], ids[Audience.FOLLOWERS], ids[Audience.DIRECT]}

    path = f"/users/ada/posts/{ids[Audience.FOLLOWERS]}"
    assert node.get(path, actor=world.mallory).status == 404
    assert len(node.state.rows(LINES)) == before + len(lines)
    answer = node.get(path, actor=world.alice)
    assert answer.status == 200
    assert node.state.rows(LINES)[-1][0] == "victim.test"  # committed before the answer came
    assert node.state.rows(LINES)[-1][4] == "get"
    with node.app.app_context():
        assert ledger.verify(db.session()).fault is None
        db.session.remove()


def test_what_a_killed_worker_was_sending_is_on_record_as_possible(world: World) -> None:
    node = world.node
    node.state.wait_until_idle()
    world.victim.route("POST", "/inbox", hang())
    before = node.state.count("disclosures")
    ids = say(world, Audience.PUBLIC)
    world.victim.wait_for("POST", "/inbox", timeout=20)
    for pid in _children(node._process.pid):
        if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while node.state.count("disclosures") == before and time.monotonic() < deadline:
        time.sleep(0.1)
    host, _, _, state, _, post_id = node.state.rows(LINES)[before]
    assert (host, state, post_id) == ("victim.test", "unknown", ids[Audience.PUBLIC])
    world.victim.route("POST", "/inbox", 202)

"""A server's signed GET is on record before it is answered; a GET without a name is counted; what is not shown is neither."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from federation.signatures import SigningKey, sign
from node.actions import ledger
from node.application import build
from node.database import db
from node.ledger import version_of
from node.models import Activity, ActorKey, Disclosure, Post
from node.policy import Audience
from node.queries import ledger as query
from tests.support import factories

ORIGIN = "https://home.test"
JSON = {"Accept": "application/activity+json"}


@pytest.fixture
def door(settings, clock) -> Iterator[Flask]:
    app = build(settings, clock, doors=("activitypub", "web", "api", "media"))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def world(make, session: Session) -> SimpleNamespace:
    """Ada is followed by Eve, whose server is let in; Mal's is not."""
    make.peer("good.test")
    ada = make.member("ada").actor
    eve = make.remote("eve", "good.test", with_keys=True)
    mal = make.remote("mal", "evil.test", with_keys=True)
    make.follow(eve, ada)
    posts = {audience: make.post(ada, audience, html=f"<p>{audience}</p>") for audience in Audience if audience != "space"}
    make.commit()
    return SimpleNamespace(ada=ada, eve=eve, mal=mal, posts=posts)


@pytest.fixture
def get(door: Flask, clock, session: Session) -> Callable[..., Any]:
    """GET an address as a server that signs, or as anybody."""

    def ask(path: str, signer=None, method: str = "GET", **headers: str):
        if signer is not None:
            key_id = session.scalars(
                select(ActorKey.key_id).where(ActorKey.actor_id == signer.id, ActorKey.algorithm == "rsa")
            ).one()
            key = SigningKey(key_id, "rsa", factories._rsa().private_pem)
            headers = {**sign(method, ORIGIN + path, None, key, now=clock()), **headers}
        return door.test_client().open(path, method=method, base_url=ORIGIN, headers={**JSON, **headers})

    return ask


def disk_full(*_: object) -> None:
    raise OperationalError("insert", {}, Exception("disk full"))


def path_of(post: Post) -> str:
    return post.uri.removeprefix(ORIGIN)


@pytest.fixture
def lines(session: Session) -> Callable[[], list[Disclosure]]:
    def read() -> list[Disclosure]:
        session.rollback()
        session.expire_all()
        return list(session.scalars(select(Disclosure).order_by(Disclosure.number)))

    return read


def test_a_signed_read_is_a_line_with_reader_rule_and_version(world, get, lines) -> None:
    post = world.posts[Audience.FOLLOWERS]
    answer = get(path_of(post), world.eve)
    assert answer.status_code == 200
    (line,) = lines()
    assert (line.channel, line.kind, line.host, line.actor_uri) == ("get", "Read", "good.test", world.eve.uri)
    assert (line.object_uri, line.post_id, line.size) == (post.uri, post.id, len(answer.data))
    assert (line.verdict, line.reasons, line.state, line.answer) == ("send", "peer_is_allowed:good.test", "taken", 200)
    assert line.version == version_of(json.loads(answer.data))


def test_what_is_refused_or_only_asked_about_is_no_line(world, get, lines) -> None:
    for audience in (Audience.MEMBERS, Audience.DIRECT, Audience.PARTNERS):
        assert get(path_of(world.posts[audience]), world.eve).status_code == 404
    assert get(path_of(world.posts[Audience.FOLLOWERS]), world.mal).status_code == 404
    assert get(path_of(world.posts[Audience.PUBLIC]), world.eve, method="HEAD").status_code == 200
    assert lines() == []


def test_a_page_of_the_outbox_is_a_line_for_each_post_in_it(world, get, lines, make) -> None:
    second = make.post(world.ada, Audience.PUBLIC)
    make.commit()
    assert get("/users/ada/outbox", world.eve).status_code == 200
    assert lines() == []
    page = get("/users/ada/outbox?page=true", world.eve).get_json(force=True)
    assert [item["object"]["id"] for item in page["orderedItems"]] == [line.object_uri for line in lines()]
    shown = {second.id, world.posts[Audience.PUBLIC].id, world.posts[Audience.UNLISTED].id}
    assert {line.post_id for line in lines()} == shown


def test_an_activity_is_a_line_with_the_post_as_it_stands_today(world, get, lines, make) -> None:
    post = world.posts[Audience.PUBLIC]
    activity = make.delivery(world.ada, "https://good.test/inbox", post=post, state="delivered").activity
    make.session.get(Activity, activity.id).document = json.dumps({"type": "Create", "id": activity.uri, "object": {}}).encode()
    make.commit()
    answer = get(f"/activities/{activity.id}", world.eve)
    (line,) = lines()
    assert (line.activity_uri, line.object_uri) == (activity.uri, post.uri)
    assert line.version == version_of(answer.get_json(force=True)["object"])


def test_reads_without_a_name_are_counted_by_channel(world, get, lines, door, session) -> None:
    post = world.posts[Audience.PUBLIC]
    get(path_of(post))
    get(path_of(post), world.mal)  # an unknown server reads as anybody does: its signature is not even looked at
    get(path_of(post), Accept="text/html")
    get("/users/ada/feed.atom", Accept="application/atom+xml")
    get(f"/api/v1/statuses/{post.id}", Accept="application/json")
    get(path_of(post), method="HEAD")
    assert lines() == []
    door.extensions["courtyard.reads"].flush()
    session.rollback()
    assert query.reads(session, post.id) == {"public": 2, "page": 1, "feed": 1, "api": 1}


def test_what_the_database_does_not_take_is_counted_later(world, get, door, session, monkeypatch) -> None:
    post = world.posts[Audience.PUBLIC]
    get(path_of(post))
    counter = door.extensions["courtyard.reads"]
    with monkeypatch.context() as broken:
        broken.setattr(ledger, "count_reads", disk_full)
        counter.flush()
    get(path_of(post))
    counter.flush()
    session.rollback()
    assert query.reads(session, post.id) == {"public": 2}


def test_when_the_ledger_cannot_be_written_nothing_is_handed_out(world, get, lines, monkeypatch) -> None:
    monkeypatch.setattr(ledger, "append", disk_full)
    answer = get(path_of(world.posts[Audience.FOLLOWERS]), world.eve)
    assert answer.status_code == 503
    assert b"followers" not in answer.data

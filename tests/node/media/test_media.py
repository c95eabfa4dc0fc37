"""Pictures of other servers: only pictures, only for whom they are for, past the guard and the gate."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from flask import g

from node import media
from node.actions import logins
from node.media import addresses
from node.media.pictures import Pictures, sniff
from node.models import Attachment
from node.runtime import EXTENSION, Node
from tests.support.peers import Peers, Reply

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
SAMPLES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"\x00" * 32,
    "image/gif": b"GIF89a" + b"\x00" * 32,
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "image/avif": b"\x00\x00\x00\x20ftypavif\x00\x00",
}


@pytest.fixture
def peers():
    with Peers() as made:
        yield made


@pytest.fixture
def good(make, peers):
    make.peer("good.test")
    return peers.add("good.test")


@pytest.fixture
def door(app, settings, clock, peers, session, make):
    """Asks for a path, as a member or (`member=None`) as a stranger."""

    def get(path, member=None):
        if "media" not in app.blueprints:
            app.extensions[EXTENSION] = Node(settings, clock, peers.client(total_timeout=2.0))
            media.init_app(app)
            app.register_blueprint(media.blueprint)
        client = app.test_client()
        if member is not None:
            secret = logins.open(session, member, "127.0.0.1", "test", clock())
            client.set_cookie("__Host-courtyard", secret, domain="home.test", secure=True)
        session.commit()
        g.pop("login", None)  # the context lasts as long as the test
        return client.get(path, base_url="https://home.test")

    return get


@pytest.fixture
def picture(make, good):
    """Makes an attachment of a post by bob@good.test."""
    bob = make.remote("bob", "good.test")

    def attach(path="/a.png", body=PNG, media_type="image/png", audience="public", url=None):
        good.route("GET", path, Reply(200, {"Content-Type": media_type}, body))
        post = make.post(bob, audience)
        return make.add(Attachment(id=make.id(), post_id=post.id, url=url or good.origin + path, kind="image"))

    return attach


@pytest.mark.parametrize("media_type", SAMPLES)
def test_a_picture_is_known_by_its_first_bytes(media_type):
    assert sniff(SAMPLES[media_type]) == media_type


@pytest.mark.parametrize(
    "body", [b"", b"<svg xmlns='x'>", b"<!doctype html>", b"%PDF-1.7", b"GIF8", b"RIFF", b"MZ\x90", b"\x00\x00\x00\x20ftypmp42"]
)
def test_anything_else_is_none(body):
    assert sniff(body) is None


def test_a_member_sees_a_picture_and_its_server_is_asked_once(door, make, picture, good):
    ada = make.member("ada")
    one = picture()
    for _ in range(2):
        response = door(f"/media/{one.id}", ada)
        assert (response.status_code, response.data, response.content_type) == (200, PNG, "image/png")
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"].startswith("private")
    assert len(good.received()) == 1


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"<svg onload=alert(1)>", "image/svg+xml"), (b"<html>", "image/png"), (PNG, "text/html"), (b"%PDF", "image/jpeg"),
        (b"<script>1</script>", "image/gif"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_not_passed_on(door, make, picture, body, media_type):
    response = door(f"/media/{picture(body=body, media_type=media_type).id}", make.member("ada"))

    assert (response.status_code, response.data) == (415, b"")  # case F21


def test_the_type_is_ours_to_say(door, make, picture):
    one = picture(body=SAMPLES["image/gif"], media_type="image/png")

    assert door(f"/media/{one.id}", make.member("ada")).content_type == "image/gif"


def test_a_picture_of_our_own_is_not_fetched_through_us(door, make, picture, peers):
    one = picture(url="https://HOME.test/media/1")

    assert door(f"/media/{one.id}", make.member("ada")).status_code == 415
    assert not peers.lookups


def test_strangers_and_those_who_may_not_see_the_post_get_nothing(door, make, picture, good):
    ada = make.member("ada")

    assert door(f"/media/{picture().id}").status_code == 404
    assert door(f"/media/{picture(audience='followers').id}", ada).status_code == 404  # case L09
    assert door("/media/1", ada).status_code == 404
    assert good.received() == []


def test_a_signed_address_works_without_a_cookie_for_a_day(door, picture, settings, clock):
    one, other = picture(), picture("/b.png")
    path = addresses.path(settings.secret_key, one.id, clock())

    assert door(path).status_code == 200
    assert door(path.replace(str(one.id), str(other.id))).status_code == 404
    assert door(path[:-1] + "!").status_code == 404
    clock.move(timedelta(days=2))
    assert door(path).status_code == 404


def test_a_deleted_post_takes_its_pictures_with_it(door, make, session, picture, settings, clock):
    one = picture()
    path = addresses.path(settings.secret_key, one.id, clock())
    assert door(path).status_code == 200
    session.delete(one)

    assert door(path).status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.9/a.png",
        "https://10.0.0.1/a.png",
        "https://[::1]/a.png",
        "http://good.test/a.png",
        "https://nowhere.test/a.png",
    ],
)
def test_the_guard_stands_before_pictures_too(door, make, picture, url):
    assert door(f"/media/{picture(url=url).id}", make.member("ada")).status_code == 404


def test_media_of_a_peer_may_be_left_outside(door, make, picture, session, peers, good):
    ada, one = make.member("ada"), picture()
    make.peer("quiet.test", allows_media=False)
    peers.add("quiet.test")
    eve = make.remote("eve", "quiet.test", icon_url="https://quiet.test/icon.png")
    bob = make.remote("carl", "good.test", icon_url=f"{good.origin}/a.png")

    assert door(f"/media/icon/{eve.id}", ada).status_code == 404
    assert door(f"/media/icon/{bob.id}", ada).status_code == 200
    assert door(f"/media/{one.id}", ada).status_code == 200


def test_what_failed_is_not_tried_again_at_once(door, make, picture, good):
    ada, one = make.member("ada"), picture()
    good.route("GET", "/a.png", 500)
    for _ in range(3):
        assert door(f"/media/{one.id}", ada).status_code == 404
    assert len(good.received()) == 1


def test_the_store_keeps_to_its_limit(tmp_path):
    store = Pictures(tmp_path, most_bytes=1_000)
    for number in range(30):
        path = store._path(f"https://good.test/{number}")
        store._keep(path, PNG)
        os.utime(path, (number, number))
    store.sweep()

    left = list(tmp_path.glob("*/*"))
    assert sum(path.stat().st_size for path in left) <= 900
    assert store._path("https://good.test/29") in left


def test_a_full_disk_stops_the_keeping_and_nothing_else(tmp_path, peers, good):
    good.route("GET", "/a.png", Reply(200, {"Content-Type": "image/png"}, PNG))
    (tmp_path / "file").write_text("")
    store = Pictures(tmp_path / "file")

    assert store.get(f"{good.origin}/a.png", peers.client(), own_host="home.test") == (PNG, "image/png")

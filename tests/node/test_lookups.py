"""Handles and addresses: found on the other server, past the gate, and never over HTTP when they are ours."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from node import lookups
from node.errors import GateRefused, Invalid, NotThere
from node.models import Actor, Post
from node.runtime import EXTENSION, Node
from tests.support.peers import Peers


@pytest.fixture
def peers():
    with Peers() as made:
        yield made


@pytest.fixture
def good(make, peers):
    make.peer("good.test")
    return peers.add("good.test")


@pytest.fixture
def find(app, settings, clock, session, peers):
    made = []

    def look_up(text):
        if not made:
            made.append(True)
            app.extensions[EXTENSION] = Node(settings, clock, peers.client(total_timeout=2.0))
        session.commit()
        return lookups.look_up(app.extensions[EXTENSION], text)

    return look_up


@pytest.mark.parametrize("text", ["@bob@good.test", "acct:bob@good.test", " bob@GOOD.test. ", "https://good.test/users/bob"])
def test_a_person_is_found_and_kept(find, good, text):
    good.actor("bob", name="Bob <i>B</i>")

    actor = find(text)

    assert isinstance(actor, Actor)
    assert (actor.uri, actor.host, actor.name) == ("https://good.test/users/bob", "good.test", "Bob B")


def test_one_that_is_known_is_not_asked_for_again_the_same_day(find, good, clock):
    good.actor("bob")
    find("@bob@good.test")
    before = len(good.received())
    find("@Bob@good.test")
    assert len(good.received()) == before
    clock.move(2 * 86_400)
    find("@bob@good.test")
    assert len(good.received()) > before


def test_a_post_is_found_with_its_author(find, good, session):
    bob = good.actor("bob")
    said = good.serve(bob.note("<p>Hi</p>"))

    post = find(said["id"])

    assert isinstance(post, Post)
    assert post.content_html == "<p>Hi</p>"
    assert session.get(Actor, post.author_id).username == "bob"


def test_nobody_gets_a_name_at_a_host_that_does_not_vouch_for_it(find, make, peers):
    make.peer("evil.test")
    make.peer("victim.test")
    evil, victim = peers.add("evil.test"), peers.add("victim.test")
    victim.actor("alice")
    fake = evil.actor("alice")
    link = {"rel": "self", "type": "application/activity+json", "href": fake.id}
    evil.route("GET", "/.well-known/webfinger", {"subject": "acct:alice@victim.test", "links": [link]})

    actor = find("@alice@evil.test")  # case A17

    assert (actor.username, actor.host) == ("alice", "evil.test")


def test_webfinger_that_leads_to_somebody_else_finds_nobody(find, good):
    mallory = good.actor("mallory")
    link = {"rel": "self", "type": "application/activity+json", "href": mallory.id}
    good.route("GET", "/.well-known/webfinger", {"subject": "acct:ceo@good.test", "links": [link]})

    assert find("@ceo@good.test") is None


@pytest.mark.parametrize(
    "spelled",
    [
        "https://home.test/users/ada", "http://HOME.test/users/ada", "https://home.test:443/users/ada/", "https://home.test./@ada",
        "@ada@home.test", "@ADA@Home.Test.", "https://ｈome.test/users/ada",
    ],
)  # fmt: skip
def test_what_is_ours_is_answered_from_the_database(find, make, peers, spelled):
    ada = make.member("ada").actor

    assert find(spelled).id == ada.id  # case F18
    assert not peers.lookups


def test_our_posts_are_found_by_id_and_page(find, make, peers):
    post = make.post(make.member("ada").actor)

    for spelled in (
        post.uri,
        post.uri.upper().replace("USERS/ADA/POSTS", "users/ada/posts"),
        f"https://home.test/@ada/{post.id}",
    ):
        assert find(spelled).id == post.id
    assert find("https://home.test/users/ada/posts/1") is None
    assert find("https://home.test/nowhere") is None
    assert find("@nobody@home.test") is None
    assert not peers.lookups


@pytest.mark.parametrize(
    "text",
    [
        "acct:x@host:1234/secret?y#",
        "x@127.0.0.1",
        "x@a/../b",
        "x@good.test\r\nHost: y",
        "",
        "@",
        "just words",
        "javascript:x",
        "x@y@z",
        "//evil",
    ],
)
def test_nonsense_is_refused_without_a_request(find, peers, text):
    with pytest.raises(Invalid):  # case F16
        find(text)
    assert not peers.lookups


@pytest.mark.parametrize(
    "text", ["@bob@blocked.test", "https://blocked.test/users/bob", "@bob@BLOCKED.test.", "@bob@sub.blocked.test"]
)
def test_a_blocked_server_is_not_asked(find, make, peers, text):
    make.peer("blocked.test", "blocked")
    peer = peers.add("blocked.test")

    with pytest.raises(GateRefused) as refused:
        find(text)
    assert [reason.code for reason in refused.value.reasons] == ["peer_blocked"]
    assert peer.received() == []
    assert not peers.lookups


def test_a_stranger_is_not_asked_by_a_selective_node(find, peers):
    peer = peers.add("stranger.test")

    with pytest.raises(GateRefused):
        find("@bob@stranger.test")
    assert peer.received() == []


def test_a_server_that_is_away_is_said_to_be(find, make, peers):
    make.peer("away.test")
    peers.refusing("away.test")

    with pytest.raises(NotThere):
        find("@bob@away.test")


def test_what_is_not_there_is_not_made_up(find, good, session):
    assert find("@nobody@good.test") is None
    assert find("https://good.test/notes/1") is None
    assert session.scalar(select(func.count(Actor.id))) == 0

"""Our node and an independent server, over real HTTP, both ways: found, followed, told, answered, and kept out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.mastodon_client import MastodonClient
from scripts.running_node import RunningNode
from tests.interop.peer import CAVAGE, RFC9421, FedifyPeer, PeerRefused, eventually

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@dataclass(frozen=True)
class Meeting:
    """Our node with its member ada, and their server with alice and bob. Ada and alice follow each other."""

    node: RunningNode
    ada: MastodonClient
    peer: FedifyPeer
    alice_id: str
    """alice's account id at our node."""

    @property
    def ada_uri(self) -> str:
        return f"{self.node.origin}/users/ada"

    @property
    def ada_handle(self) -> str:
        return f"@ada@{self.node.domain}"

    def home_line(self, uri: str) -> dict[str, Any] | None:
        """Ada's home line of the post with this id, or None."""
        return next((line for line in self.ada.home() if line["uri"] == uri), None)

    def told(self, kind: str, by: str) -> bool:
        """Say whether ada has a notification of `kind` from the actor `by`."""
        return any(line["type"] == kind and line["account"]["uri"] == by for line in self.ada.notifications())


@pytest.fixture(scope="module")
def node(peer_node: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningNode, MastodonClient]]:
    # peer_node first: without npm the tests are skipped before a node is started.
    running = RunningNode.prepare(tmp_path_factory.mktemp("node"), settings={"FEDERATION": "selective", "RATE_LIMITS": "off"})
    try:
        running.start()
        running.wait_ready()
        yield running, MastodonClient(running.origin, running.add_member("ada"))
    finally:
        running.stop()


@pytest.fixture(
    scope="module",
    params=[(RFC9421, False), (CAVAGE, False), (RFC9421, True)],
    ids=["rfc9421", "cavage", "authorized-fetch"],
)
def meeting(
    request: pytest.FixtureRequest, node: tuple[RunningNode, MastodonClient], start_peer: Callable[..., FedifyPeer]
) -> Meeting:
    running, ada = node
    first_knock, authorized_fetch = request.param
    peer = start_peer(first_knock=first_knock, authorized_fetch=authorized_fetch)
    running.command("peer", "allow", peer.host)

    alice = ada.account(peer.handle("alice"))
    assert alice["uri"] == peer.actor("alice")
    ada.follow(alice["id"])
    met = Meeting(running, ada, peer, alice["id"])
    eventually(lambda: ada.relation(alice["id"])["following"], what="alice's Accept at our node")
    assert met.ada_uri in peer.state()["actors"]["alice"]["followers"]

    peer.tell("follow", actor="alice", target=met.ada_handle)
    eventually(lambda: peer.state()["actors"]["alice"]["following"][met.ada_uri] == "accepted", what="our Accept at the peer")
    assert ada.relation(alice["id"])["followed_by"]
    return met


class TestLookingUp:
    def test_they_find_our_member_by_handle_and_by_url(self, meeting: Meeting) -> None:
        for target in (meeting.ada_handle, meeting.ada_uri):
            document = meeting.peer.tell("lookup", actor="alice", target=target)["document"]
            assert document["id"] == meeting.ada_uri
            assert document["preferredUsername"] == "ada"

    def test_our_webfinger_answers_for_the_handle(self, meeting: Meeting) -> None:
        resource = f"acct:ada@{meeting.node.domain}"
        descriptor = meeting.peer.tell("webfinger", resource=resource)["descriptor"]
        assert descriptor["subject"] == resource
        assert any(link["rel"] == "self" and link["href"] == meeting.ada_uri for link in descriptor["links"])

    def test_our_nodeinfo_can_be_read(self, meeting: Meeting) -> None:
        nodeinfo = meeting.peer.tell("nodeinfo", url=meeting.node.origin)["nodeinfo"]
        assert nodeinfo["software"]["name"] == "courtyard"
        assert "activitypub" in nodeinfo["protocols"]

    def test_we_find_their_actor_by_url_and_their_post_by_url(self, meeting: Meeting) -> None:
        assert meeting.ada.account(meeting.peer.actor("bob"))["uri"] == meeting.peer.actor("bob")
        post = meeting.peer.tell("post", actor="bob", content="<p>Nobody here follows me</p>")
        statuses = meeting.ada.search(post["id"])["statuses"]
        assert [status["uri"] for status in statuses] == [post["id"]]

    def test_a_handle_that_nobody_has_is_not_found(self, meeting: Meeting) -> None:
        assert meeting.ada.search(meeting.peer.handle("nobody"))["accounts"] == []


class TestOurPosts:
    def test_a_public_post_is_told_edited_and_deleted(self, meeting: Meeting) -> None:
        status = meeting.ada.post("Hello from the **courtyard**", "public")
        known = eventually(lambda: meeting.peer.object(status["uri"]), what="our post at the peer")
        assert known["author"] == meeting.ada_uri
        assert known["isPublic"]
        assert "Hello from the" in known["content"]
        assert "<script" not in known["content"]

        meeting.ada.edit(status["id"], "Hello again")
        known = eventually(lambda: _holds(meeting.peer.object(status["uri"]), "Hello again"), what="the edit")
        assert known["updated"] is not None

        meeting.ada.delete(status["id"])
        eventually(lambda: meeting.peer.object(status["uri"])["deleted"], what="the delete")
        assert meeting.peer.tell("lookup", actor="alice", target=status["uri"])["document"] is None

    def test_a_public_post_and_the_outbox_can_be_fetched(self, meeting: Meeting) -> None:
        status = meeting.ada.post("Fetch me", "public")
        document = meeting.peer.tell("lookup", actor="bob", target=status["uri"])["document"]
        assert document["attributedTo"] == meeting.ada_uri
        outbox = meeting.peer.tell("collection", actor="bob", url=f"{meeting.ada_uri}/outbox")
        assert outbox["items"]

    def test_a_followers_post_is_for_followers_alone(self, meeting: Meeting) -> None:
        status = meeting.ada.post("For those who follow me", "followers")
        known = eventually(lambda: meeting.peer.object(status["uri"]), what="our followers-only post")
        assert not known["isPublic"]
        assert known["to"] == [f"{meeting.ada_uri}/followers"]
        assert meeting.peer.tell("lookup", actor="alice", target=status["uri"])["document"]["id"] == status["uri"]
        assert meeting.peer.tell("lookup", actor="bob", target=status["uri"])["document"] is None

    def test_a_direct_post_reaches_the_one_it_names(self, meeting: Meeting) -> None:
        status = meeting.ada.post(f"Just for you, {meeting.peer.handle('bob')}", "direct")
        known = eventually(lambda: meeting.peer.object(status["uri"]), what="our direct post")
        assert known["to"] == [meeting.peer.actor("bob")]
        assert known["cc"] == []
        assert meeting.peer.tell("lookup", actor="alice", target=status["uri"])["document"] is None

    @pytest.mark.parametrize("visibility", [None, "local"], ids=["default", "members"])
    def test_a_members_post_does_not_leave(self, meeting: Meeting, visibility: str | None) -> None:
        inside = meeting.ada.post("Wisteria stays inside", visibility)
        outside = meeting.ada.post("And this may go", "public")
        eventually(lambda: meeting.peer.object(outside["uri"]), what="the public post after it")
        assert not any("Wisteria" in body for body in meeting.peer.posted_bodies())
        assert meeting.peer.tell("lookup", actor="alice", target=inside["uri"])["document"] is None

    def test_our_reply_hangs_under_their_post(self, meeting: Meeting) -> None:
        question = meeting.peer.tell("post", actor="alice", content="<p>Who has the key?</p>")
        line = eventually(lambda: meeting.home_line(question["id"]), what="their question")
        reply = meeting.ada.post(f"{meeting.peer.handle('alice')} I have", "public", in_reply_to_id=line["id"])
        known = eventually(lambda: meeting.peer.object(reply["uri"]), what="our reply")
        assert known["inReplyTo"] == question["id"]
        assert meeting.peer.actor("alice") in known["mentions"]

    def test_our_like_and_boost_are_told_and_taken_back(self, meeting: Meeting) -> None:
        post = meeting.peer.tell("post", actor="alice", content="<p>Like me</p>")
        line = eventually(lambda: meeting.home_line(post["id"]), what="their post")
        for verb, undo, kind in [("favourite", "unfavourite", "likes"), ("reblog", "unreblog", "boosts")]:
            meeting.ada.act(line["id"], verb)
            eventually(lambda kind=kind: meeting.peer.own_post(post["id"])[kind] == [meeting.ada_uri], what=kind)
            meeting.ada.act(line["id"], undo)
            eventually(lambda kind=kind: meeting.peer.own_post(post["id"])[kind] == [], what=f"{kind} taken back")


class TestTheirPosts:
    def test_a_public_post_is_shown_edited_and_deleted(self, meeting: Meeting) -> None:
        post = meeting.peer.tell("post", actor="alice", content="<p>Good morning<script>alert(1)</script></p>")
        line = eventually(lambda: meeting.home_line(post["id"]), what="their post at home")
        assert line["visibility"] == "public"
        assert line["account"]["acct"] == meeting.peer.handle("alice").removeprefix("@")
        assert "Good morning" in line["content"]
        assert "script" not in line["content"]

        meeting.peer.tell("edit", id=post["id"], content="<p>Good evening</p>")
        edited = eventually(lambda: _holds(meeting.home_line(post["id"]), "Good evening"), what="their edit")
        assert edited["edited_at"] is not None

        meeting.peer.tell("delete", id=post["id"])
        eventually(lambda: meeting.home_line(post["id"]) is None, what="their delete")

    def test_a_followers_post_is_shown_as_private(self, meeting: Meeting) -> None:
        post = meeting.peer.tell("post", actor="alice", content="<p>Only for my followers</p>", audience="followers")
        line = eventually(lambda: meeting.home_line(post["id"]), what="their followers-only post")
        assert line["visibility"] == "private"

    def test_a_direct_post_notifies_the_one_it_names(self, meeting: Meeting) -> None:
        meeting.peer.tell("post", actor="bob", content="<p>Psst, ada</p>", audience="direct", mentions=[meeting.ada_uri])
        eventually(lambda: meeting.told("mention", meeting.peer.actor("bob")), what="the mention")

    def test_their_reply_hangs_under_our_post(self, meeting: Meeting) -> None:
        question = meeting.ada.post("Who brings the cake?", "public")
        eventually(lambda: meeting.peer.object(question["uri"]), what="our question")
        reply = meeting.peer.tell(
            "post", actor="alice", content="<p>I do</p>", inReplyTo=question["uri"], mentions=[meeting.ada_uri]
        )
        eventually(
            lambda: [line["uri"] for line in meeting.ada.context(question["id"])["descendants"]] == [reply["id"]],
            what="their reply in the thread",
        )

    def test_their_like_and_boost_are_counted_told_and_taken_back(self, meeting: Meeting) -> None:
        status = meeting.ada.post("Do you like this?", "public")
        uri, bob = status["uri"], meeting.peer.actor("bob")
        for verb, undo, count, kind in [
            ("like", "unlike", "favourites_count", "favourite"),
            ("boost", "unboost", "reblogs_count", "reblog"),
        ]:
            meeting.peer.tell(verb, actor="bob", object=uri)
            eventually(lambda count=count: meeting.ada.status(status["id"])[count] == 1, what=f"their {verb}")
            assert meeting.told(kind, bob)
            meeting.peer.tell(undo, actor="bob", object=uri)
            eventually(lambda count=count: meeting.ada.status(status["id"])[count] == 0, what=f"their {undo}")

    def test_their_boost_of_a_third_post_comes_home(self, meeting: Meeting) -> None:
        post = meeting.peer.tell("post", actor="bob", content="<p>Worth repeating</p>")
        meeting.peer.tell("boost", actor="alice", object=post["id"])
        eventually(
            lambda: [line for line in meeting.ada.home() if (line["reblog"] or {}).get("uri") == post["id"]],
            what="alice's boost at home",
        )


def test_unfollowing_ends_it_both_ways(meeting: Meeting) -> None:
    bob = meeting.ada.account(meeting.peer.actor("bob"))
    meeting.ada.follow(bob["id"])
    eventually(lambda: meeting.ada.relation(bob["id"])["following"], what="bob's Accept")
    meeting.ada.unfollow(bob["id"])
    eventually(lambda: meeting.ada_uri not in meeting.peer.state()["actors"]["bob"]["followers"], what="our Undo at the peer")

    meeting.peer.tell("follow", actor="bob", target=meeting.ada_uri)
    eventually(lambda: meeting.ada.relation(bob["id"])["followed_by"], what="bob's follow")
    meeting.peer.tell("unfollow", actor="bob", target=meeting.ada_uri)
    eventually(lambda: not meeting.ada.relation(bob["id"])["followed_by"], what="their Undo here")


def test_nothing_failed_on_the_way(meeting: Meeting) -> None:
    assert meeting.peer.state()["failures"] == []


class TestKeptOut:
    """Servers that were not let in, or were let in and then blocked."""

    def test_a_waiting_server_is_sent_nothing_and_cannot_follow(
        self, node: tuple[RunningNode, MastodonClient], start_peer: Callable[..., FedifyPeer]
    ) -> None:
        running, ada = node
        stranger = start_peer()
        with contextlib.suppress(PeerRefused):  # it may already fail to learn who ada is
            stranger.tell("follow", actor="alice", target=f"@ada@{running.domain}")
        status = ada.post(f"Hydrangea for {stranger.handle('alice')}", "public")
        hidden = ada.post("Hydrangea for followers", "followers")
        time.sleep(2)
        assert ada.status(status["id"])["content"]
        assert not any("Hydrangea" in body for body in stranger.posted_bodies())
        assert stranger.tell("lookup", actor="alice", target=hidden["uri"])["document"] is None
        assert "accepted" not in stranger.state()["actors"]["alice"]["following"].values()

    def test_a_blocked_server_gets_and_gives_nothing(
        self, node: tuple[RunningNode, MastodonClient], start_peer: Callable[..., FedifyPeer]
    ) -> None:
        running, ada = node
        evil, good = start_peer(), start_peer()
        for peer in (evil, good):
            running.command("peer", "allow", peer.host)
            peer.tell("follow", actor="alice", target=f"@ada@{running.domain}")
            eventually(lambda peer=peer: "accepted" in peer.state()["actors"]["alice"]["following"].values())
            alice = ada.account(peer.handle("alice"))
            ada.follow(alice["id"])
            eventually(lambda alice=alice: ada.relation(alice["id"])["following"], what="their Accept")
        before = ada.post("Oleander before", "public")
        eventually(lambda: evil.object(before["uri"]), what="a post before the block")

        running.command("peer", "block", evil.host)
        evil.tell("forget")
        after = ada.post("Oleander after", "public")
        theirs = evil.tell("post", actor="alice", content="<p>Let me in</p>")
        ours = good.tell("post", actor="alice", content="<p>I am still welcome</p>")
        eventually(lambda: good.object(after["uri"]), what="the post at the other peer")
        eventually(lambda: [line for line in ada.home() if line["uri"] == ours["id"]], what="the other peer's post")

        assert evil.posted_bodies() == []
        assert evil.tell("lookup", actor="alice", target=after["uri"])["document"] is None
        assert evil.tell("lookup", actor="alice", target=f"{running.origin}/users/ada")["document"] is None
        assert all(line["uri"] != theirs["id"] for line in ada.home())
        ada.delete(before["id"])
        assert all("Oleander after" not in body for body in evil.posted_bodies())


def _holds(known: dict[str, Any] | None, text: str) -> dict[str, Any] | None:
    """Return what is known when its content holds `text`."""
    return known if known and text in (known["content"] or "") else None

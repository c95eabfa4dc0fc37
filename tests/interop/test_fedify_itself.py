"""The peer is trusted to judge our node, so first it must get on with a second copy of itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.interop.peer import CAVAGE, RFC9421, FedifyPeer, eventually


@pytest.mark.parametrize(
    ("first_knock", "schemes", "authorized_fetch"),
    # Where GETs must be signed Fedify may settle on the older scheme after a first 401.
    [(RFC9421, {"rfc9421"}, False), (CAVAGE, {"cavage"}, False), (RFC9421, {"rfc9421", "cavage"}, True)],
    ids=["rfc9421", "cavage", "authorized-fetch"],
)
def test_two_peers_follow_each_other_and_exchange_a_note(
    start_peer: Callable[..., FedifyPeer], first_knock: str, schemes: set[str], authorized_fetch: bool
) -> None:
    here = start_peer(first_knock=first_knock, authorized_fetch=authorized_fetch)
    there = start_peer(first_knock=first_knock, authorized_fetch=authorized_fetch)

    here.tell("follow", actor="alice", target=there.handle("bob"))
    there.tell("follow", actor="bob", target=here.handle("alice"))
    for peer, name, other in [(here, "alice", there.actor("bob")), (there, "bob", here.actor("alice"))]:
        eventually(
            lambda peer=peer, name=name, other=other: peer.state()["actors"][name]["following"][other] == "accepted",
            what=f"{name}'s follow accepted",
        )

    post = here.tell("post", actor="alice", content="<p>Good morning</p>", audience="followers")
    known = eventually(lambda: there.object(post["id"]), what="the note at the other peer")
    assert known["content"] == "<p>Good morning</p>"
    assert not known["isPublic"]

    reply = there.tell("post", actor="bob", content="<p>And to you</p>", inReplyTo=post["id"], mentions=[here.actor("alice")])
    assert eventually(lambda: here.object(reply["id"]), what="the reply")["inReplyTo"] == post["id"]

    there.tell("like", actor="bob", object=post["id"])
    eventually(lambda: here.own_post(post["id"])["likes"] == [there.actor("bob")], what="the like")
    there.tell("unlike", actor="bob", object=post["id"])
    eventually(lambda: here.own_post(post["id"])["likes"] == [], what="the like undone")

    here.tell("edit", id=post["id"], content="<p>Good evening</p>")
    eventually(lambda: there.object(post["id"])["content"] == "<p>Good evening</p>", what="the edit")
    here.tell("delete", id=post["id"])
    eventually(lambda: there.object(post["id"])["deleted"], what="the delete")

    inbox_posts = [request for request in here.state()["requests"] if request["method"] == "POST"]
    assert {request["scheme"] for request in inbox_posts} <= schemes
    assert here.state()["failures"] == [] == there.state()["failures"]

"""L05, L16: a block and a removal hold, whatever the other server does: nothing new is sent there, nothing is shown to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.abuse.running import ORIGIN
from tests.abuse.trials import World
from tests.support.peers import Actor

ADA = f"{ORIGIN}/users/ada"


class Api:
    """The client API as ada uses it."""

    def __init__(self, world: World) -> None:
        self._node, self._token = world.node, world.node.token("ada")

    def __call__(self, method: str, path: str, **fields: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        answer = self._node.send(method, f"/api/v1/{path}", headers, json.dumps(fields).encode() if fields else b"")
        assert answer.status == 200, (answer.status, answer.response.body)
        self._node.state.wait_until_idle()
        return json.loads(answer.response.body)

    def say(self, text: str, visibility: str = "public", **fields: Any) -> Any:
        return self("POST", "statuses", status=text, visibility=visibility, **fields)

    def account(self, handle: str) -> str:
        return str(self("GET", f"accounts/lookup?acct={handle}")["id"])


@pytest.fixture(scope="module")
def api(world: World) -> Api:
    return Api(world)


def send(world: World, actor: Actor, kind: str, thing: Any) -> None:
    assert world.node.post(actor, actor.activity(kind, thing)).status == 202
    world.node.state.wait_until_idle()


def told(world: World) -> list[Any]:
    """Return what evil.test was sent since its last `forget`."""
    return [json.loads(request.body) for request in world.evil.received() if request.method == "POST"]


@pytest.mark.parametrize("verb", ["block", "remove_from_followers"])
def test_l05_l16_edits_do_not_go_to_who_was_blocked_or_removed(world: World, api: Api, verb: str) -> None:
    who = world.mallory if verb == "block" else world.eve
    handle = f"{who.name}@evil.test"
    send(world, who, "Follow", ADA)
    followers = api.say("for followers", "followers")
    other = api.say("more for followers", "followers")
    direct = api.say(f"@{handle} for you", "direct") if verb == "block" else None
    had = [said for said in (followers, other, direct) if said]
    assert {item["object"]["id"] for item in told(world) if item["type"] == "Create"} >= {said["uri"] for said in had}

    api("POST", f"accounts/{api.account(handle)}/{verb}")
    world.evil.forget()
    api("PUT", f"statuses/{followers['id']}", status="canaryedit for followers")
    if direct:
        api("PUT", f"statuses/{direct['id']}", status=f"@{handle} canaryedit for you")
    got = told(world)
    assert "canary" not in json.dumps(got)
    assert {item["object"]["id"] for item in got} == {said["uri"] for said in (followers, direct) if said}
    assert {item["type"] for item in got} == {"Delete"}


def test_l16_a_block_outlasts_a_farewell_and_a_return(world: World, api: Api) -> None:
    api("POST", f"accounts/{api.account('mallory@evil.test')}/block")
    send(world, world.mallory, "Delete", world.mallory.id)
    world.mallory.rotate()
    send(world, world.mallory, "Like", f"{ORIGIN}/users/nobody/posts/1")
    world.evil.forget()
    send(world, world.mallory, "Follow", ADA)

    assert [item["type"] for item in told(world)] == ["Reject"]
    assert not world.node.state.count("follows", "follower_id = (SELECT id FROM actors WHERE uri = ?)", world.mallory.id)


def test_l16_no_collection_shows_a_post_to_who_is_blocked(world: World, api: Api) -> None:
    said = api.say("canaryopen")
    api("POST", f"statuses/{said['id']}/pin")
    api("POST", f"accounts/{api.account('eve@evil.test')}/block")
    path = said["uri"].removeprefix(ORIGIN)
    assert world.node.get(path, actor=world.eve).status == 404
    for shown in ("/users/ada/outbox?page=true", "/users/ada/collections/featured"):
        assert b"canaryopen" in world.node.get(shown, actor=world.carol).response.body
        answer = world.node.get(shown, actor=world.eve)
        assert (answer.status, b"canaryopen" in answer.response.body) == (200, False)
    total = json.loads(world.node.get("/users/ada/outbox", actor=world.eve).response.body)["totalItems"]
    assert total == 0

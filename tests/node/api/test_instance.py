"""What the node says of itself to clients."""

from __future__ import annotations

from node.actions import node_settings
from node.models import Member
from node.policy import Mode
from node.version import VERSION
from tests.node.api.conftest import Api
from tests.support.factories import Factory


def test_both_forms_have_their_shape(stranger: Api, api: Api) -> None:
    for client in (stranger, api):
        new = client.get("/api/v2/instance", shape="Instance")
        old = client.get("/api/v1/instance", shape="V1Instance")
    assert new["domain"] == old["uri"] == "home.test"
    assert VERSION in new["version"]
    assert new["registrations"]["enabled"] is False
    assert new["configuration"]["statuses"]["max_media_attachments"] == 0


def test_only_an_open_node_tells_strangers_numbers_and_peers(stranger: Api, api: Api, ben: Member, make: Factory) -> None:
    make.remote("bob", "peer.test")
    assert stranger.get("/api/v1/instance")["stats"] == {"user_count": 0, "status_count": 0, "domain_count": 0}
    assert api.get("/api/v1/instance")["stats"]["user_count"] == 2
    stranger.get("/api/v1/instance/peers", 404)
    node_settings.set_mode(make.session, Mode.OPEN, by=None, now=make.clock())
    assert stranger.get("/api/v1/instance")["stats"]["user_count"] == 2
    assert stranger.get("/api/v1/instance/peers") == ["peer.test"]


def test_rules_are_lines(stranger: Api, make: Factory) -> None:
    node_settings.update(make.session, by=None, now=make.clock(), rules="1. Be kind\n\n- Lock the door")
    rules = stranger.get("/api/v1/instance/rules", shape="[Rule]")
    assert [rule["text"] for rule in rules] == ["Be kind", "Lock the door"]


def test_what_does_not_exist_is_empty_and_breaks_no_client(api: Api, stranger: Api) -> None:
    for path in (
        "v1/custom_emojis", "v1/lists", "v1/filters", "v2/filters", "v1/announcements", "v1/trends/tags", "v1/conversations",
        "v1/featured_tags", "v1/followed_tags", "v2/suggestions",
    ):  # fmt: skip
        assert api.get(f"/api/{path}") == []
    assert stranger.get("/api/v1/streaming/health") == "OK"
    stranger.get("/api/v1/streaming", 404)
    api.get("/api/v1/streaming/user", 404)


def test_files_are_refused_in_words(api: Api) -> None:
    for path in ("/api/v1/media", "/api/v2/media"):
        assert "Files" in api.post(path, 422)["error"]
